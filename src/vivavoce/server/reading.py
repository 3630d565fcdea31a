"""From the frames of one connection to events for its session: decoded, counted, and read at a fair pace."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import InputAudioBufferAppend
from vivavoce.protocol.beta import asks_for_beta
from vivavoce.protocol.beta_client import decode_beta_event
from vivavoce.protocol.codec import decode_client_event, parse_json
from vivavoce.server.limits import ErrorStreak, ReadingPace, check_fields

if TYPE_CHECKING:
    from starlette.types import Receive

    from vivavoce.protocol import ClientEvent
    from vivavoce.server.hub import SessionHub
    from vivavoce.server.limits import Limits

__all__ = ["FrameReader", "Speaker"]

_MESSAGES_PER_BATCH = 32
_BYTES_PER_BATCH = 256 * 1024

_log = logging.getLogger(__name__)


class Speaker(Protocol):
    """What the reader of a connection has to say to the half that writes."""

    @property
    def closing(self) -> tuple[int, str] | None:
        """Code and reason with which this side closes, or `None` when it does not."""
        ...

    def close(self, code: int, reason: str = "") -> None:
        """Close after what was sent."""
        ...

    def peer_gone(self, code: int = 1006) -> None:
        """Note that the peer closed or vanished."""
        ...

    def speak_beta(self) -> None:
        """Write all further events in the beta dialect."""
        ...


class FrameReader:
    """Feeds a session with what one of its connections sends.

    Messages are text; a binary one that holds JSON is read as if it were text. A client speaks the beta
    dialect when it said so in its handshake (`beta`), or when the first event that it sends, audio aside, is
    one that only the beta has.

    Args:
        hub: of the session.
        speaker: the half of the connection that writes.
        limits: of the server.
        number: of the sideband; 0 for the main connection.
        beta: whether the client speaks the beta dialect.
    """

    def __init__(
        self,
        hub: SessionHub,
        speaker: Speaker,
        limits: Limits,
        *,
        number: int = 0,
        beta: bool = False,
    ) -> None:
        self._hub = hub
        self._speaker = speaker
        self._limits = limits
        self._number = number
        self._decode_event = decode_beta_event if beta else decode_client_event
        self._undecided = not beta

    async def run(self, receive: Receive) -> None:
        """Read until the peer is gone or this side closes; a bug closes this connection (1011).

        Args:
            receive: waits for the next message, as ASGI offers it of a WebSocket.
        """
        try:
            await self._feed(receive)
        except Exception:  # noqa: BLE001 - a bug in one session must end that one, with a close code
            _log.exception("session failed", extra={"session_id": self._hub.session.id})
            self._speaker.close(1011, "The session failed on the server's side.")

    async def _feed(self, receive: Receive) -> None:
        now = asyncio.get_running_loop().time
        streak, pace = ErrorStreak(self._limits.max_consecutive_errors), ReadingPace(self._limits, now())
        messages = size = 0
        while True:
            message = await receive()
            if message["type"] == "websocket.disconnect":
                self._speaker.peer_gone(message.get("code", 1006))
                return
            if self._speaker.closing is not None:
                return
            data = message.get("text")
            if data is None:
                data = message.get("bytes") or b""
            bytes_read = _bytes_in(data)
            try:
                event = self._decode(data, bytes_read)
            except RemoteProtocolError as error:
                self._hub.receive_error(error, self._number)
                messages += streak.bad()
                if streak.begins:
                    _log.warning(
                        "a peer that sends garbage is read slowly",
                        extra={"session_id": self._hub.session.id},
                    )
            else:
                messages += 1
                streak.good()
                self._take(event, now())
            size += bytes_read
            if messages >= _MESSAGES_PER_BATCH or size >= _BYTES_PER_BATCH:
                # A wait of nothing still lets the other sessions have their turn.
                await asyncio.sleep(pace.wait_s(messages, size, now()))
                messages = size = 0

    def _take(self, event: ClientEvent, now: float) -> None:
        if self._hub.meter is not None and isinstance(event, InputAudioBufferAppend):
            try:
                self._hub.meter.append(event, now)
            except RemoteProtocolError as error:
                self._hub.receive_error(error, self._number)
                return
        self._hub.receive(event, self._number)

    def _decode(self, data: str | bytes, size: int) -> ClientEvent:
        # `serve` closes before it comes to this; the server of a program that mounts the application may not.
        if size > self._limits.max_message_bytes:
            raise RemoteProtocolError(
                f"The message has {size} bytes; at most {self._limits.max_message_bytes} are taken.",
                code="message_too_large",
            )
        check_fields(data)
        if isinstance(data, bytes) and data[:1] not in (b"{", b" ", b"\n"):
            raise RemoteProtocolError(
                "A binary message must hold the JSON of an event: audio goes into it in base64.",
                code="invalid_event",
            )
        if not self._undecided:
            return self._decode_event(data)
        try:
            event = decode_client_event(data)
        except RemoteProtocolError:
            self._undecided = False
            if not asks_for_beta(parse_json(data)):
                raise
            self._decode_event = decode_beta_event
            self._speaker.speak_beta()
            return decode_beta_event(data)
        self._undecided = isinstance(event, InputAudioBufferAppend)
        return event


def _bytes_in(data: str | bytes) -> int:
    """Return how many bytes a message had on the wire; text that is all ASCII is not looked at for it."""
    if isinstance(data, bytes) or data.isascii():
        return len(data)
    return len(data.encode(errors="replace"))
