"""A line that is fed by a `PlayedSession`: a person who speaks, a clock of 20 ms, and a hub that notes it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from tests.server.order import check_order

from vivavoce.conversation.ids import CountingIds
from vivavoce.conversation.options import SessionOptions
from vivavoce.engines.base import Engines
from vivavoce.pipeline import LocalSession
from vivavoce.protocol import ClientEvent, InputAudioBufferAppend, ServerEvent, to_builtins
from vivavoce.protocol.codec import client_event_from
from vivavoce.server.guarding import GuardedSink
from vivavoce.server.guardrails import ServerGuardrail
from vivavoce.server.played import PlayedSession
from vivavoce.testing import run
from vivavoce.testing.tones import tone

FRAME_MS = 20
FRAME_S = FRAME_MS / 1000
Scenario = Callable[["Line"], Awaitable[None]]


class Line:
    """One local session on a line, with a hub that notes what passes.

    Attributes:
        events: what a client of it sees, with the time.
        heard: what was played, with the time.
        appended: the line's audio, as the session has it.
    """

    writable = True

    def __init__(
        self,
        engines: Engines,
        options: SessionOptions | None = None,
        guardrails: Sequence[ServerGuardrail] = (),
    ) -> None:
        self._now = asyncio.get_running_loop().time
        self.events: list[tuple[float, dict[str, Any]]] = []
        self.heard: list[tuple[float, bytes]] = []
        self.appended: list[bytes] = []
        self.played = PlayedSession(self)
        self._guard = GuardedSink(self.played, guardrails) if guardrails else None
        options = options or SessionOptions()
        self.session = LocalSession(engines, self._guard or self.played, options, ids=CountingIds())
        if self._guard is not None:
            self._guard.attach(self.session)
        self.played.attach(self.session)
        self._news = asyncio.Event()
        self._clock = asyncio.get_running_loop().create_task(self._play())
        self.played.start()

    async def _play(self) -> None:
        while True:
            await asyncio.sleep(FRAME_S)
            if frame := self.played.pull_audio():
                self.heard.append((self._now(), frame))

    async def hang_up(self) -> None:
        """End it, and look whether everything was in order."""
        self._clock.cancel()
        if self._guard is not None:
            await self._guard.aclose()
        await self.played.aclose()
        await self.played.aclose()

    # --- the hub ------------------------------------------------------------------------------------------

    def send(self, events: Sequence[ServerEvent]) -> None:
        assert events
        self.events += [(self._now(), to_builtins(event)) for event in events]
        self._news.set()

    def receive(self, event: ClientEvent, number: int = 0) -> None:
        assert isinstance(event, InputAudioBufferAppend)
        assert number == 0
        self.appended.append(event.audio)
        self.played.receive(event)

    # --- the client and the person ------------------------------------------------------------------------

    def do(self, kind: str, **fields: Any) -> None:
        self.played.receive(client_event_from({"type": kind, **fields}))

    def ask(self, text: str = "Hi", **response: Any) -> None:
        content = [{"type": "input_text", "text": text}]
        self.do("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        self.do("response.create", response=response)

    def update(self, **audio: Any) -> None:
        self.do("session.update", session={"type": "realtime", "audio": audio})

    async def speak(self, ms: int) -> None:
        await self._live(tone(FRAME_MS), ms)

    async def be_silent(self, ms: int) -> None:
        await self._live(bytes(48 * FRAME_MS), ms)

    async def _live(self, frame: bytes, ms: int) -> None:
        for _ in range(ms // FRAME_MS):
            await asyncio.sleep(FRAME_S)
            self.played.hear(frame)

    # --- what came of it ----------------------------------------------------------------------------------

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for _, event in self.events if event["type"] == kind]

    def at(self, kind: str) -> float:
        """When the last event of a kind came."""
        return [at for at, event in self.events if event["type"] == kind][-1]

    async def wait(self, kind: str, count: int = 1) -> dict[str, Any]:
        async with asyncio.timeout(60):
            while len(self.of(kind)) < count:
                self._news.clear()
                await self._news.wait()
        return self.of(kind)[count - 1]

    @property
    def order(self) -> list[str]:
        """The kinds of events, each run of deltas as one."""
        kinds: list[str] = []
        for _, event in self.events:
            kind = event["type"].removeprefix("response.").removeprefix("conversation.")
            if not (kind.endswith("delta") and any(each == kind for each in kinds[-2:])):
                kinds.append(kind)
        return kinds

    def since(self, kind: str) -> list[str]:
        """The kinds of events from the last of a kind on."""
        order = self.order
        return order[len(order) - 1 - order[::-1].index(kind) :]

    @property
    def heard_ms(self) -> int:
        """How much that was not silent was played."""
        return sum(
            sum(frame[at : at + 96] != bytes(96) for at in range(0, 960, 96)) * 2 for _, frame in self.heard
        )

    async def listen(self, ms: int) -> None:
        """Wait for so much of the media clock, and not for the next frame."""
        await asyncio.sleep((ms - FRAME_MS / 2) / 1000)

    def check(self) -> None:
        """See that everything came in order, and has ended."""
        check_order([event for _, event in self.events], speaking=True)


def play(
    scenario: Scenario,
    engines: Engines,
    options: SessionOptions | None = None,
    guardrails: Sequence[ServerGuardrail] = (),
) -> Line:
    """Play a scenario on a line and return it with all that it noted; everything came in order, and ended."""

    async def main() -> Line:
        line = Line(engines, options, guardrails)
        try:
            await scenario(line)
        finally:
            await line.hang_up()
        line.check()
        return line

    return run(main())
