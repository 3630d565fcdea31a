"""Audio formats of the wire: mono, either 24 kHz linear PCM or G.711, and the arithmetic of their lengths."""

from typing import ClassVar, Literal, TypeAlias

from vivavoce.protocol.base import Tagged

__all__ = ["AudioFormat", "PcmFormat", "PcmaFormat", "PcmuFormat"]


class Sound(Tagged, frozen=True, kw_only=True):
    """What every format has.

    Attributes:
        sample_rate: samples per second.
        bytes_per_sample: bytes that one sample takes.
        bytes_per_ms: bytes that a millisecond takes.
    """

    sample_rate: ClassVar[int] = 8000
    bytes_per_sample: ClassVar[int] = 1
    bytes_per_ms: ClassVar[int] = 8

    def ms_of(self, size: int) -> float:
        """Return how many milliseconds `size` bytes last."""
        return size / self.bytes_per_ms

    def bytes_of(self, ms: float) -> int:
        """Return the size of `ms` milliseconds, to the nearest whole sample."""
        return round(ms * self.sample_rate / 1000) * self.bytes_per_sample


class PcmFormat(Sound, frozen=True, kw_only=True, tag="audio/pcm"):
    """Signed 16-bit little-endian samples.

    Attributes:
        rate: samples per second; the API knows only 24000.
    """

    sample_rate: ClassVar[int] = 24000
    bytes_per_sample: ClassVar[int] = 2
    bytes_per_ms: ClassVar[int] = 48

    rate: Literal[24000] = 24000


class PcmuFormat(Sound, frozen=True, kw_only=True, tag="audio/pcmu"):
    """G.711 µ-law."""


class PcmaFormat(Sound, frozen=True, kw_only=True, tag="audio/pcma"):
    """G.711 A-law."""


AudioFormat: TypeAlias = PcmFormat | PcmuFormat | PcmaFormat
