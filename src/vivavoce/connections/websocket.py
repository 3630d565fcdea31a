"""`WebSocketRealtimeModel`: a realtime server at a URL; OpenAI's unless another is given."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vivavoce.connections.base import (
    ApiKey,
    ConnectionFailed,
    ConnectionStatus,
    RealtimeModel,
    RealtimeModelConfig,
)
from vivavoce.connections.endpoint import resolve_endpoint
from vivavoce.errors import ConfigurationError, ConnectionLostError, RemoteProtocolError
from vivavoce.protocol import ErrorEvent
from vivavoce.protocol.codec import decode_server_event, encode_text
from vivavoce.tasks import Tasks

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from vivavoce.protocol import ClientEvent

CLOSE_S = 0.4
"""Seconds given to the closing handshake before the line is cut."""
NORMAL_CLOSURE = 1000
EXPIRED = "session_expired"
"""Code of the error after which a server closes the connection and has said why."""


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """Limits of the WebSocket.

    Attributes:
        connect_s: seconds to find the key, connect and shake hands.
        send_s: seconds that one event may wait for a peer that does not read.
        ping_interval_s: seconds between pings.
        ping_timeout_s: seconds without an answer to a ping after which the connection is lost.
        max_frame_bytes: largest frame that is accepted.
        max_queued_frames: frames that may wait to be read before the peer is slowed down.
    """

    connect_s: float = 10.0
    send_s: float = 10.0
    ping_interval_s: float = 20.0
    ping_timeout_s: float = 20.0
    max_frame_bytes: int = 32 * 1024 * 1024
    max_queued_frames: int = 64


class WebSocketRealtimeModel(RealtimeModel):
    """A realtime model behind a WebSocket.

    Args:
        url: of the server, as in `RealtimeModelConfig`; without one it is OpenAI's, or ``OPENAI_BASE_URL``.
        api_key: as in `RealtimeModelConfig`.
        options: limits of the WebSocket.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: ApiKey | None = None,
        options: TransportOptions | None = None,
    ) -> None:
        super().__init__()
        self._url = url
        self._api_key = api_key
        self._options = options or TransportOptions()
        self._socket: ClientConnection | None = None
        self._tasks = Tasks()
        self._closing = False
        self._expired = False

    async def connect(self, config: RealtimeModelConfig) -> None:
        """Open the WebSocket.

        Raises:
            ConfigurationError: the URL or the key cannot work, or this model is connected already.
            ConnectionLostError: the server could not be reached, or refused; the message says which.
        """
        if self._socket is not None:
            raise ConfigurationError(
                "this model is connected already; use one model for one session at a time"
            )
        self._closing = self._expired = False
        self._tasks = Tasks()
        self.emit(ConnectionStatus("connecting"))
        try:
            self._socket = await self._open(config)
        except BaseException:
            self.emit(ConnectionStatus("disconnected"))
            raise
        self.emit(ConnectionStatus("connected"))
        self._tasks.spawn(self._read(self._socket), name="realtime reader")

    async def _open(self, config: RealtimeModelConfig) -> ClientConnection:
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidStatus, WebSocketException

        options = self._options
        try:
            async with asyncio.timeout(options.connect_s):
                endpoint = await resolve_endpoint(config, url=self._url, api_key=self._api_key)
                return await connect(
                    endpoint.url,
                    additional_headers=dict(endpoint.headers),
                    # Speech does not compress; trying costs more than everything else together.
                    compression=None,
                    open_timeout=None,
                    close_timeout=CLOSE_S,
                    ping_interval=options.ping_interval_s,
                    ping_timeout=options.ping_timeout_s,
                    max_size=options.max_frame_bytes,
                    max_queue=options.max_queued_frames,
                )
        except InvalidStatus as error:
            status = error.response.status_code
            body = (error.response.body or b"").decode(errors="replace")[:500]
            raise ConnectionLostError(
                f"The realtime server refused the connection: HTTP {status} {body}".rstrip()
            ) from error
        except TimeoutError as error:
            raise ConnectionLostError(
                f"The realtime server did not answer within {options.connect_s:g} s."
            ) from error
        except (OSError, WebSocketException) as error:
            raise ConnectionLostError(f"The realtime server cannot be reached: {error}") from error

    async def _read(self, socket: ClientConnection) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            while True:
                self._receive(await socket.recv())
        except ConnectionClosed as closed:
            received = closed.rcvd
            said = self._closing or self._expired
            if not said and (received is None or received.code != NORMAL_CLOSURE):
                reason = f"{received.code} {received.reason}".strip() if received else "no closing handshake"
                error = ConnectionLostError(f"The connection to the realtime server broke: {reason}.")
                self.emit(ConnectionFailed(error))
        self._disconnected()

    def _receive(self, frame: str | bytes) -> None:
        try:
            event = decode_server_event(frame)
        except RemoteProtocolError as error:
            self.emit(ConnectionFailed(error))
        else:
            self._expired |= isinstance(event, ErrorEvent) and event.error.code == EXPIRED
            self.emit(event)

    def _disconnected(self) -> None:
        if self._socket is not None:
            self._socket = None
            self.emit(ConnectionStatus("disconnected"))

    async def send_event(self, event: ClientEvent) -> None:
        """Send one event.

        Raises:
            ConnectionLostError: there is no connection, it broke, or the peer has stopped reading.
        """
        from websockets.exceptions import ConnectionClosed

        if self._socket is None:
            raise ConnectionLostError(
                f"cannot send {event.type}: there is no connection to the realtime server"
            )
        try:
            async with asyncio.timeout(self._options.send_s):
                await self._socket.send(encode_text(event))
        except ConnectionClosed as error:
            raise ConnectionLostError(f"cannot send {event.type}: {error}") from error
        except TimeoutError as error:
            raise ConnectionLostError(
                f"cannot send {event.type}: the server has read nothing for {self._options.send_s:g} s"
            ) from error

    async def close(self) -> None:
        """Close the WebSocket; a peer that does not shake hands is cut off."""
        self._closing = True
        socket = self._socket
        if socket is not None:
            try:
                async with asyncio.timeout(CLOSE_S):
                    await socket.close()
            except TimeoutError:
                socket.transport.abort()
            self._disconnected()
        await self._tasks.aclose()
        await self._listeners.aclose()
