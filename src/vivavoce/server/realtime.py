"""`/v1/realtime`: from a WebSocket handshake to a session, or to a place beside one that runs."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vivavoce.errors import RemoteProtocolError
from vivavoce.ids import RandomIds
from vivavoce.protocol import ErrorDetail, ErrorEvent
from vivavoce.server.auth import Caller, select_subprotocol
from vivavoce.server.beta import announces_beta
from vivavoce.server.carrier import Guest
from vivavoce.server.envelope import REQUEST_ID_HEADER, Refusal, new_request_id, refuse_upgrade
from vivavoce.server.reading import FrameReader
from vivavoce.server.sideband import call_id_of, find_session, sideband_limits
from vivavoce.server.socket import RealtimeSocket

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from vivavoce.pipeline import SessionOptions
    from vivavoce.server.auth import Guard
    from vivavoce.server.limits import Limits
    from vivavoce.server.sessions import Sessions

__all__ = ["TRANSLATIONS", "RealtimeEndpoint"]

TRANSLATIONS = "/translations"
"""How the path of a translation session ends; those who come there are told that there are none."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Visit:
    """One connection on its way in.

    Attributes:
        scope: of the handshake.
        receive: takes what the peer sends.
        send: what the peer is sent.
        guest: who comes.
    """

    scope: Scope
    receive: Receive
    send: Send
    guest: Guest

    @property
    def query(self) -> bytes:
        """The query string of the handshake."""
        query: bytes = self.scope.get("query_string", b"")
        return query

    async def refuse(self, refusal: Refusal) -> None:
        """Answer the handshake with an HTTP error."""
        _log.info(
            "connection refused",
            extra={"status": refusal.status, "code": refusal.code, **self.guest.log_fields},
        )
        await refuse_upgrade(self.scope, self.send, refusal, self.guest.request_id)

    async def accept(self) -> None:
        """Answer the handshake with a WebSocket."""
        await self.send(
            {
                "type": "websocket.accept",
                "subprotocol": select_subprotocol(self.scope),
                "headers": [(REQUEST_ID_HEADER, self.guest.request_id.encode())],
            }
        )


class RealtimeEndpoint:
    """The raw ASGI application behind `/v1/realtime`: one call is one connection and at most one session.

    Args:
        sessions: the sessions of the server.
        guard: who may come in.
        limits: of a connection.

    Attributes:
        sessions: as given.
    """

    def __init__(self, sessions: Sessions, guard: Guard, limits: Limits) -> None:
        self.sessions = sessions
        self._guard = guard
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket connection from handshake to close."""
        await receive()  # websocket.connect
        admitted = self._guard.admit(scope)
        caller = Caller(None) if isinstance(admitted, Refusal) else admitted
        visit = _Visit(scope, receive, send, Guest.of(scope, caller, new_request_id()))
        if isinstance(admitted, Refusal):
            await self._refuse(visit, admitted)
            return
        call_id = call_id_of(visit.query)
        if scope["path"].endswith(TRANSLATIONS):
            await self._no_translation(visit)
        elif call_id is not None:
            await self._join(visit, call_id)
        else:
            await self._begin(visit)

    # --- a session of one's own -----------------------------------------------------------------------------

    async def _begin(self, visit: _Visit) -> None:
        """Let a peer in, if there is room, and run its session."""
        options = self.sessions.enter(visit.guest.caller, visit.query)
        if isinstance(options, Refusal):
            await self._refuse(visit, options)
            return
        try:
            await visit.accept()
            await self._carry(visit, options)
        finally:
            self.sessions.leave(visit.guest.caller)

    async def _carry(self, visit: _Visit, options: SessionOptions) -> None:
        """Run one session on an accepted socket until either side closes it."""
        socket = RealtimeSocket(visit.send, self._limits)
        beta = announces_beta(visit.scope)
        if beta:
            socket.speak_beta()
        try:
            hosted = self.sessions.open(socket, visit.guest, options)
        except Exception as error:  # noqa: BLE001 - whatever is refused, the peer is told and the others go on
            _cannot_begin(socket, error, visit)
            self.sessions.count_refusal(getattr(error, "code", None) or "session_failed")
            await socket.run()
            return
        reader = FrameReader(hosted.hub, socket, self._limits, beta=beta)
        await hosted.run(reader.run(visit.receive))

    # --- a place beside a session ---------------------------------------------------------------------------

    async def _join(self, visit: _Visit, call_id: str) -> None:
        """Let a peer see and steer a session that runs already."""
        hub = find_session(call_id, visit.guest.caller, self.sessions.calls)
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
        fields = {"session_id": hub.session.id, "sideband": number, **visit.guest.log_fields}
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
        self.sessions.count_refusal(refusal.code)
        await visit.refuse(refusal)

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


def _refuse_shape(socket: RealtimeSocket, message: str, code: str, param: str | None = None) -> None:
    """Say what cannot be, and close as the hosted API does (4000)."""
    error = ErrorDetail(type="invalid_request_error", code=code, message=message, param=param)
    socket.send([ErrorEvent(event_id=RandomIds().new("event"), error=error)])
    socket.close(4000, f"invalid_request_error.{code}")


def _cannot_begin(socket: RealtimeSocket, error: Exception, visit: _Visit) -> None:
    """Say why there is no session."""
    if isinstance(error, RemoteProtocolError):
        _log.info("session refused", extra={"code": error.code, **visit.guest.log_fields})
        _refuse_shape(socket, error.message, error.code, error.param)
        return
    _log.error("session could not begin", extra=visit.guest.log_fields, exc_info=error)
    socket.close(1011, "The session could not be started on the server's side.")
