"""The hub of a session: who is told what, and that nobody can hold up or harm anybody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from vivavoce.conversation.options import SessionOptions
from vivavoce.engines.registry import EngineChoice, build_engines
from vivavoce.errors import RemoteProtocolError
from vivavoce.observe.base import SessionObserver
from vivavoce.pipeline import LocalSession
from vivavoce.protocol import (
    ClientEvent,
    ConversationItemCreate,
    ConversationItemDelete,
    ErrorDetail,
    ErrorEvent,
    InputText,
    MessageItem,
    RealtimeSession,
    ResponseCreate,
    ServerEvent,
    Session,
    SessionUpdate,
    Unknown,
)
from vivavoce.server.hub import MAX_SIDEBANDS, SessionHub, open_session
from vivavoce.testing import run

ENGINES = build_engines(EngineChoice(preset="bench"))
USER = MessageItem(role="user", content=[InputText(text="hi")])
NOBODY = ConversationItemDelete(item_id="nobody")


class Peer:
    """One connection: remembers what it was sent and how it was closed."""

    def __init__(self) -> None:
        self.events: list[ServerEvent] = []
        self.closed: tuple[int, str] | None = None
        self.writable = True

    def send(self, events: Sequence[ServerEvent]) -> None:
        self.events.extend(events)

    def close(self, code: int, reason: str = "") -> None:
        self.closed = self.closed or (code, reason)

    @property
    def types(self) -> list[str]:
        return [str(event.type) for event in self.events]

    @property
    def errors(self) -> list[tuple[str | None, str | None]]:
        """Code and the client's event id of every error."""
        return [
            (event.error.code, event.error.event_id) for event in self.events if isinstance(event, ErrorEvent)
        ]


