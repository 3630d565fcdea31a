"""`/v1/realtime`: from a WebSocket handshake to a session, or to a place beside one that runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vivavoce.errors import RemoteProtocolError
from vivavoce.ids import RandomIds
from vivavoce.protocol import ErrorDetail, ErrorEvent
from vivavoce.server.auth import select_subprotocol
from vivavoce.server.beta import announces_beta
from vivavoce.server.calls import Calls
from vivavoce.server.envelope import REQUEST_ID_HEADER, Refusal, new_request_id, refuse_upgrade
from vivavoce.server.guarding import GuardedSink
from vivavoce.server.hub import SessionHub, SessionStart, open_session
from vivavoce.server.limits import Admission, default_max_sessions
from vivavoce.server.metering import Meter
from vivavoce.server.query import session_options
from vivavoce.server.reading import FrameReader
from vivavoce.server.sideband import call_id_of, find_session, sideband_limits
from vivavoce.server.socket import RealtimeSocket
from vivavoce.server.tally import Tally
from vivavoce.server.usage import KeyUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.types import Receive, Scope, Send

    from vivavoce.engines.base import Engines
    from vivavoce.engines.speech_model import ServedSession, Sink, SpeechModel
    from vivavoce.observe.base import SessionObserver
    from vivavoce.pipeline import SessionOptions
    from vivavoce.server.auth import Caller, Guard
    from vivavoce.server.config import ServerConfig
    from vivavoce.server.guardrails import ServerGuardrail
    from vivavoce.server.hub import Observe

__all__ = ["TRANSLATIONS", "RealtimeEndpoint"]

SESSION_CLOSE_S = 0.6
"""What `ServedSession.aclose` takes at most (half a second), and a little."""

TRANSLATIONS = "/translations"
"""How the path of a translation session ends; those who come there are told that there are none."""

_SHUTTING_DOWN = (1001, "The server is shutting down.")
_PROOFS = (b"authorization", b"api-key", b"cookie", b"sec-websocket-protocol", b"proxy-authorization")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Visit:
    """One connection on its way in.

    Attributes:
        scope: of the handshake.
        receive: takes what the peer sends.
        send: what the peer is sent.
        request_id: names the connection in answers and logs.
        caller: who it is.
    """

    scope: Scope
    receive: Receive
    send: Send
    request_id: str
    caller: Caller | None = None

    @property
    def log_fields(self) -> dict[str, object]:
        """What every log line says of the peer: never the key, only its name."""
        host, port = self.scope.get("client") or (None, None)
        key = self.caller.name if self.caller is not None else None
        return {"request_id": self.request_id, "client": host, "client_port": port, "key": key}

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers of the handshake, without those that prove who it is."""
        return {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in self.scope.get("headers", ())
            if name not in _PROOFS
        }

    async def refuse(self, refusal: Refusal) -> None:
        """Answer the handshake with an HTTP error."""
        _log.info(
            "connection refused",
            extra={"status": refusal.status, "code": refusal.code, **self.log_fields},
        )
        await refuse_upgrade(self.scope, self.send, refusal, self.request_id)

    async def accept(self) -> None:
        """Answer the handshake with a WebSocket."""
        await self.send(
            {
                "type": "websocket.accept",
                "subprotocol": select_subprotocol(self.scope),
                "headers": [(REQUEST_ID_HEADER, self.request_id.encode())],
            }
        )


