"""The bounded queue between a session and its socket: bytes counted, marks with hysteresis, no waiting."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vivavoce.server.limits import Limits

__all__ = ["SendQueue"]


class SendQueue:
    """Messages on their way to one peer.

    A message counts until it has been handed to the transport (`sent`), also while that waits. Sizes are
    characters of JSON text, which are bytes as long as the text is ASCII.

    Args:
        limits: the high-water and low-water marks and the bound.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._messages: deque[str] = deque()
        self._size = 0
        self._writable = True

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def size(self) -> int:
        """Bytes not yet handed to the transport."""
        return self._size

    @property
    def writable(self) -> bool:
        """`False` from the high-water mark until the queue has drained to the low-water mark."""
        return self._writable

    def add(self, message: str) -> bool:
        """Queue a message; return `False`, and keep nothing, when the bound was already passed.

        One message larger than the whole bound is taken when there is room before it: its size is bounded
        by the session that made it, and a single answer must not end a session.
        """
        if self._size > self._limits.max_queued_bytes:
            return False
        self._messages.append(message)
        self._size += len(message)
        if self._size >= self._limits.high_water_bytes:
            self._writable = False
        return True

    def take(self) -> str:
        """Return the oldest message; it still counts until `sent`.

        Raises:
            IndexError: the queue is empty.
        """
        return self._messages.popleft()

    def sent(self, message: str) -> bool:
        """Uncount a message that the transport has taken; return whether the queue just became writable."""
        self._size -= len(message)
        if self._writable or self._size > self._limits.low_water_bytes:
            return False
        self._writable = True
        return True

    def drop(self) -> None:
        """Forget every message that has not been taken."""
        self._size -= sum(map(len, self._messages))
        self._messages.clear()