class Watcher(SessionObserver):
    """Remembers both directions."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.said: list[str] = []
        self.ids: list[Any] = []
        self.closed = 0

    def on_client_event(self, event: ClientEvent, now: float) -> None:
        self.heard.append(str(event.type))
        self.ids.append(event.event_id)

    def on_server_event(self, event: ServerEvent | Unknown, now: float) -> None:
        self.said.append(str(event.type))
        if isinstance(event, ErrorEvent):
            self.ids.append(event.error.event_id)

    def close(self, now: float) -> None:
        self.closed += 1


class Clumsy(Watcher):
    """Falls over at the first event that it sees."""

    def on_server_event(self, event: ServerEvent | Unknown, now: float) -> None:
        super().on_server_event(event, now)
        raise KeyError("a bug")


def opened(*observers: SessionObserver) -> tuple[SessionHub, Peer]:
    main = Peer()
    hub = SessionHub(main)
    session = open_session(ENGINES, hub, SessionOptions(), None)
    hub.attach(session, observers)
    session.start()
    return hub, main


def scene(act: Callable[[], Any]) -> None:
    """Run what happens on an event loop with a clock of its own."""

    async def main() -> None:
        act()

    run(main())


def test_alone_the_main_connection_gets_everything() -> None:
    def act() -> None:
        hub, main = opened()
        hub.receive(ConversationItemCreate(item=USER))
        hub.receive(NOBODY)
        assert main.types == [
            "session.created",
            "conversation.item.added",
            "conversation.item.done",
            "error",
        ]
        assert main.errors == [("item_delete_invalid_item_id", None)]

    scene(act)


def test_a_sideband_sees_what_happens_but_the_session_created_before_it() -> None:
    def act() -> None:
        hub, main = opened()
        side = Peer()
        assert hub.join(side) == 1
        hub.receive(ConversationItemCreate(item=USER))
        hub.receive(SessionUpdate(session=RealtimeSession(instructions="x")), 1)
        assert side.types == ["conversation.item.added", "conversation.item.done", "session.updated"]
        assert main.types == ["session.created", *side.types]

    scene(act)


def test_audio_goes_to_the_main_connection_only() -> None:
    main, side = Peer(), Peer()

    async def scenario() -> None:
        hub = SessionHub(main)
        session = open_session(ENGINES, hub, SessionOptions(), None)
        hub.attach(session)
        hub.join(side)
        session.start()
        hub.receive(ResponseCreate(), 1)
        await asyncio.sleep(5)
        await session.aclose()

    run(scenario())
    assert "response.output_audio.delta" in main.types
    assert [
        kind for kind in main.types if kind not in {"session.created", "response.output_audio.delta"}
    ] == (side.types)
    assert side.types[-1] == "response.done"


@pytest.mark.parametrize("event_id", ["mine", None, "", "0/=x"])
def test_an_error_goes_to_whoever_caused_it_with_the_id_it_gave(event_id: str | None) -> None:
    def act() -> None:
        hub, main = opened()
        first, second = Peer(), Peer()
        numbers = [hub.join(peer) for peer in (first, second)]
        own = {} if event_id is None else {"event_id": event_id}
        for number, peer in zip((0, *numbers), (main, first, second), strict=True):
            assert number is not None
            hub.receive(ConversationItemDelete(item_id="nobody", **own), number)
            assert peer.errors == [("item_delete_invalid_item_id", event_id)]
        hub.receive_error(RemoteProtocolError("No.", code="invalid_json", event_id=event_id), 2)
        assert second.errors[1:] == [("invalid_json", event_id)]
        assert [len(peer.errors) for peer in (main, first)] == [1, 1]

    scene(act)


def test_an_error_that_nobody_caused_goes_to_everybody() -> None:
    def act() -> None:
        hub, main = opened()
        side = Peer()
        hub.join(side)
        for event_id in (None, f"{hub.session.id}/x/=1"):
            error = ErrorDetail(type="server_error", message="m", code="c", event_id=event_id)
            hub.send([ErrorEvent(event_id="event_1", error=error)])
        assert main.errors == side.errors == [("c", None), ("c", f"{hub.session.id}/x/=1")]

    scene(act)


def test_an_error_of_a_sideband_that_has_left_is_not_told_to_others() -> None:
    def act() -> None:
        hub, main = opened()
        side = Peer()
        number = hub.join(side)
        assert number is not None
        hub.leave(number)
        hub.leave(number)
        hub.receive(NOBODY, number)
        hub.receive(NOBODY)
        assert main.errors == [("item_delete_invalid_item_id", None)]
        assert side.events == []

    scene(act)


def test_only_the_main_connection_can_slow_the_session_down() -> None:
    def act() -> None:
        hub, main = opened()
        side = Peer()
        hub.join(side)
        side.writable = False
        assert hub.writable
        main.writable = False
        assert not hub.writable

    scene(act)


def test_there_are_so_many_places_and_none_after_the_end() -> None:
    def act() -> None:
        hub, _main = opened()
        numbers = [hub.join(Peer()) for _ in range(MAX_SIDEBANDS)]
        assert None not in numbers
        assert hub.full
        assert hub.join(Peer()) is None
        hub.leave(3)
        assert hub.join(Peer()) == MAX_SIDEBANDS + 1
        hub.close()
        hub.leave(4)
        assert hub.join(Peer()) is None

    scene(act)


def test_the_end_of_the_main_connection_is_the_end_of_all() -> None:
    def act() -> None:
        watcher = Watcher()
        hub, main = opened(watcher)
        side = Peer()
        hub.join(side)
        hub.hang_up(1000, "Enough.")
        assert main.closed == (1000, "Enough.")
        hub.close(1001, "The server is shutting down.")
        hub.close()
        assert side.closed == (1001, "The server is shutting down.")
        assert watcher.closed == 1

    scene(act)


def test_an_observer_sees_both_directions_as_the_connections_do() -> None:
    def act() -> None:
        watcher = Watcher()
        hub, main = opened(watcher)
        hub.join(Peer())
        hub.receive(ConversationItemDelete(item_id="nobody", event_id="mine"), 1)
        hub.receive(ConversationItemCreate(item=USER))
        assert watcher.heard == ["conversation.item.delete", "conversation.item.create"]
        assert watcher.said == ["session.created", "error", *main.types[1:]]
        assert watcher.ids[:2] == ["mine", "mine"]

    scene(act)


def test_an_observer_that_fails_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    def act() -> None:
        clumsy, watcher = Clumsy(), Watcher()
        hub, main = opened(clumsy, watcher)
        hub.receive(ConversationItemCreate(item=USER))
        assert clumsy.said == ["session.created"]
        assert clumsy.heard == []
        assert watcher.said == main.types == ["session.created", *main.types[1:]]
        assert len(main.types) == 3

    scene(act)
    assert [record.message for record in caplog.records] == ["an observer failed and is left out"]


def test_a_session_is_local_or_of_a_model_that_speaks_itself() -> None:
    class Speaker:
        def open(self, sink: Any, options: SessionOptions, settings: Session | None = None) -> Any:
            return (sink, options, settings)

    def act() -> None:
        hub, options, settings = SessionHub(Peer()), SessionOptions(), RealtimeSession(instructions="x")
        assert isinstance(open_session(ENGINES, hub, options, settings), LocalSession)
        speaker: Any = Speaker()
        opened_by_speaker: Any = open_session(speaker, hub, options, settings)
        assert opened_by_speaker == (hub, options, settings)

    scene(act)


def test_who_only_watches_the_server_is_not_asked_about_clients() -> None:
    class Reader(SessionObserver):
        def on_server_event(self, event: ServerEvent | Unknown, now: float) -> None:
            seen.append(str(event.type))

        def __getattribute__(self, name: str) -> Any:
            asked.append(name)
            return super().__getattribute__(name)

    seen: list[str] = []
    asked: list[str] = []

    async def scenario() -> None:
        hub = SessionHub(Peer())
        session = open_session(ENGINES, hub, SessionOptions(), None)
        hub.attach(session, [Reader()])
        session.start()
        hub.receive(NOBODY)
        await session.aclose()

    run(scenario())
    assert seen == ["session.created", "error"]
    assert "on_client_event" not in asked


def test_an_observer_is_shown_the_types_that_it_names_and_one_that_fails_nothing_more() -> None:
    class Errors(SessionObserver):
        server_events = frozenset({ErrorEvent})

        def __init__(self, *, fails: bool = False) -> None:
            self.seen: list[str] = []
            self._fails = fails

        def on_server_event(self, event: ServerEvent | Unknown, now: float) -> None:
            self.seen.append(str(event.type))
            if self._fails:
                raise ValueError

    async def scenario() -> None:
        hub = SessionHub(Peer())
        session = open_session(ENGINES, hub, SessionOptions(), None)
        errors, broken, everything = Errors(), Errors(fails=True), Watcher()
        hub.attach(session, [errors, broken, everything])
        session.start()
        hub.receive(NOBODY)
        hub.receive(NOBODY)
        assert errors.seen == ["error", "error"]
        assert broken.seen == ["error"]
        assert everything.said == ["session.created", "error", "error"]
        await session.aclose()

    run(scenario())
