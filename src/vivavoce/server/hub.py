"""`SessionHub`: where one session meets everybody who is connected to it or watches it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from vivavoce.engines.base import Engines
from vivavoce.observe.base import SessionObserver
from vivavoce.pipeline import LocalSession
from vivavoce.protocol import (
    ErrorEvent,
    ResponseOutputAudioDelta,
    SessionCreated,
    UnsetType,
    replace,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vivavoce.engines.speech_model import ServedSession, Sink, SpeechModel
    from vivavoce.errors import RemoteProtocolError
    from vivavoce.pipeline import SessionOptions
    from vivavoce.protocol import ClientEvent, ServerEvent, Session
    from vivavoce.server.auth import Caller
    from vivavoce.server.metering import Meter

__all__ = ["MAX_SIDEBANDS", "Observe", "Port", "SessionHub", "SessionStart", "Transport", "open_session"]

MAX_SIDEBANDS = 8
"""How many connections may look on at one session."""

_NOT_FOR_SIDEBANDS = (ResponseOutputAudioDelta, SessionCreated)
_TRACE_HEADERS = ("traceparent", "tracestate")

_log = logging.getLogger(__name__)


Transport: TypeAlias = Literal["websocket", "webrtc"]
"""By which way the main connection of a session came."""


class Port(Protocol):
    """One connection to a session."""

    @property
    def writable(self) -> bool:
        """Whether the peer keeps up."""
        ...

    def send(self, events: Sequence[ServerEvent]) -> None:
        """Take events, in order. Never waits, never raises."""
        ...

    def close(self, code: int, reason: str = "") -> None:
        """Close after what was sent; only the first call counts."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStart:
    """What is known of a session when it begins, for those who decide whether to watch it.

    Attributes:
        session_id: of the session, `sess_…`.
        caller: who came in.
        model: the model that the session reports.
        kind: whether a model answers in it, or it only writes down what it hears.
        headers: of the handshake, their names in lower case, without what keys and cookies stand in.
        transport: by which the client came.
    """

    session_id: str
    caller: Caller
    model: str
    kind: Literal["realtime", "transcription"]
    headers: Mapping[str, str] = field(default_factory=dict)
    transport: Transport = "websocket"

    @property
    def trace_context(self) -> Mapping[str, str]:
        """The W3C headers `traceparent` and `tracestate` of the client, as far as it sent them."""
        return {name: self.headers[name] for name in _TRACE_HEADERS if name in self.headers}


Observe: TypeAlias = "Callable[[SessionStart], SessionObserver | None]"
"""Makes the observer of a session that begins, or says that it wants none."""


def open_session(
    engines: Engines | SpeechModel, sink: Sink, options: SessionOptions, settings: Session | None
) -> ServedSession:
    """Return a session, not started, on local engines or on a model that hears and speaks itself.

    Args:
        engines: what answers.
        sink: where its events go.
        options: what the operator decided.
        settings: what the session begins with, before `session.created`.

    Raises:
        RemoteProtocolError: `settings` cannot be met.
        EngineError: no session can be had now.
    """
    if isinstance(engines, Engines):
        return LocalSession(engines, sink, options, settings)
    return engines.open(sink, options, settings)


