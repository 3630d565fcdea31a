"""The input audio buffer: bytes in, milliseconds out, never more than its bound."""

from __future__ import annotations

from vivavoce.protocol import AudioFormat

_STRIDE_MS = 1000


class InputBuffer:
    """Audio that has been appended and not yet committed.

    Positions are milliseconds since the start of the session's input; they never run backwards.

    Args:
        fmt: format of the appended audio.
        max_ms: how much it holds at most.
    """

    def __init__(self, fmt: AudioFormat, max_ms: int) -> None:
        self._audio = bytearray()
        self._max_ms = max_ms
        self._max_bytes = fmt.bytes_of(max_ms)
        self._origin_ms = 0.0  # where the present format began
        self._dropped = 0  # bytes of it that are gone
        self.fmt = fmt

    @property
    def start(self) -> float:
        """Position of the oldest audio held."""
        return self._origin_ms + self.fmt.ms_of(self._dropped)

    @property
    def end(self) -> float:
        """Position just after the newest audio."""
        return self._origin_ms + self.fmt.ms_of(self._dropped + len(self._audio))

    @property
    def duration_ms(self) -> float:
        """How much audio is held."""
        return self.fmt.ms_of(len(self._audio))

    def has_room_for(self, audio: bytes) -> bool:
        """Whether `audio` fits under the bound."""
        return len(self._audio) + len(audio) <= self._max_bytes

    def append(self, audio: bytes) -> None:
        """Add audio at the end."""
        self._audio += audio

    def read(self, start: float, end: float) -> bytes:
        """Return a copy of what is held from position `start` to position `end`."""
        return bytes(self._audio[self._offset(start) : self._offset(end)])

    def take(self, end: float) -> bytes:
        """Return what is held before position `end`, and drop it."""
        audio = bytes(self._audio[: self._offset(end)])
        self._drop(len(audio))
        return audio

    def forget_before(self, position: float) -> None:
        """Drop what is older than `position`; in strides, as this is called for every chunk."""
        if position > self.start + _STRIDE_MS:
            self._drop(self._offset(position))

    def drop_before(self, position: float) -> None:
        """Drop what is older than `position`."""
        self._drop(self._offset(position))

    def clear(self) -> None:
        """Drop everything."""
        self._drop(len(self._audio))

    def change_format(self, fmt: AudioFormat) -> None:
        """Begin anew in another format; two formats cannot share a buffer, so what was held is dropped."""
        self._origin_ms, self._dropped, self._audio = self.end, 0, bytearray()
        self.fmt = fmt
        self._max_bytes = fmt.bytes_of(self._max_ms)

    def _drop(self, size: int) -> None:
        del self._audio[:size]
        self._dropped += size

    def _offset(self, position: float) -> int:
        return min(max(self.fmt.bytes_of(position - self.start), 0), len(self._audio))
