"""Two ends of a call for the tests of this folder: what they say is a tone, and what they hear is kept."""

from __future__ import annotations

import asyncio
import gc
import threading
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vivavoce.webrtc import seams
from vivavoce.webrtc.config import RtcConfig
from vivavoce.webrtc.peer import RtcPeer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

RATE = 24000
FRAME = 480
LOCAL = RtcConfig(addresses=("127.0.0.1",))


class End:
    """What a peer says and is told. Every change wakes those that wait in `until`."""

    def __init__(self, hz: float = 400.0) -> None:
        self.hz = hz
        self.said = 0
        self.heard = bytearray()
        self.texts: list[str] = []
        self.opened = self.drained = 0
        self.ends: list[str] = []
        self._changed = asyncio.Event()

    def on_audio(self, pcm: bytes) -> None:
        self.heard += pcm
        self._changed.set()

    def pull_audio(self) -> bytes:
        if not self.hz:
            return b""
        at = (np.arange(FRAME) + self.said * FRAME) / RATE
        self.said += 1
        return (8000 * np.sin(2 * np.pi * self.hz * at)).astype("<i2").tobytes()

    def on_text(self, text: str) -> None:
        self.texts.append(text)
        self._changed.set()

    def on_open(self) -> None:
        self.opened += 1
        self._changed.set()

    def on_drained(self) -> None:
        self.drained += 1
        self._changed.set()

    def on_end(self, reason: str) -> None:
        self.ends.append(reason)
        self._changed.set()

    async def until(self, condition: Callable[[End], object]) -> None:
        """Wait until this is so."""
        while not condition(self):
            self._changed.clear()
            await self._changed.wait()

    async def next_frame(self) -> None:
        """Wait for the next piece of sound."""
        so_far = len(self.heard)
        await self.until(lambda end: len(end.heard) > so_far)

    def pitch(self) -> float:
        """What was heard last, in Hz: the loudest of 200 ms."""
        tail = np.frombuffer(self.heard, "<i2")[-RATE // 5 :].astype(float)
        return float(np.argmax(np.abs(np.fft.rfft(tail))) * RATE / len(tail))

    async def hears(self, seconds: float) -> None:
        """Wait until so much was heard."""
        await self.until(lambda end: len(end.heard) >= 2 * RATE * seconds)


@asynccontextmanager
async def call(
    config: RtcConfig = LOCAL, answering: RtcConfig | None = None
) -> AsyncIterator[tuple[RtcPeer, End, RtcPeer, End]]:
    """One call between two peers of ours, open: who offered, what it hears; who answered, what it hears."""
    near, far = End(400), End(700)
    caller, callee = RtcPeer(config, near), RtcPeer(answering or config, far)
    try:
        await caller.accept(await callee.answer(await caller.offer()))
        await near.until(lambda end: end.opened)
        await far.until(lambda end: end.opened)
        yield caller, near, callee, far
    finally:
        await caller.aclose()
        await callee.aclose()


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@contextmanager
def nothing_left() -> Iterator[None]:
    """No socket, thread or task of what happens inside is there afterwards."""
    before = descriptors(), threading.active_count(), len(asyncio.all_tasks())
    complaints: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    yield
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    assert not tasks
    assert (descriptors(), threading.active_count(), len(asyncio.all_tasks())) == before
    gc.collect()  # a task whose failure nobody asked for complains when it goes
    assert complaints == []


def cut(peer: RtcPeer) -> None:
    """Take the network away from a peer: it says no more, and does not know."""
    assert peer._wiring is not None
    for protocol in seams.protocols(peer._wiring.link):
        protocol.transport.abort()
