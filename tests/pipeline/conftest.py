"""A client on the virtual clock: it speaks in tones, notes every event with its time, and leaves nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar, cast

import numpy as np
import pytest

from vivavoce.audio.g711 import encode_alaw, encode_ulaw
from vivavoce.engines.base import Engines
from vivavoce.engines.scripted import LoudnessVad, scripted_engines
from vivavoce.pipeline import LocalSession, SessionOptions
from vivavoce.protocol import (
    AudioFormat,
    AudioInput,
    AudioOutput,
    ClientEvent,
    InputAudioBufferAppend,
    PcmaFormat,
    PcmFormat,
    PcmuFormat,
    RealtimeSession,
    Response,
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioTranscriptDelta,
    ServerEvent,
    SessionAudio,
    SessionUpdate,
)
from vivavoce.testing import VirtualClockLoop

E = TypeVar("E")
FRAME_MS = 20


def sound(ms: int, fmt: AudioFormat, amplitude: int) -> bytes:
    """A tone in a format of the wire; amplitude 0 is silence."""
    rate = 24000 if isinstance(fmt, PcmFormat) else 8000
    time = np.arange(rate * ms // 1000) / rate
    pcm = (np.sin(2 * np.pi * 400 * time) * amplitude).astype("<i2").tobytes()
    match fmt:
        case PcmuFormat():
            return encode_ulaw(pcm)
        case PcmaFormat():
            return encode_alaw(pcm)
    return pcm


class Client:
    """One session and the sink of its events.

    Args:
        engines: the session's.
        options: the operator's.
    """

    def __init__(self, engines: Engines, options: SessionOptions | None = None) -> None:
        self.events: list[tuple[float, ServerEvent]] = []
        self.writable = True
        self.ended: list[str] = []
        self.fmt: AudioFormat = PcmFormat()
        self._news = asyncio.Event()
        self.engines = engines
        self.session = LocalSession(engines, self, options, on_end=self.ended.append)
        self.session.start()

    # --- the sink -----------------------------------------------------------------------------------------

    def send(self, events: Sequence[ServerEvent]) -> None:
        now = asyncio.get_running_loop().time()
        self.events += [(now, event) for event in events]
        self._news.set()

    # --- the person ---------------------------------------------------------------------------------------

    def do(self, event: ClientEvent) -> None:
        self.session.receive(event)

    def append(self, *sounds: bytes) -> None:
        self.do(InputAudioBufferAppend(audio=b"".join(sounds)))

    def tone(self, ms: int) -> bytes:
        return sound(ms, self.fmt, 8000)

    def silence(self, ms: int) -> bytes:
        return sound(ms, self.fmt, 0)

    async def speak(self, ms: int = 600) -> None:
        await self._live(self.tone(ms), ms)

    async def pause(self, ms: int = 700) -> None:
        await self._live(self.silence(ms), ms)

    async def turn(self, ms: int = 600) -> None:
        await self.speak(ms)
        await self.pause()

    async def _live(self, audio: bytes, ms: int) -> None:
        size = len(audio) * FRAME_MS // ms
        for start in range(0, len(audio), size):
            await asyncio.sleep(FRAME_MS / 1000)
            self.append(audio[start : start + size])

    def set_input(self, **fields: Any) -> None:
        """Send a `session.update` for `session.audio.input`."""
        if "format" in fields:
            self.fmt = fields["format"]
        audio = SessionAudio(input=AudioInput(**fields))
        self.do(SessionUpdate(session=RealtimeSession(audio=audio)))

    def set_output(self, **fields: Any) -> None:
        """Send a `session.update` for `session.audio.output`."""
        audio = SessionAudio(output=AudioOutput(**fields))
        self.do(SessionUpdate(session=RealtimeSession(audio=audio)))

    # --- what came back -----------------------------------------------------------------------------------

    def of(self, kind: type[E]) -> list[E]:
        return [event for _, event in self.events if isinstance(event, kind)]

    def times(self, kind: type[ServerEvent]) -> list[float]:
        return [at for at, event in self.events if isinstance(event, kind)]

    async def wait(self, kind: type[E], count: int = 1, *, within: float = 60.0) -> E:
        """Wait until so many events of a kind have come, and return the last of them."""
        async with asyncio.timeout(within):
            while len(self.of(kind)) < count:
                self._news.clear()
                await self._news.wait()
        return self.of(kind)[count - 1]

    async def response(self, count: int = 1) -> Response:
        """Wait for the end of the `count`-th response."""
        done = await self.wait(ResponseDone, count)
        return done.response

    @property
    def audio(self) -> bytes:
        return b"".join(event.delta for event in self.of(ResponseOutputAudioDelta))

    @property
    def transcript(self) -> str:
        return "".join(event.delta for event in self.of(ResponseOutputAudioTranscriptDelta))


def open_slots(engines: Engines) -> int:
    return len(cast(LoudnessVad, engines.vad).open_slots)


def timers() -> list[asyncio.TimerHandle]:
    """The timers of the virtual clock that will still ring."""
    loop = cast(VirtualClockLoop, asyncio.get_running_loop())
    return [timer for _, _, timer, _ in loop._clock._alarms if not timer.cancelled()]


def others() -> list[asyncio.Task[Any]]:
    """Every task but this one."""
    return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]


class Stage:
    """Plays a scenario with clients and looks, when all have gone, whether anything is left of them."""

    def __init__(self) -> None:
        self.clients: list[Client] = []
        self.engines = scripted_engines()

    def join(self, options: SessionOptions | None = None) -> Client:
        """Open one more session on the same engines."""
        client = Client(self.engines, options)
        self.clients.append(client)
        return client

    async def play(
        self,
        scenario: Callable[[Client], Awaitable[None]],
        engines: Engines | None = None,
        options: SessionOptions | None = None,
    ) -> Client:
        """Play a scenario with one client, which may let more join; return it with all it has noted."""
        self.engines = engines or self.engines
        before = len(self.clients)
        client = self.join(options)
        try:
            await scenario(client)
        finally:
            for each in self.clients[before:]:
                begun = asyncio.get_running_loop().time()
                await each.session.aclose()
                await each.session.aclose()
                assert asyncio.get_running_loop().time() - begun < 1.0
        await self._nothing_is_left()
        return client

    async def _nothing_is_left(self) -> None:
        counts = [len(client.events) for client in self.clients]
        await asyncio.sleep(0)
        assert not others()
        assert open_slots(self.engines) == 0
        assert not timers()
        await asyncio.sleep(100)
        assert counts == [len(client.events) for client in self.clients]


@pytest.fixture
def stage() -> Stage:
    """`run(stage.play(scenario, engines))` awaits `scenario(client)` on the virtual clock."""
    return Stage()
