"""The input audio buffer: bytes in, milliseconds out, never more than its bound."""

from __future__ import annotations

from vivavoce.protocol import AudioFormat

_TRIM_SLACK_MS = 1000


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
        self._base_ms = 0.0
        self.fmt = fmt
        self._per_ms = fmt.sample_rate * fmt.bytes_per_sample / 1000

    @property
    def start_ms(self) -> int:
        """Position of the oldest audio held."""
        return int(self._base_ms)

    @property
    def position_ms(self) -> int:
        """Position just after the newest audio."""
        return int(self._base_ms + len(self._audio) / self._per_ms)

    @property
    def duration_ms(self) -> float:
        """How much audio is held."""
        return len(self._audio) / self._per_ms

    def has_room_for(self, audio: bytes) -> bool:
        """Whether `audio` fits under the bound."""
        return (len(self._audio) + len(audio)) / self._per_ms <= self._max_ms

    def append(self, audio: bytes) -> None:
        """Add audio at the end."""
        self._audio += audio

    def read(self, start_ms: int) -> bytes:
        """Return a copy of what is held from `start_ms` on."""
        return bytes(self._audio[self._offset(start_ms) :])

    def keep_last(self, ms: int) -> None:
        """Drop what is older than the last `ms`; does so in strides, as this is called for every frame."""
        if self.duration_ms > ms + _TRIM_SLACK_MS:
            self.drop_before(self.position_ms - ms)

    def drop_before(self, position_ms: int) -> None:
        """Drop what is older than `position_ms`."""
        offset = self._offset(position_ms)
        del self._audio[:offset]
        self._base_ms += offset / self._per_ms

    def clear(self) -> None:
        """Drop everything."""
        self._base_ms += len(self._audio) / self._per_ms
        self._audio = bytearray()

    def change_format(self, fmt: AudioFormat) -> None:
        """Begin anew in another format; two formats cannot share a buffer, so what was held is dropped."""
        self.clear()
        self.fmt = fmt
        self._per_ms = fmt.sample_rate * fmt.bytes_per_sample / 1000

    def _offset(self, position_ms: int) -> int:
        frame = self.fmt.bytes_per_sample
        offset = int((position_ms - self._base_ms) * self._per_ms) // frame * frame
        return min(max(offset, 0), len(self._audio))
