"""`/v1/realtime`: from a WebSocket handshake to a session, and from its frames to events."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

from vivavoce.errors import RemoteProtocolError
from vivavoce.ids import RandomIds
from vivavoce.pipeline import LocalSession
from vivavoce.protocol import ErrorDetail, ErrorEvent
from vivavoce.protocol.codec import decode_client_event
from vivavoce.server.auth import select_subprotocol
from vivavoce.server.envelope import REQUEST_ID_HEADER, Refusal, new_request_id, refuse_upgrade
from vivavoce.server.limits import Admission, ErrorStreak, ReadingPace, default_max_sessions
from vivavoce.server.query import session_options
from vivavoce.server.socket import RealtimeSocket

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from vivavoce.engines.base import Engines
    from vivavoce.pipeline import SessionOptions
    from vivavoce.protocol import ClientEvent, Session
    from vivavoce.server.auth import Guard
    from vivavoce.server.config import ServerConfig

__all__ = ["RealtimeEndpoint"]

RETRY_AFTER_S = 5
SESSION_CLOSE_S = 0.6
"""What `LocalSession.aclose` takes at most (half a second), and a little."""

_MESSAGES_PER_BATCH = 32
_BYTES_PER_BATCH = 256 * 1024

_log = logging.getLogger(__name__)


class RealtimeEndpoint:
    """The raw ASGI application behind `/v1/realtime`: one call is one connection and at most one session.

    Args:
        engines: shared by all sessions; closed by whoever made them.
        config: session defaults and limits.
        guard: who may come in.
        cpus: cores that this process may use, for the default number of sessions.
    """

    def __init__(self, engines: Engines, config: ServerConfig, guard: Guard, *, cpus: int) -> None:
        self._engines = engines
        self._defaults = config.session
        self._limits = config.limits
        self._guard = guard
        self.admission = Admission(
            config.limits.max_sessions or default_max_sessions(engines.cost.cores, cpus),
            config.limits.max_sessions_per_key,
        )
        self._open: set[RealtimeSocket] = set()
        self._closing = False
        self._empty = asyncio.Event()
        self._empty.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one WebSocket connection from handshake to close."""
        await receive()  # websocket.connect
        request_id = new_request_id()
        admitted = self._guard.admit(scope)
        options: SessionOptions | Refusal
        if isinstance(admitted, Refusal):
            options, key, settings = admitted, None, None
        else:
            key, settings = admitted.name, admitted.settings
            options = session_options(scope.get("query_string", b""), self._defaults, settings)
        caller = _caller(scope, request_id, key)
        if not isinstance(options, Refusal) and not self.admission.admit(key):
            options = self._full(key)
        if isinstance(options, Refusal):
            _log.info("connection refused", extra={"status": options.status, "code": options.code, **caller})
            await refuse_upgrade(scope, send, options, request_id)
            return
        self._empty.clear()
        try:
            await send(
                {
                    "type": "websocket.accept",
                    "subprotocol": select_subprotocol(scope),
                    "headers": [(REQUEST_ID_HEADER, request_id.encode())],
                }
            )
            socket = RealtimeSocket(send, self._limits)
            await self._carry(receive, socket, (options, settings), caller, beta=_asks_for_beta(scope))
        finally:
            self.admission.leave(key)
            if not self.admission.sessions:
                self._empty.set()

    async def drain(self, seconds: float) -> None:
        """Let nobody in any more and wait until those inside have left, at most so long."""
        self.admission.drain()
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
            socket.close(1001, "The server is shutting down.")
        try:
            async with asyncio.timeout(self._limits.close_grace_s + SESSION_CLOSE_S):
                await self._empty.wait()
        except TimeoutError:
            _log.warning("sessions did not end in time", extra={"sessions": len(self._open)})

    async def _carry(
        self,
        receive: Receive,
        socket: RealtimeSocket,
        asked: tuple[SessionOptions, Session | None],
        caller: dict[str, object],
        *,
        beta: bool,
    ) -> None:
        """Run one session on an accepted socket until either side closes it."""
        try:
            session = LocalSession(self._engines, socket, *asked)
        except Exception:  # noqa: BLE001 - whatever an engine refuses, the peer is told and the others go on
            _log.exception("session could not begin", extra=caller)
            socket.close(1011, "The session could not be started on the server's side.")
            await socket.run()
            return
        socket.on_writable = session.resume
        session.on_end = lambda reason: socket.close(1001, reason)
        self._open.add(socket)
        caller = {"session_id": session.id, **caller}
        _log.info("session started", extra={**caller, "sessions": len(self._open)})
        try:
            async with asyncio.TaskGroup() as tasks:
                if beta:
                    _refuse_beta(socket)
                else:
                    session.start()
                if self._closing:
                    socket.close(1001, "The server is shutting down.")
                reader = tasks.create_task(self._read(receive, session, socket))
                await socket.run()
                reader.cancel()
        finally:
            await _end(session)
            self._open.discard(socket)
            _log.info("session ended", extra={**caller, "close_code": socket.close_code})

    async def _read(self, receive: Receive, session: LocalSession, socket: RealtimeSocket) -> None:
        """Feed the session with what the peer sends, until the peer is gone or this side closes."""
        try:
            await self._feed(receive, session, socket)
        except Exception:  # noqa: BLE001 - a bug in one session must end that one, with a close code
            _log.exception("session failed", extra={"session_id": session.id})
            socket.close(1011, "The session failed on the server's side.")

    async def _feed(self, receive: Receive, session: LocalSession, socket: RealtimeSocket) -> None:
        now = asyncio.get_running_loop().time
        streak, pace = ErrorStreak(self._limits.max_consecutive_errors), ReadingPace(self._limits, now())
        messages = size = 0
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                socket.peer_gone(message.get("code", 1006))
                return
            if socket.closing is not None:
                return
            text = message.get("text")
            bytes_read = _bytes_in(text)
            try:
                event = self._decode(text, bytes_read)
            except RemoteProtocolError as error:
                session.receive_error(error)
                if streak.bad():
                    _log.warning("closing a connection that sends garbage", extra={"session_id": session.id})
                    socket.close(1008, "Too many invalid messages in a row.")
            else:
                streak.good()
                session.receive(event)
            messages += 1
            size += bytes_read
            if messages == _MESSAGES_PER_BATCH or size >= _BYTES_PER_BATCH:
                # A wait of nothing still lets the other sessions have their turn.
                await asyncio.sleep(pace.wait_s(messages, size, now()))
                messages = size = 0

    def _decode(self, text: str | None, size: int) -> ClientEvent:
        if text is None:
            raise RemoteProtocolError(
                "Binary messages are not supported: send each event as JSON text, audio in base64.",
                code="invalid_event",
            )
        # `serve` closes before it comes to this; the server of a program that mounts the application may not.
        if size > self._limits.max_message_bytes:
            raise RemoteProtocolError(
                f"The message has {size} bytes; at most {self._limits.max_message_bytes} are taken.",
                code="message_too_large",
            )
        return decode_client_event(text)

    def _full(self, key: str | None) -> Refusal:
        if self.admission.draining:
            message = "The server is shutting down. Connect to another one."
            code = "server_shutting_down"
        elif key is not None and not self.admission.full:
            bound = self.admission.max_sessions_of(key)
            return Refusal(
                429,
                f"All {bound} sessions of this API key are taken. End one first.",
                code="key_session_limit_reached",
                type="rate_limit_error",
                headers={"retry-after": str(RETRY_AFTER_S)},
            )
        else:
            message = (
                f"All {self.admission.max_sessions} sessions of this server are taken. Try again later, or "
                "start the server with a larger --max-sessions."
            )
            code = "session_limit_reached"
        return Refusal(
            503, message, code=code, type="server_error", headers={"retry-after": str(RETRY_AFTER_S)}
        )


