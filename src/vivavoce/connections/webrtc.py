"""`WebRTCRealtimeModel`: a realtime server reached by a call, as a browser reaches it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vivavoce.connections.base import (
    ConnectionFailed,
    ConnectionStatus,
    ModelEvent,
    RealtimeModel,
    RealtimeModelConfig,
    check_model_config,
)
from vivavoce.connections.endpoint import resolve_endpoint
from vivavoce.connections.transport import TransportOptions, read_transport
from vivavoce.connections.webrtc_call import WebRTCCall
from vivavoce.connections.webrtc_dialing import call_door, place_call, without_calls
from vivavoce.connections.websocket import EXPIRED, raw_text
from vivavoce.errors import ConfigurationError, ConnectionLostError, SdpError
from vivavoce.protocol import ErrorEvent
from vivavoce.protocol.codec import client_event_from
from vivavoce.providers.base import ApiKey
from vivavoce.providers.resolving import ProviderName, check_provider
from vivavoce.tasks import Tasks
from vivavoce.webrtc.config import RtcConfig
from vivavoce.webrtc.peer import HUNG_UP

if TYPE_CHECKING:
    from vivavoce.protocol import ClientEvent

__all__ = ["WebRTCRealtimeModel"]

_TRANSLATED = frozenset(
    {
        "conversation.item.truncate",
        "input_audio_buffer.append",
        "input_audio_buffer.clear",
        "input_audio_buffer.commit",
        "output_audio_buffer.clear",
        "response.cancel",
    }
)
"""Events that do not go out as they stand."""


class WebRTCRealtimeModel(RealtimeModel):
    """A realtime model behind a call: voice by RTP, events by the data channel ``oai-events``.

    It is for networks where packets get lost: speech then goes on where a WebSocket would stall. A session on
    it behaves as one on a `WebSocketRealtimeModel`, with these differences, which lie in the matter:

    - Speech comes and goes in real time. What is pushed faster than real time waits, up to 20 seconds; beyond
      that, sending waits. A commit waits for the speech before it.
    - The server plays, so it knows what was heard. An interruption sends `output_audio_buffer.clear`, and the
      server cuts the conversation itself.
    - An event has a longest size, so pictures must be small.
    - An existing call cannot be joined; `call_id` is for `WebSocketRealtimeModel`.

    Unlike the class of the same purpose for browsers it opens neither microphone nor loudspeaker. That is the
    business of a line (`vivavoce.lines`), with any model.

    Needs the extra ``webrtc``.

    Args:
        url: where calls are placed, ``https://host/v1/realtime/calls``; or the URL of the WebSocket or the
            base of the API, as for `WebSocketRealtimeModel`, from which that follows. Without one it is the
            provider's.
        api_key: as in `RealtimeModelConfig`. With an ephemeral key (``ek_…``) the session's model and
            settings are those it was made for; for Azure, which demands one, one is made with the key.
        provider: ``"openai"`` or ``"azure"``; ``None`` looks at the URL.
        options: limits, as in `RealtimeModelConfig`, which goes before them. ``handshake_timeout`` holds for
            everything from the key to the server's first event; those of pings and frames say nothing here.
        rtc: addresses, STUN and TURN servers, and after how many silent seconds a server counts as gone.

    Attributes:
        call_id: the server's name for the call (``rtc_…``), for the REST API and for sidebands; ``None``
            without a call.

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
        rtc: RtcConfig | None = None,
    ) -> None:
        super().__init__()
        check_provider(provider)
        self._url = url
        self._api_key = api_key
        self._provider = provider
        self._own_options = read_transport(options or {}, below=TransportOptions(), path="options")
        self._options = self._own_options
        self._rtc = rtc or RtcConfig()
        self._call: WebRTCCall | None = None
        self._tasks = Tasks()
        self._hangup: asyncio.Task[None] | None = None
        self._expired = False
        self.call_id: str | None = None

    async def connect(self, config: RealtimeModelConfig) -> None:
        """Place the call, and wait for the server's first event.

        Raises:
            ConfigurationError: the URL or the key cannot work, `call_id` is given, or this model is connected
                already.
            ConnectionLostError: the server could not be reached, or refused; the message says which.
        """
        if self._call is not None:
            raise ConfigurationError(
                "this model is connected already; use one model for one session at a time"
            )
        self._expired = False
        self.emit(ConnectionStatus("connecting"))
        try:
            self._call = call = await self._open(check_model_config(config))
        except BaseException:
            self.emit(ConnectionStatus("disconnected"))
            raise
        self.emit(ConnectionStatus("connected"))
        call.take_over()

    async def _open(self, config: RealtimeModelConfig) -> WebRTCCall:
        if "call_id" in config:
            raise ConfigurationError(
                "a call_id is joined over a WebSocket: use WebSocketRealtimeModel, or leave call_id out to "
                "place a call of your own"
            )
        options = self._options = read_transport(config.get("transport", {}), below=self._own_options)
        await asyncio.to_thread(_import_aiortc)
        call = WebRTCCall(replace(self._rtc, connect_s=options.connect_s), self._hear, self._ended)
        doing = "The api_key function"
        try:
            async with asyncio.timeout(options.connect_s):
                endpoint = await resolve_endpoint(
                    _without_calls(config),
                    url=without_calls(self._url),
                    api_key=self._api_key,
                    provider=self._provider,
                )
                doing = f"The realtime server at {endpoint.place}"
                door = await call_door(endpoint, azure=self._provider == "azure")
                doing = f"The realtime server at {door.place}"
                answer = await place_call(door, await call.peer.offer())
                doing += " took the call, but its media"
                await call.peer.accept(answer.sdp)
                await call.wait_open()
        except TimeoutError as error:
            await call.aclose()
            raise ConnectionLostError(f"{doing} did not answer within {options.connect_s:g} s.") from error
        except SdpError as error:
            await call.aclose()
            raise ConnectionLostError(f"The answer of {door.place} is no use: {error}") from error
        except BaseException:
            await call.aclose()
            raise
        self.call_id = answer.call_id
        return call

    def _hear(self, event: ModelEvent) -> None:
        self._expired |= isinstance(event, ErrorEvent) and event.error.code == EXPIRED
        self.emit(event)

    def _ended(self, reason: str) -> None:
        """Note that the call has ended from the other end."""
        call = self._call
        if call is None:
            return
        self._hangup = self._tasks.spawn(call.aclose(), name="end of a call")
        # A server that hangs up chose to, as with a WebSocket's code 1000: no other is sought.
        if not self._expired and reason != HUNG_UP:
            error = ConnectionLostError(f"The connection to the realtime server broke: {reason}.")
            self.emit(ConnectionFailed(error))
        self._disconnected()

    def _disconnected(self) -> None:
        if self._call is not None:
            self._call = self.call_id = None
            self.emit(ConnectionStatus("disconnected"))

    async def send_event(self, event: ClientEvent) -> None:
        """Send one event.

        Raises:
            ConfigurationError: it is longer than the server takes.
            ConnectionLostError: there is no connection, it broke, or the peer has stopped reading.
        """
        await self._connected(str(event.type)).send(event, within_s=self._options.send_s)

    async def send_raw(self, event: Mapping[str, Any]) -> None:
        """Send one event in its JSON form, as it stands, unless a call says it in another way.

        Raises:
            RemoteProtocolError: it is no JSON object with a `type`.
            ConfigurationError, ConnectionLostError: as `send_event`.
        """
        if event.get("type") in _TRANSLATED:
            await self.send_event(client_event_from(event))
            return
        name, text = raw_text(event)
        await self._connected(name).send_text(name, text, within_s=self._options.send_s)

    def _connected(self, name: str) -> WebRTCCall:
        if self._call is None:
            raise ConnectionLostError(f"cannot send {name}: there is no connection to the realtime server")
        return self._call

    async def close(self) -> None:
        """Hang up."""
        call, hangup = self._call, self._hangup
        self._disconnected()
        if call is not None:
            await call.aclose()
        if hangup is not None:
            await asyncio.wait({hangup})
        await self._listeners.aclose()


def _import_aiortc() -> None:
    """Import what takes a while, for this is called in a thread; who needs it says what is missing."""
    with suppress(ModuleNotFoundError):
        import vivavoce.webrtc.wiring  # noqa: F401


def _without_calls(config: RealtimeModelConfig) -> RealtimeModelConfig:
    changed = config.copy()
    if "url" in config:
        changed["url"] = without_calls(config["url"]) or ""
    if "base_url" in config:
        changed["base_url"] = without_calls(config["base_url"]) or ""
    return changed
