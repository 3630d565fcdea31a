"""The data channel "oai-events": text both ways, bounded both ways."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiortc import RTCDataChannel

logger = logging.getLogger(__name__)

LABEL = "oai-events"
"""The label that the Realtime API gives to its data channel."""

HIGH_WATER = 256 * 1024
"""Bytes queued, above which whoever sends does well to wait for `ChannelEvents.on_drained`."""

LOW_WATER = 64 * 1024
"""Bytes queued, below which `ChannelEvents.on_drained` is called."""

MAX_BUFFERED = 8 * 1024 * 1024
"""Bytes queued, above which the peer counts as one that does not read."""

MAX_MESSAGE = 256 * 1024
"""Bytes of one message that are taken; the session description says so, and browsers send no more."""


class ChannelEvents(Protocol):
    """What the user of a channel is told. Every method is quick."""

    def on_text(self, text: str) -> None:
        """Take one message."""

    def on_open(self) -> None:
        """Learn that the channel is open, once."""

    def on_drained(self) -> None:
        """Learn that less than `LOW_WATER` is queued, after more than `HIGH_WATER` was."""


class TextChannel:
    """Messages to and from one peer, in order, however often the peer opens its channel again.

    Args:
        events: who is told.
        on_fault: called with the reason when the peer must be dropped.
    """

    def __init__(self, events: ChannelEvents, on_fault: Callable[[str], None]) -> None:
        self._events = events
        self._on_fault = on_fault
        self._channel: RTCDataChannel | None = None
        self._waiting: deque[str] = deque()
        self._waiting_bytes = 0
        self._opened = False
        self._high = False
        self._closed = False
        self.max_message_size = 64 * 1024
        """Bytes of one message that the peer takes; 0 means any."""

    @property
    def buffered(self) -> int:
        """Bytes that wait to be sent."""
        return self._waiting_bytes + (self._channel.bufferedAmount if self._channel else 0)

    def use(self, channel: RTCDataChannel) -> None:
        """Take this channel if it is the one; log and close any other."""
        if channel.label != LABEL or self._channel is not None or self._closed:
            logger.info("A data channel is not wanted", extra={"label": channel.label[:64]})
            channel.close()
            return
        self._channel = channel
        channel.bufferedAmountLowThreshold = LOW_WATER
        channel.on("message", self._on_message)
        channel.on("bufferedamountlow", self._on_low)
        channel.on("close", self._on_close)
        if channel.readyState == "open":
            self._on_open()
        else:
            channel.on("open", self._on_open)

    def send(self, text: str) -> bool:
        """Queue a message; before the channel is open, it waits.

        Returns:
            False when the message is longer than the peer takes, or nothing can be sent any more.
        """
        size = len(text.encode())
        if self._closed or (self.max_message_size and size > self.max_message_size):
            return False
        if self._channel is None and self._opened:
            return False
        if self.buffered + size > MAX_BUFFERED:
            self._on_fault(f"does not read: {self.buffered} bytes wait on its data channel")
            return False
        if self._channel is not None and self._channel.readyState == "open":
            self._channel.send(text)
        else:
            self._waiting.append(text)
            self._waiting_bytes += size
        self._high = self._high or self.buffered > HIGH_WATER
        return True

    def close(self) -> None:
        """Send and tell nothing any more."""
        self._closed = True
        self._waiting.clear()
        self._waiting_bytes = 0

    def _on_open(self) -> None:
        channel = self._channel
        if self._closed or channel is None:
            return
        while self._waiting:
            channel.send(self._waiting.popleft())
        self._waiting_bytes = 0
        if not self._opened:
            self._opened = True
            self._events.on_open()

    def _on_message(self, message: str | bytes) -> None:
        if self._closed:
            return
        if len(message) > MAX_MESSAGE or (isinstance(message, str) and len(message.encode()) > MAX_MESSAGE):
            self._on_fault(f"sent a message of more than {MAX_MESSAGE} bytes")
        elif isinstance(message, str):
            self._events.on_text(message)
        else:
            logger.info("A binary message is ignored", extra={"bytes": len(message)})

    def _on_low(self) -> None:
        if self._high and not self._closed:
            self._high = False
            self._events.on_drained()

    def _on_close(self) -> None:
        # The voice may go on, and the peer may open the channel again.
        self._channel = None
