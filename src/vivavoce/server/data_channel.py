"""The data channel of a WebRTC call as a session sees it: it never waits, and is read like a socket."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Protocol

from vivavoce.ids import RandomIds
from vivavoce.protocol import (
    UNSET,
    ConversationItemRetrieved,
    ErrorDetail,
    ErrorEvent,
    InputAudio,
    MessageItem,
    OutputAudio,
    ResponseOutputAudioDelta,
)
from vivavoce.protocol.base import replace
from vivavoce.protocol.codec import encode_text
from vivavoce.server.beta import BetaFrames

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import Message

    from vivavoce.protocol import ServerEvent
    from vivavoce.server.limits import Limits

__all__ = ["EARLY_CHARS", "MAX_UNSENT_BYTES", "DataChannel", "TextPeer"]

EARLY_CHARS = 1024 * 1024
"""What may wait for the channel to open; what comes on top of that is left out."""

MAX_UNSENT_BYTES = 4 * 1024 * 1024
"""Unsent bytes beyond which a call ends: there is no audio on it, so this is minutes of reading nothing."""

FAREWELL_S = 0.1
"""How long the last messages have to leave before the connection ends and takes the rest along."""

_MESSAGE_COST = 256
"""What a message that waits to be read counts for beside its characters."""

_FAULTS = frozenset({1011, 1013})
"""With which codes of closing the peer is told why in an event, which a socket does with its close frame."""

_log = logging.getLogger(__name__)


class TextPeer(Protocol):
    """What of a `RtcPeer` a data channel is."""

    def send(self, text: str) -> bool:
        """Queue a message; return whether somebody will get it."""
        ...

    @property
    def max_message_size(self) -> int:
        """The longest message, in bytes of UTF-8, that the peer takes; 0 when any length will do."""
        ...

    @property
    def buffered(self) -> int:
        """Bytes queued."""
        ...

    @property
    def carries_text(self) -> bool:
        """Whether there is a channel, open or to come."""
        ...

    async def aclose(self) -> None:
        """Hang up, within a second."""
        ...


class DataChannel:
    """The main connection of a session whose client came by WebRTC.

    Events go out as they do over a WebSocket, without the audio, which goes another way. What is sent before
    the channel opens waits for it. An item that the peer asked for leaves its audio behind where it is longer
    than the peer takes: SDKs ask after every interruption, for the words. Any other event that is too long is
    replaced by an `error` that names it. A peer that reads too slowly first loses `writable`, and is hung up
    when it stays so for `Limits.stall_s`, or when too much is unsent.

    Args:
        peer: the other end.
        limits: bounds of a connection.
        high_water: unsent bytes from which on the peer is too slow, until `drained` is called.
    """

    def __init__(self, peer: TextPeer, limits: Limits, *, high_water: int) -> None:
        self.on_writable: Callable[[], None] = lambda: None
        self.close_code: int | None = None
        self._peer = peer
        self._limits = limits
        self._high_water = high_water
        self._most_unsent = max(high_water, min(limits.max_queued_bytes, MAX_UNSENT_BYTES))
        self._frames: Callable[[ServerEvent], Sequence[str]] = _ga_frames
        self._ids = RandomIds()
        self._early: list[tuple[str, str]] = []
        self._early_chars = 0
        self._open = False
        self._writable = True
        self._closing: tuple[int, str] | None = None
        self._gone = False
        self._over = asyncio.Event()
        self._deadline: asyncio.Timeout | None = None
        self._inbox: deque[str] = deque()
        self._unread = 0
        self._arrived = asyncio.Event()

    # --- what the session is given to -----------------------------------------------------------------------

    @property
    def writable(self) -> bool:
        """`False` while the peer reads too slowly, and once the call ends."""
        return self._writable and not self._ended

    @property
    def closing(self) -> tuple[int, str] | None:
        """Code and reason with which this side closes, or `None` when it does not."""
        return self._closing

    @property
    def _ended(self) -> bool:
        return self._closing is not None or self._gone

    @property
    def beta(self) -> bool:
        """Whether the peer is spoken to in the beta dialect."""
        return isinstance(self._frames, BetaFrames)

    def speak_beta(self) -> None:
        """Write all further events in the beta dialect; without effect when that is so already."""
        if not self.beta:
            self._frames = BetaFrames()

    def send(self, events: Sequence[ServerEvent]) -> None:
        """Take events, in order; once the call ends they are dropped."""
        for event in events:
            if self._ended:
                return
            if not isinstance(event, ResponseOutputAudioDelta):
                for frame in self._frames_of(event):
                    self._take_frame(str(event.type), frame)

    def _frames_of(self, event: ServerEvent) -> Sequence[str]:
        frames = self._frames(event)
        if isinstance(event, ConversationItemRetrieved) and any(map(self._excess, frames)):
            return self._frames(_silent(event))
        return frames

    def _take_frame(self, name: str, frame: str) -> None:
        if self._open:
            self._transmit(name, frame)
        elif self._peer.carries_text and self._early_chars + len(frame) <= EARLY_CHARS:
            self._early.append((name, frame))
            self._early_chars += len(frame)

    def _transmit(self, name: str, frame: str) -> None:
        if not self._peer.send(self.written(name, frame)):
            self.drained()  # the peer has closed the channel, and nothing will be read of it
            return
        unsent = self._peer.buffered
        if unsent > self._most_unsent:
            _log.warning("hanging up a peer that reads too slowly", extra={"queued_bytes": unsent})
            self.close(1008, "Too many events are unread; read faster.")
        elif unsent > self._high_water and self._writable:
            self._writable = False
            self._set_deadline(self._limits.stall_s)

    def written(self, name: str, frame: str) -> str:
        """Return what the peer gets of a frame: where it is longer than the peer takes, an `error`.

        Args:
            name: type of the event.
            frame: its JSON text.
        """
        size = self._excess(frame)
        if not size:
            return frame
        most = self._peer.max_message_size
        _log.warning("event is too long for its data channel", extra={"event": name, "bytes": size})
        message = (
            f"The event {name!r} has {size} bytes; the data channel of this client takes {most}. A WebSocket "
            "beside the call (?call_id=) gets events of any length."
        )
        return self._error(message, "event_too_large")

    def _excess(self, frame: str) -> int:
        """Return how many bytes a frame has, where it is longer than the peer takes; else 0."""
        most = self._peer.max_message_size
        if not most or len(frame) * 4 <= most:
            return 0
        size = len(frame.encode())
        return size if size > most else 0

    def _error(self, message: str, code: str) -> str:
        detail = ErrorDetail(type="server_error", code=code, message=message)
        return encode_text(ErrorEvent(event_id=self._ids.new("event"), error=detail))

    def close(self, code: int, reason: str = "") -> None:
        """Hang up after what was sent; only the first call counts.

        Args:
            code: WebSocket code for how it ends; those that stand for a fault are told in an `error` event.
            reason: words for the peer.
        """
        if self._ended:
            return
        self._closing, self.close_code = (code, reason), code
        if code in _FAULTS:
            self._take_frame("error", self._error(reason or "The session failed.", "session_failed"))
        self._finish()

    # --- what the peer does ---------------------------------------------------------------------------------

    def opened(self) -> None:
        """Send what has waited: the channel is open."""
        self._open = True
        early, self._early = self._early, []
        for name, frame in early:
            self._transmit(name, frame)

    def drained(self) -> None:
        """Note that the peer has caught up."""
        if not self._writable:
            self._writable = True
            self._set_deadline(None)
            if not self._ended:
                self.on_writable()

    def peer_gone(self, code: int = 1006) -> None:
        """Note that the peer hung up (1000) or vanished (1006): nothing more can be sent."""
        if not self._gone:
            self._gone = True
            self.close_code = self.close_code or code
            self._finish()

    def take(self, text: str) -> None:
        """Keep a message of the peer until it is read; a peer that sends much faster than that is hung up."""
        if self._ended:
            return
        self._inbox.append(text)
        self._unread += len(text) + _MESSAGE_COST
        if self._unread > self._limits.max_message_bytes:
            _log.warning("hanging up a peer that sends too fast", extra={"unread_messages": len(self._inbox)})
            self.close(1008, "Too many messages wait to be read; send more slowly.")
        self._arrived.set()

    async def receive(self) -> Message:
        """Return the next message as ASGI says it of a WebSocket; `websocket.disconnect` after the last."""
        while not self._inbox:
            if self._ended:
                return {"type": "websocket.disconnect", "code": self.close_code or 1006}
            self._arrived.clear()
            await self._arrived.wait()
        text = self._inbox.popleft()
        self._unread -= len(text) + _MESSAGE_COST
        return {"type": "websocket.receive", "text": text}

    # --- how it ends ----------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Return when either side has hung up, and the peer is closed."""
        try:
            async with asyncio.timeout(None) as self._deadline:
                if not self._writable:
                    self._set_deadline(self._limits.stall_s)
                await self._over.wait()
        except TimeoutError:
            _log.warning("peer did not read in time; call ended", extra={"queued_bytes": self._peer.buffered})
            self.close(1008, "Too many events are unread; read faster.")
        finally:
            self._deadline = None
        if not self._gone and self._open:
            await asyncio.sleep(min(FAREWELL_S, self._limits.close_grace_s))
        await self._peer.aclose()

    def _finish(self) -> None:
        self._over.set()
        self._arrived.set()

    def _set_deadline(self, seconds: float | None) -> None:
        if self._deadline is not None and not self._deadline.expired():
            loop = asyncio.get_running_loop()
            self._deadline.reschedule(None if seconds is None else loop.time() + seconds)


def _silent(event: ConversationItemRetrieved) -> ConversationItemRetrieved:
    """Return an item without its audio."""
    if not isinstance(event.item, MessageItem):
        return event
    content = [
        replace(part, audio=UNSET) if isinstance(part, InputAudio | OutputAudio) else part
        for part in event.item.content
    ]
    return replace(event, item=replace(event.item, content=content))


def _ga_frames(event: ServerEvent) -> tuple[str]:
    return (encode_text(event),)