class RealtimeEndpoint:
    """The raw ASGI application behind `/v1/realtime`: one call is one connection and at most one session.

    Args:
        engines: shared by all sessions; closed by whoever made them.
        config: session defaults and limits.
        guard: who may come in.
        cpus: cores that this process may use, for the default number of sessions.
        usage: what API keys use; counted here for sessions and their audio.
        observe: who may want to watch sessions; each is asked at the start of every one.
        guardrails: what is asked in every session before its words are sent.

    Attributes:
        admission: how many sessions there are, and may be.
        calls: the running sessions, to be joined or hung up by id.
        on_refused: called with the code whenever a connection is not let in, or gets no session.
        on_ended: called when a session has ended: with its start, its WebSocket close code (1006 for a
            peer that vanished) and its numbers (`Tally.summary`).
    """

    def __init__(
        self,
        engines: Engines | SpeechModel,
        config: ServerConfig,
        guard: Guard,
        *,
        cpus: int,
        usage: KeyUsage | None = None,
        observe: Sequence[Observe] = (),
        guardrails: Sequence[ServerGuardrail] = (),
    ) -> None:
        self._engines = engines
        self._defaults = config.session
        self._limits = config.limits
        self._guard = guard
        self._usage = usage or KeyUsage(config.limits.per_key, guard.keys.limits)
        self._observe = observe
        self._guardrails = guardrails
        self.calls = Calls()
        self.on_refused: Callable[[str | None], None] | None = None
        self.on_ended: Callable[[SessionStart, int | None, Mapping[str, Any]], None] | None = None
        self.admission = Admission(
            config.limits.max_sessions or default_max_sessions(engines.cost.cores, cpus),
            config.limits.max_sessions_per_key,
            guard.keys.limits,
        )
        self._open: set[RealtimeSocket] = set()
        self._closing = False
        self._empty = asyncio.Event()
        self._empty.set()
        self.admission.on_empty = self._empty.set

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket connection from handshake to close."""
        await receive()  # websocket.connect
        caller = self._guard.admit(scope)
        if isinstance(caller, Refusal):
            await self._refuse(_Visit(scope, receive, send, new_request_id()), caller)
            return
        visit = _Visit(scope, receive, send, new_request_id(), caller)
        call_id = call_id_of(scope.get("query_string", b""))
        if scope["path"].endswith(TRANSLATIONS):
            await self._no_translation(visit)
        elif call_id is not None:
            await self._join(visit, call_id, caller)
        else:
            await self._begin(visit, caller)

    async def drain(self, seconds: float) -> None:
        """Let nobody in any more and wait until those inside have left, at most so long."""
        self.admission.drain()
        if self.admission.sessions:
            self._empty.clear()  # a request that uses engines holds a place, too
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._empty.wait()

    async def aclose(self) -> None:
        """Let nobody in any more and close every session (1001).

        Returns within `Limits.close_grace_s`, which the peers have, and `SESSION_CLOSE_S`.
        """
        self.admission.drain()
        self._closing = True
        for socket in list(self._open):
            socket.close(*_SHUTTING_DOWN)
        try:
            async with asyncio.timeout(self._limits.close_grace_s + SESSION_CLOSE_S):
                await self._empty.wait()
        except TimeoutError:
            _log.warning("sessions did not end in time", extra={"sessions": len(self._open)})

    # --- a session of one's own -----------------------------------------------------------------------------

    async def _begin(self, visit: _Visit, caller: Caller) -> None:
        """Let a peer in, if there is room, and run its session."""
        now = asyncio.get_running_loop().time
        options = session_options(visit.scope.get("query_string", b""), self._defaults, caller.settings)
        if not isinstance(options, Refusal) and (shortage := self._usage.shortage(caller.name, now())):
            options = shortage.refusal()
        if not isinstance(options, Refusal) and not self.admission.admit(caller.name):
            options = self.admission.refusal(caller.name)
        if isinstance(options, Refusal):
            await self._refuse(visit, options)
            return
        self._empty.clear()
        self._usage.begin(caller.name, now())
        try:
            await visit.accept()
            await self._carry(visit, caller, options)
        finally:
            self._usage.end(caller.name, now())
            self.admission.leave(caller.name)

    async def _carry(self, visit: _Visit, caller: Caller, options: SessionOptions) -> None:
        """Run one session on an accepted socket until either side closes it."""
        socket = RealtimeSocket(visit.send, self._limits)
        beta = announces_beta(visit.scope)
        if beta:
            socket.speak_beta()
        hub = SessionHub(socket)
        sink = GuardedSink(hub, self._guardrails) if self._guardrails else hub
        try:
            session = open_session(self._engines, sink, options, caller.settings)
        except Exception as error:  # noqa: BLE001 - whatever is refused, the peer is told and the others go on
            _cannot_begin(socket, error, visit)
            self._count_refusal(getattr(error, "code", None) or "session_failed")
            await socket.run()
            return
        if isinstance(sink, GuardedSink):
            sink.attach(session)
        meter = Meter.for_key(self._usage, caller.name)
        start = _start(session, visit, caller, options)
        tally = Tally(asyncio.get_running_loop().time())
        hub.attach(session, [tally, *self._observers(start)], meter)
        socket.on_writable = session.resume
        session.on_end = lambda reason: socket.close(getattr(session, "close_code", None) or 1001, reason)
        self._open.add(socket)
        self.calls.add(session.id, hub, caller.name)
        fields = {"session_id": session.id, **visit.log_fields}
        _log.info("session started", extra={**fields, "sessions": len(self._open)})
        reader = FrameReader(hub, socket, self._limits, beta=beta)
        try:
            async with asyncio.TaskGroup() as tasks:
                session.start()
                if self._closing:
                    socket.close(*_SHUTTING_DOWN)
                running = [tasks.create_task(reader.run(visit.receive))]
                if meter is not None:
                    running.append(tasks.create_task(_end_in_time(meter, session, socket)))
                await socket.run()
                for task in running:
                    task.cancel()
        finally:
            self.calls.remove(session.id)
            hub.close(*_farewell(socket))
            await _end(session, sink)
            self._open.discard(socket)
            summary = tally.summary(asyncio.get_running_loop().time())
            _log.info("session ended", extra={**fields, "close_code": socket.close_code, **summary})
            if self.on_ended is not None:
                self.on_ended(start, socket.close_code, summary)

    def _observers(self, start: SessionStart) -> list[SessionObserver]:
        """Return who watches this session; whoever cannot be asked does not."""
        observers: list[SessionObserver] = []
        for observe in self._observe:
            try:
                observer = observe(start)
            except Exception:  # noqa: BLE001 - anybody's code, and the session goes on without it
                _log.exception("an observer could not begin", extra={"session_id": start.session_id})
            else:
                observers += [observer] if observer is not None else []
        return observers

    # --- a place beside a session ---------------------------------------------------------------------------

    async def _join(self, visit: _Visit, call_id: str, caller: Caller) -> None:
        """Let a peer see and steer a session that runs already."""
        hub = find_session(call_id, caller, self.calls)
        if isinstance(hub, Refusal):
            await self._refuse(visit, hub)
            return
        await visit.accept()
        limits = sideband_limits(self._limits)
        socket = RealtimeSocket(visit.send, limits)
        beta = announces_beta(visit.scope)
        if beta:
            socket.speak_beta()
        number = hub.join(socket)
        if number is None:
            socket.close(1000, "The session has ended, or all places beside it are taken.")
            await socket.run()
            return
        fields = {"session_id": hub.session.id, "sideband": number, **visit.log_fields}
        _log.info("sideband joined", extra=fields)
        reader = FrameReader(hub, socket, limits, number=number, beta=beta)
        try:
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(reader.run(visit.receive))
                await socket.run()
                reading.cancel()
        finally:
            hub.leave(number)
            _log.info("sideband left", extra={**fields, "close_code": socket.close_code})

    # --- refusals -------------------------------------------------------------------------------------------

    async def _refuse(self, visit: _Visit, refusal: Refusal) -> None:
        self._count_refusal(refusal.code)
        await visit.refuse(refusal)

    def _count_refusal(self, code: str | None) -> None:
        if self.on_refused is not None:
            self.on_refused(code)

    async def _no_translation(self, visit: _Visit) -> None:
        """Tell a client of translation sessions what is wrong, where it looks for it: in an event."""
        await visit.accept()
        socket = RealtimeSocket(visit.send, self._limits)
        message = (
            "Translation sessions are not supported by this server. Connect to /v1/realtime instead: to a "
            "session whose instructions ask for a translation, or to a transcription session."
        )
        _refuse_shape(socket, message, "translation_not_supported")
        await socket.run()


def _start(session: ServedSession, visit: _Visit, caller: Caller, options: SessionOptions) -> SessionStart:
    return SessionStart(
        session_id=session.id,
        caller=caller,
        model=options.model,
        kind="transcription" if options.transcription_only else "realtime",
        headers=visit.headers,
    )


def _refuse_shape(socket: RealtimeSocket, message: str, code: str, param: str | None = None) -> None:
    """Say what cannot be, and close as the hosted API does (4000)."""
    error = ErrorDetail(type="invalid_request_error", code=code, message=message, param=param)
    socket.send([ErrorEvent(event_id=RandomIds().new("event"), error=error)])
    socket.close(4000, f"invalid_request_error.{code}")


def _cannot_begin(socket: RealtimeSocket, error: Exception, visit: _Visit) -> None:
    """Say why there is no session."""
    if isinstance(error, RemoteProtocolError):
        _log.info("session refused", extra={"code": error.code, **visit.log_fields})
        _refuse_shape(socket, error.message, error.code, error.param)
        return
    _log.error("session could not begin", extra=visit.log_fields, exc_info=error)
    socket.close(1011, "The session could not be started on the server's side.")


async def _end_in_time(meter: Meter, session: ServedSession, socket: RealtimeSocket) -> None:
    """End a session when the minutes of its key are used up."""
    error = await meter.wait_for_shortage()
    session.receive_error(error)
    socket.close(1008, error.message)


def _farewell(socket: RealtimeSocket) -> tuple[int, str]:
    """Return how the sidebands are told that the main connection has ended."""
    if socket.closing is not None and socket.closing[0] in {1001, 1011}:
        return socket.closing
    return 1000, "The session has ended."


async def _end(session: ServedSession, sink: Sink) -> None:
    """Close a session and what guarded it; whatever goes wrong in it stays in it."""
    try:
        async with asyncio.timeout(SESSION_CLOSE_S):
            if isinstance(sink, GuardedSink):
                await sink.aclose()
            await session.aclose()
    except Exception:  # noqa: BLE001 - the connection's own cleaning-up must go on
        _log.exception("session did not end cleanly", extra={"session_id": session.id})
