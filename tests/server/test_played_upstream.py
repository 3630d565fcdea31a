"""A model on another server, whose audio this one plays: the whole way over a socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from vivavoce.connections.upstream import UpstreamRealtime
from vivavoce.conversation.options import SessionOptions
from vivavoce.engines.scripted import scripted_engines
from vivavoce.protocol import ClientEvent, ServerEvent
from vivavoce.protocol.codec import client_event_from
from vivavoce.server.played import PlayedSession
from vivavoce.testing.tones import tone

Serve = Callable[..., AbstractAsyncContextManager[str]]
WORDS = "One two three four five six seven eight nine ten."


class Desk:
    """The hub, and a clock that is wound by hand."""

    writable = True

    def __init__(self) -> None:
        self.events: list[ServerEvent] = []
        self._news = asyncio.Event()

    def send(self, events: Sequence[ServerEvent]) -> None:
        self.events += events
        self._news.set()

    def receive(self, event: ClientEvent, number: int = 0) -> None:
        self.played.receive(event)

    def open(self, upstream: UpstreamRealtime) -> None:
        self.played = PlayedSession(self)
        self.played.attach(upstream.open(self.played, SessionOptions()))
        self.played.start()

    def do(self, kind: str, **fields: object) -> None:
        self.played.receive(client_event_from({"type": kind, **fields}))

    async def wait(self, kind: str, count: int = 1) -> ServerEvent:
        async with asyncio.timeout(10):
            while len(found := [event for event in self.events if event.type == kind]) < count:
                self._news.clear()
                await self._news.wait()
        return found[count - 1]

    def kinds(self, since: str) -> list[str]:
        kinds = [event.type for event in self.events if not event.type.endswith(".delta")]
        return kinds[kinds.index(since) :]


def test_speech_cuts_what_a_model_elsewhere_says(serving: Serve) -> None:
    async def main() -> Desk:
        engines = scripted_engines(hears=["Stop"], answers=[[WORDS], ["Yes."]])
        desk = Desk()
        async with serving(engines=engines) as url:
            upstream = UpstreamRealtime(url)
            desk.open(upstream)
            await desk.wait("session.created")
            desk.do("response.create")
            await desk.wait("response.output_audio.delta", 3)
            for _ in range(5):
                assert len(desk.played.pull_audio()) == 960
            for _ in range(30):
                desk.played.hear(tone(20))
            await desk.wait("conversation.item.truncated")
            assert desk.played.pull_audio() == b""
            desk.do("conversation.item.delete", item_id="nobodys", event_id="mine")
            await desk.wait("error")
            await desk.played.aclose()
            await upstream.aclose()
        return desk

    desk = asyncio.run(main())
    cut = next(event for event in desk.events if event.type == "conversation.item.truncated")
    assert getattr(cut, "audio_end_ms", None) == 100
    assert desk.kinds("input_audio_buffer.speech_started") == [
        "input_audio_buffer.speech_started",
        "output_audio_buffer.cleared",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "conversation.item.truncated",
        "error",
    ]


def test_what_comes_faster_than_it_is_heard_is_stopped_when_all_of_it_was(serving: Serve) -> None:
    async def main() -> tuple[Desk, int]:
        desk = Desk()
        async with serving(engines=scripted_engines(answers=[["One two three."]])) as url:
            upstream = UpstreamRealtime(url)
            desk.open(upstream)
            await desk.wait("session.created")
            desk.do("response.create")
            await desk.wait("response.done")
            frames = 0
            while not desk.kinds("session.created")[-1].endswith(".stopped"):
                assert desk.played.pull_audio()
                frames += 1
            await desk.played.aclose()
            await upstream.aclose()
        return desk, frames

    desk, frames = asyncio.run(main())
    assert frames == 30
    assert desk.kinds("response.done") == [
        "response.done",
        "output_audio_buffer.started",
        "output_audio_buffer.stopped",
    ]
