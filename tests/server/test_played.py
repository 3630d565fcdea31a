"""What stands between a session that does as it is told and a hub."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from tests.server import ear

from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import (
    ClientEvent,
    ConversationItemTruncate,
    OutputAudioBufferClear,
    ResponseCancel,
    ResponseCreate,
    ServerEvent,
)
from vivavoce.server.hub import SessionHub
from vivavoce.server.played import PlayedSession


class Puppet:
    """A session that says what it is made to say, and notes what it is told."""

    def __init__(self, *, close_code: int | None = None) -> None:
        self.id = "sess_1"
        self.on_end: Callable[[str], None] | None = None
        self.received: list[ClientEvent] = []
        self.called: list[Any] = []
        if close_code is not None:
            self.close_code = close_code

    def start(self) -> None:
        self.called.append("start")

    def receive(self, event: ClientEvent) -> None:
        self.received.append(event)

    def receive_error(self, error: RemoteProtocolError) -> None:
        self.called.append(error)

    def resume(self) -> None:
        self.called.append("resume")

    async def aclose(self) -> None:
        self.called.append("aclose")


class Port:
    """A connection to a hub."""

    def __init__(self) -> None:
        self.writable = True
        self.kinds: list[str] = []

    def send(self, events: Sequence[ServerEvent]) -> None:
        self.kinds += [event.type for event in events]

    def close(self, code: int, reason: str = "") -> None:
        pass


def joined(puppet: Puppet | None = None) -> tuple[PlayedSession, Puppet, Port, SessionHub]:
    port, puppet = Port(), puppet or Puppet()
    hub = SessionHub(port)
    played = PlayedSession(hub)
    played.attach(puppet)
    hub.attach(played)
    return played, puppet, port, hub


def test_to_its_hub_it_is_the_session_and_to_the_session_the_hub() -> None:
    async def main() -> None:
        played, puppet, port, hub = joined()
        assert hub.session is played
        assert (played.id, played.on_end, played.close_code) == ("sess_1", None, None)
        ended: list[str] = []
        played.on_end = ended.append
        assert puppet.on_end is not None
        puppet.on_end("late")
        assert ended == ["late"]
        port.writable = False
        assert not played.writable
        error = RemoteProtocolError("Bad.", code="invalid_json")
        played.start()
        played.resume()
        hub.receive_error(error)
        await played.aclose()
        await played.aclose()
        assert puppet.called == ["start", "resume", error, "aclose", "aclose"]
        assert joined(Puppet(close_code=1011))[0].close_code == 1011

    asyncio.run(main())


def test_when_it_is_over_nothing_is_played_or_heard() -> None:
    async def main() -> None:
        played, puppet, _, _ = joined()
        played.send([ear.opened(), ear.created("r1"), ear.audio("r1", "a1", 100)])
        assert played.pull_audio() == ear.sound(20)
        played.send([ear.speech(), ear.done("r1")])
        await played.aclose()
        await asyncio.sleep(0)
        assert played.pull_audio() == b""
        played.hear(bytes(960))
        assert puppet.received == []

    asyncio.run(main())


def test_before_there_is_a_session_nobody_hears_the_line() -> None:
    async def main() -> None:
        played, puppet, _, _ = joined()
        played.hear(bytes(960))
        assert puppet.received == []
        played.send([ear.opened()])
        played.hear(bytes(960))
        assert [event.type for event in puppet.received] == ["input_audio_buffer.append"]

    asyncio.run(main())


def test_the_session_hears_of_a_cut_once_it_has_said_what_it_says_and_before_anything_else() -> None:
    async def main() -> None:
        played, puppet, _, hub = joined()
        played.send([ear.created("r1"), ear.audio("r1", "a1", 100)])
        played.pull_audio()
        played.send([ear.speech(), ear.done("r1")])
        assert puppet.received == []
        hub.receive(ResponseCreate())
        first, second = puppet.received
        assert isinstance(first, ConversationItemTruncate)
        assert (first.item_id, first.audio_end_ms) == ("a1", 20)
        assert isinstance(second, ResponseCreate)
        await asyncio.sleep(0)
        assert len(puppet.received) == 2

    asyncio.run(main())


def test_if_nothing_else_comes_it_hears_of_it_soon() -> None:
    async def main() -> None:
        played, puppet, _, _ = joined()
        played.send(
            [ear.created("r1"), ear.audio("r1", "a1", 100), ear.created("r2"), ear.audio("r2", "a2", 9)]
        )
        played.pull_audio()
        played.send([ear.speech(), ear.done("r2")])
        played.send([ear.created("r3"), ear.part("r3", "a3"), ear.speech(), ear.done("r3")])
        await asyncio.sleep(0)
        told = [(each.item_id, each.audio_end_ms) for each in puppet.received]  # type: ignore[union-attr]
        assert told == [("a1", 20), ("a2", 0), ("a3", 0)]

    asyncio.run(main())


def test_a_sideband_may_stop_what_is_played() -> None:
    async def main() -> None:
        played, puppet, main_port, hub = joined()
        sideband = Port()
        number = hub.join(sideband)
        assert number is not None
        played.send([ear.created("r1"), ear.audio("r1", "a1", 100)])
        played.pull_audio()
        hub.receive(ResponseCancel(), number)
        hub.receive(OutputAudioBufferClear(), number)
        assert played.pull_audio() == b""
        assert sideband.kinds == [
            "response.created",
            "output_audio_buffer.started",
            "output_audio_buffer.cleared",
        ]
        assert main_port.kinds == ["response.created", "response.output_audio.delta", *sideband.kinds[1:]]
        assert [event.type for event in puppet.received] == ["response.cancel", "conversation.item.truncate"]

    asyncio.run(main())


def test_events_of_the_media_plane_have_ids_as_the_hosted_api_gives_them() -> None:
    async def main() -> None:
        seen: list[ServerEvent] = []

        class Hub(Port):
            def send(self, events: Sequence[ServerEvent]) -> None:
                seen.extend(events)

            def receive(self, event: ClientEvent, number: int = 0) -> None:
                raise AssertionError

        played = PlayedSession(Hub())
        played.attach(Puppet())
        played.send([ear.created("r1"), ear.audio("r1", "a1", 20), ear.done("r1")])
        played.pull_audio()
        ids = [event.event_id for event in seen if event.type.startswith("output_audio_buffer.")]  # type: ignore[union-attr]
        assert len(set(ids)) == 2
        for each in ids:
            assert each.startswith("event_")
            assert len(bytes.fromhex(each.removeprefix("event_"))) == 8

    asyncio.run(main())
