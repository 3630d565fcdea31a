"""Bytes in, lines out; a line that never ends does not fill the memory."""

from __future__ import annotations

import logging

logger = logging.getLogger(__name__)


class LineSplitter:
    """Cuts a stream of bytes at its line feeds.

    Args:
        max_bytes: longest line; what is longer is dropped whole and logged.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max = max_bytes
        self._parts: list[bytes] = []
        self._held = 0
        self._dropping = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that are complete now, without their line ends.

        Args:
            chunk: the next bytes of the stream, of any length.
        """
        *complete, rest = chunk.split(b"\n")
        lines = [line for piece in complete if (line := self._end(piece)) is not None]
        self._hold(rest)
        return lines

    def _end(self, piece: bytes) -> bytes | None:
        self._hold(piece)
        line, dropped = b"".join(self._parts), self._dropping
        self._parts, self._held, self._dropping = [], 0, False
        return None if dropped else line.removesuffix(b"\r")

    def _hold(self, piece: bytes) -> None:
        self._held += len(piece)
        if self._held <= self._max:
            self._parts.append(piece)
        elif not self._dropping:
            self._parts, self._dropping = [], True
            logger.warning("A line is too long: it is dropped", extra={"max_bytes": self._max})
