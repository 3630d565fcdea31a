"""Bytes, samples and milliseconds: the one place for that arithmetic, and a splitter into equal frames.

Every conversion rounds down to whole samples, so that a position in milliseconds never points past the audio.
"""

from __future__ import annotations

from vivavoce.errors import ConfigurationError

PCM16_BYTES = 2
"""Bytes per sample of 16-bit PCM; G.711 has 1."""


def duration_ms(nbytes: int, rate: int, bytes_per_sample: int = PCM16_BYTES) -> int:
    """How long mono audio lasts, in whole milliseconds, rounded down.

    Args:
        nbytes: length of the audio in bytes; an incomplete last sample does not count.
        rate: samples per second.
        bytes_per_sample: 2 for PCM16, 1 for G.711.
    """
    return nbytes // bytes_per_sample * 1000 // rate


def ms_to_bytes(ms: int, rate: int, bytes_per_sample: int = PCM16_BYTES) -> int:
    """How many bytes of mono audio last at most `ms` milliseconds, rounded down to whole samples.

    Args:
        ms: duration in milliseconds.
        rate: samples per second.
        bytes_per_sample: 2 for PCM16, 1 for G.711.
    """
    return ms * rate // 1000 * bytes_per_sample


def whole_samples(nbytes: int, bytes_per_sample: int = PCM16_BYTES) -> int:
    """The largest number of bytes not above `nbytes` that ends on a sample's boundary."""
    return nbytes - nbytes % bytes_per_sample


class FrameSplitter:
    """Cuts a stream of byte chunks into frames of one size; what is left over waits for the next chunk.

    It never holds more than one incomplete frame.

    Args:
        frame_bytes: size of every frame in bytes, at least 1; see `ms_to_bytes`.

    Raises:
        ConfigurationError: `frame_bytes` is below 1.
    """

    def __init__(self, frame_bytes: int) -> None:
        if frame_bytes < 1:
            raise ConfigurationError(f"frame_bytes must be at least 1, got {frame_bytes}")
        self._frame_bytes = frame_bytes
        self._carry = b""

    @property
    def pending(self) -> int:
        """Bytes that wait for the rest of their frame."""
        return len(self._carry)

    def push(self, data: bytes) -> list[bytes]:
        """Take a chunk and return the frames that are now complete, oldest first."""
        size = self._frame_bytes
        if self._carry:
            data = self._carry + data
        end = len(data) - len(data) % size
        self._carry = data[end:]
        return [data[start : start + size] for start in range(0, end, size)]

    def flush(self, pad: bytes = b"") -> bytes:
        r"""End the stream: return the incomplete last frame and start afresh.

        Args:
            pad: one byte that fills the frame up (``b"\0"`` is PCM16 silence, ``b"\xff"`` µ-law silence);
                empty to get only what is there.

        Returns:
            The last frame; empty if the stream ended on a frame's boundary.
        """
        carry, self._carry = self._carry, b""
        if carry and pad:
            return carry.ljust(self._frame_bytes, pad)
        return carry
