"""Server-sent events out of a stream of bytes. Decides only."""

from __future__ import annotations

from vivavoce.errors import EngineError

_LONGEST_LINE = 4 * 1024 * 1024


class EventStream:
    """Takes a `text/event-stream` in pieces and gives the data of its events."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[str] = []

    def feed(self, piece: bytes) -> list[str]:
        """Take more bytes and return the data of the events that are complete with them.

        Raises:
            EngineError: a line does not end.
        """
        self._line += piece
        *lines, rest = bytes(self._line).split(b"\n")
        self._line = bytearray(rest)
        if len(rest) > _LONGEST_LINE:
            raise EngineError(f"a server-sent event is longer than {_LONGEST_LINE} bytes")
        return [data for line in lines if (data := self._take(line.rstrip(b"\r").decode(errors="replace")))]

    def finish(self) -> list[str]:
        """Return the data of a last event that nothing followed."""
        return self.feed(b"\n\n")

    def _take(self, line: str) -> str | None:
        if not line:
            data, self._data = "\n".join(self._data), []
            return data or None
        field, _, value = line.partition(":")
        if field == "data":
            self._data.append(value.removeprefix(" "))
        return None
