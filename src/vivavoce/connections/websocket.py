"""`WebSocketRealtimeModel`: a realtime server at a URL; OpenAI's unless another is given."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vivavoce.connections.base import (
    ConnectionFailed,
    ConnectionStatus,
    RealtimeModel,
    RealtimeModelConfig,
    check_model_config,
)
from vivavoce.connections.dialing import dial
from vivavoce.connections.endpoint import resolve_endpoint
from vivavoce.connections.transport import TransportOptions, read_transport
from vivavoce.errors import ConfigurationError, ConnectionLostError, RemoteProtocolError
from vivavoce.protocol import ErrorEvent
from vivavoce.protocol.codec import decode_server_event, encode_text, to_builtins
from vivavoce.providers.base import ApiKey
from vivavoce.providers.resolving import ProviderName, check_provider
from vivavoce.tasks import Tasks

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from vivavoce.protocol import ClientEvent

__all__ = ["TransportOptions", "WebSocketRealtimeModel", "event_text", "raw_text"]

NORMAL_CLOSURE = 1000
EXPIRED = "session_expired"
"""Code of the error after which a server closes the connection and has said why."""


class WebSocketRealtimeModel(RealtimeModel):
    """A realtime model behind a WebSocket.

    Args:
        url: of the server, as in `RealtimeModelConfig`; without one it is the provider's.
        api_key: as in `RealtimeModelConfig`.
        provider: ``"openai"`` or ``"azure"``, which know their servers and where to find keys. ``None`` looks
            at the URL; without one it is the server in ``OPENAI_BASE_URL``, or OpenAI's.
        options: limits of the WebSocket, as in `RealtimeModelConfig`, which goes before them.

    Raises:
        ConfigurationError: the provider or an option is not accepted.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        api_key: ApiKey | None = None,
        provider: ProviderName | None = None,
        options: TransportOptions | Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        check_provider(provider)
        self._url = url
        self._api_key = api_key
        self._provider = provider
        self._own_options = read_transport(options or {}, below=TransportOptions(), path="options")
        self._options = self._own_options
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
        config = check_model_config(config)
        options = self._options = read_transport(config.get("transport", {}), below=self._own_options)
        finding = resolve_endpoint(config, url=self._url, api_key=self._api_key, provider=self._provider)
        return await dial(finding, options)

    async def _read(self, socket: ClientConnection) -> None:
        from websockets.exceptions import ConnectionClosed

        try:
            while True:
                self._receive(await socket.recv())
        except ConnectionClosed as closed:
            received = closed.rcvd
            said = self._closing or self._expired
            if not said and (received is None or received.code != NORMAL_CLOSURE):
                # What was sent first tells more: that a frame was too large, or that nobody answers pings.
                told = received or closed.sent
                reason = f"{told.code} {told.reason}".strip(" .") if told else "no closing handshake"
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
        await self._send(str(event.type), event_text(event))

    async def send_raw(self, event: Mapping[str, Any]) -> None:
        """Send one event in its JSON form, as it stands.

        Raises:
            RemoteProtocolError: it is no JSON object with a `type`.
            ConnectionLostError: as `send_event`.
        """
        name, text = raw_text(event)
        await self._send(name, text)

    async def _send(self, name: str, text: str) -> None:
        from websockets.exceptions import ConnectionClosed

        if self._socket is None:
            raise ConnectionLostError(f"cannot send {name}: there is no connection to the realtime server")
        try:
            async with asyncio.timeout(self._options.send_s):
                await self._socket.send(text)
        except ConnectionClosed as error:
            raise ConnectionLostError(f"cannot send {name}: {error}") from error
        except TimeoutError as error:
            raise ConnectionLostError(
                f"cannot send {name}: the server has read nothing for {self._options.send_s:g} s"
            ) from error

    async def close(self) -> None:
        """Close the WebSocket; a peer that does not shake hands is cut off."""
        self._closing = True
        socket = self._socket
        if socket is not None:
            try:
                async with asyncio.timeout(self._options.close_s):
                    await socket.close()
            except TimeoutError:
                pass
            finally:
                # Also where a caller has no patience for the handshake; after it this does nothing.
                socket.transport.abort()
                self._disconnected()
        await self._tasks.aclose()
        await self._listeners.aclose()


def raw_text(event: Mapping[str, Any]) -> tuple[str, str]:
    """Return the `type` and the JSON of an event that the user wrote out.

    Raises:
        RemoteProtocolError: it is no JSON object with a `type`.
    """
    name = event.get("type")
    try:
        text = json.dumps(dict(event), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise RemoteProtocolError(f"The event is not plain JSON: {error}", code="invalid_json") from error
    if not isinstance(name, str):
        raise RemoteProtocolError("The 'type' field is missing.", code="invalid_event", param="type")
    return name, text


def event_text(event: ClientEvent) -> str:
    """Return the JSON of an event. Half a surrogate pair, which no frame can hold, becomes ``?``.

    It comes from texts that were cut in the middle of an emoji, and from odd file names.
    """
    try:
        return encode_text(event)
    except UnicodeEncodeError:
        text = json.dumps(to_builtins(event), ensure_ascii=False)
        return text.encode(errors="replace").decode()