class SessionHub:
    """The sink of one session: its events go to its main connection, to sidebands and to observers.

    Sidebands see everything but audio and `session.created`, and may send any event of a client, audio for
    the input buffer too. An `error` that one connection caused is shown to that one alone. Nobody but the
    main connection can slow the session down.

    While nobody looks on, events pass straight through.

    Args:
        main: the connection that the session was opened on.

    Attributes:
        meter: counts the audio that comes in, on whichever connection, where there is a limit to it.
    """

    def __init__(self, main: Port) -> None:
        self._main = main
        self._sidebands: dict[int, Port] = {}
        self._joined = 0
        self._observers: list[SessionObserver] = []
        self._of_clients: tuple[SessionObserver, ...] = ()
        self._of_all: tuple[SessionObserver, ...] = ()
        self._of_some: dict[type, tuple[SessionObserver, ...]] = {}
        self._session: ServedSession | None = None
        self._closed = False
        self.meter: Meter | None = None

    # --- what the session is given to -----------------------------------------------------------------------

    @property
    def writable(self) -> bool:
        """Whether the main connection keeps up."""
        return self._main.writable

    def send(self, events: Sequence[ServerEvent]) -> None:
        """Take the session's events, in order."""
        if not self._joined and not self._observers:
            self._main.send(events)
            return
        now = asyncio.get_running_loop().time()
        if self._joined:
            for event in events:
                self._send_one(event, now)
            return
        for event in events:
            self._show(event, now)
        self._main.send(events)

    def _send_one(self, event: ServerEvent, now: float) -> None:
        ports = [self._main, *self._sidebands.values()]
        if isinstance(event, ErrorEvent) and (caused := self._cause(event)) is not None:
            number, event = caused
            ports = [port for port in (self._port(number),) if port is not None]
        elif isinstance(event, _NOT_FOR_SIDEBANDS):
            ports = [self._main]
        self._show(event, now)
        for port in ports:
            port.send((event,))

    def _show(self, event: ServerEvent, now: float) -> None:
        for observer in self._of_some.get(type(event), self._of_all):
            self._tell(observer, observer.on_server_event, event, now)

    # --- who is connected -----------------------------------------------------------------------------------

    @property
    def session(self) -> ServedSession:
        """The session; there is one from `attach` on."""
        assert self._session is not None, "the hub has no session yet"
        return self._session

    def attach(
        self,
        session: ServedSession,
        observers: Sequence[SessionObserver] = (),
        meter: Meter | None = None,
    ) -> None:
        """Join the hub to its session, which has not started, and to those who watch and count it."""
        self._session = session
        self._observers.extend(observers)
        if meter is not None:
            self._observers.append(meter)
            self.meter = meter
        self._sort()

    def _sort(self) -> None:
        """Find out who looks at what: audio passes fifty times a second, and most do not look at it."""
        watching = tuple(self._observers)
        unmoved = SessionObserver.on_client_event
        self._of_clients = tuple(
            one for one in watching if getattr(type(one), "on_client_event", None) is not unmoved
        )
        wishes = [(one, getattr(one, "server_events", None)) for one in watching]
        self._of_all = tuple(one for one, kinds in wishes if kinds is None)
        self._of_some = {
            kind: tuple(one for one, kinds in wishes if kinds is None or kind in kinds)
            for kind in frozenset[type]().union(*(kinds for _, kinds in wishes if kinds is not None))
        }

    @property
    def full(self) -> bool:
        """Whether no further sideband may join."""
        return self._closed or len(self._sidebands) >= MAX_SIDEBANDS

    def join(self, port: Port) -> int | None:
        """Let a sideband in and return its number, or `None` when there are too many or all is over."""
        if self.full:
            return None
        self._joined += 1
        self._sidebands[self._joined] = port
        return self._joined

    def leave(self, number: int) -> None:
        """Forget a sideband; safe to call twice."""
        self._sidebands.pop(number, None)

    def hang_up(self, code: int = 1000, reason: str = "") -> None:
        """Have the session end: its main connection closes, and with it everything else."""
        self._main.close(code, reason)

    def close(self, code: int = 1000, reason: str = "The session has ended.") -> None:
        """Close the sidebands and the observers: the main connection is gone. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        for port in self._sidebands.values():
            port.close(code, reason)
        now = asyncio.get_running_loop().time()
        for observer in tuple(self._observers):
            self._tell(observer, observer.close, now)

    # --- what the connections say ---------------------------------------------------------------------------

    def receive(self, event: ClientEvent, number: int = 0) -> None:
        """Give the session an event of a client.

        Args:
            event: the event.
            number: of the sideband that sent it; 0 is the main connection.
        """
        if self._of_clients:
            now = asyncio.get_running_loop().time()
            for observer in self._of_clients:
                self._tell(observer, observer.on_client_event, event, now)
        if self._joined:
            event_id = None if isinstance(event.event_id, UnsetType) else event.event_id
            event = replace(event, event_id=self._marked(event_id, number))
        self.session.receive(event)

    def receive_error(self, error: RemoteProtocolError, number: int = 0) -> None:
        """Have what is wrong with a frame answered with an `error` event, to whoever sent it."""
        if self._joined:
            error.event_id = self._marked(error.event_id, number)
        self.session.receive_error(error)

    # An `error` event names the event that caused it, and nothing else in the protocol says who sent that. So
    # while there is more than one who may send, ids of events pass through the session with a mark.

    def _marked(self, event_id: str | None, number: int) -> str:
        return f"{self.session.id}/{number}/" + ("" if event_id is None else f"={event_id}")

    def _cause(self, event: ErrorEvent) -> tuple[int, ErrorEvent] | None:
        """Return whose event caused an error, and the error as that one is to see it."""
        mark = f"{self.session.id}/"
        event_id = event.error.event_id
        if event_id is None or not event_id.startswith(mark):
            return None
        number, _, own = event_id.removeprefix(mark).partition("/")
        if not (number.isascii() and number.isdecimal()):
            return None  # a client's own id that looks like ours
        detail = replace(event.error, event_id=own.removeprefix("=") if own else None)
        return int(number), replace(event, error=detail)

    def _port(self, number: int) -> Port | None:
        return self._sidebands.get(number) if number else self._main

    def _tell(self, observer: SessionObserver, method: Callable[..., None], *arguments: object) -> None:
        try:
            method(*arguments)
        except Exception:  # noqa: BLE001 - an observer is anybody's code, and the session goes on without it
            _log.exception("an observer failed and is left out", extra={"session_id": self.session.id})
            if observer in self._observers:
                self._observers.remove(observer)
                self._sort()