def _caller(scope: Scope, request_id: str, key: str | None) -> dict[str, object]:
    """Return what every log line about a connection says of the peer: never the key, only its name."""
    host, port = scope.get("client") or (None, None)
    return {"request_id": request_id, "client": host, "client_port": port, "key": key}


async def _end(session: LocalSession) -> None:
    """Close a session; whatever goes wrong in it stays in it."""
    try:
        async with asyncio.timeout(SESSION_CLOSE_S):
            await session.aclose()
    except Exception:  # noqa: BLE001 - the connection's own cleaning-up must go on
        _log.exception("session did not end cleanly", extra={"session_id": session.id})


def _bytes_in(text: str | None) -> int:
    """Return how many bytes a message had on the wire; text that is all ASCII is not looked at for it."""
    if text is None or text.isascii():
        return len(text or "")
    return len(text.encode(errors="replace"))


def _asks_for_beta(scope: Scope) -> bool:
    """Return whether the client speaks the retired beta dialect."""
    return "openai-beta.realtime-v1" in scope.get("subprotocols", ()) or any(
        name == b"openai-beta" and b"realtime=v1" in value for name, value in scope.get("headers", ())
    )


def _refuse_beta(socket: RealtimeSocket) -> None:
    """Answer as the hosted API does since it retired the beta dialect."""
    code = "beta_api_shape_disabled"
    message = "The Realtime Beta API is not supported. Drop the OpenAI-Beta header and use the GA API."
    error = ErrorDetail(type="invalid_request_error", code=code, message=message)
    socket.send([ErrorEvent(event_id=RandomIds().new("event"), error=error)])
    socket.close(4000, f"invalid_request_error.{code}")
