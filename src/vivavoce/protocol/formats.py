"""Audio formats of the wire: mono, either 24 kHz linear PCM or G.711."""

from typing import Literal, TypeAlias

from vivavoce.protocol.base import Tagged

__all__ = ["AudioFormat", "PcmFormat", "PcmaFormat", "PcmuFormat"]


class PcmFormat(Tagged, frozen=True, kw_only=True, tag="audio/pcm"):
    """Signed 16-bit little-endian samples.

    Attributes:
        rate: samples per second; the API knows only 24000.
    """

    rate: Literal[24000] = 24000

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return self.rate

    @property
    def bytes_per_sample(self) -> int:
        """Bytes that one sample takes."""
        return 2


class PcmuFormat(Tagged, frozen=True, kw_only=True, tag="audio/pcmu"):
    """G.711 µ-law."""

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return 8000

    @property
    def bytes_per_sample(self) -> int:
        """Bytes that one sample takes."""
        return 1


class PcmaFormat(Tagged, frozen=True, kw_only=True, tag="audio/pcma"):
    """G.711 A-law."""

    @property
    def sample_rate(self) -> int:
        """Samples per second."""
        return 8000

    @property
    def bytes_per_sample(self) -> int:
        """Bytes that one sample takes."""
        return 1


AudioFormat: TypeAlias = PcmFormat | PcmuFormat | PcmaFormat
