"""G.711 telephone audio (µ-law and A-law) to and from PCM16, by tables.

Bit for bit what the tables of ITU-T G.711 give for 14-bit (µ-law) and 13-bit (A-law) samples: PCM16 loses its
low 2 or 3 bits by an arithmetic shift, as in Sun's public-domain coder and in Python's former ``audioop``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vivavoce.errors import AudioFormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PCM16 = np.dtype("<i2")
_INDEX = np.dtype("<u2")  # a sample's bits read as a table index: negative samples come second
_SEGMENTS = np.arange(8)
_CODES = np.arange(256)


def encode_ulaw(pcm: bytes) -> bytes:
    """PCM16 little-endian to µ-law, one byte per sample.

    Raises:
        AudioFormatError: `pcm` is not a whole number of samples.
    """
    return _encode(pcm, _ULAW_CODES)


def decode_ulaw(ulaw: bytes) -> bytes:
    """µ-law to PCM16 little-endian, two bytes per sample."""
    return _ULAW_SAMPLES.take(np.frombuffer(ulaw, np.uint8)).tobytes()


def encode_alaw(pcm: bytes) -> bytes:
    """PCM16 little-endian to A-law, one byte per sample.

    Raises:
        AudioFormatError: `pcm` is not a whole number of samples.
    """
    return _encode(pcm, _ALAW_CODES)


def decode_alaw(alaw: bytes) -> bytes:
    """A-law to PCM16 little-endian, two bytes per sample."""
    return _ALAW_SAMPLES.take(np.frombuffer(alaw, np.uint8)).tobytes()


def _encode(pcm: bytes, codes: NDArray[np.uint8]) -> bytes:
    if len(pcm) % 2:
        raise AudioFormatError(f"PCM16 audio has 2 bytes per sample, got an odd length: {len(pcm)} bytes")
    return codes.take(np.frombuffer(pcm, _INDEX)).tobytes()


def _samples_by_index(bits: int) -> NDArray[np.int64]:
    """All `bits`-bit samples in the order of their two's complement patterns."""
    half = 1 << (bits - 1)
    return np.concatenate([np.arange(half), np.arange(-half, 0)])


def _ulaw_codes() -> NDArray[np.uint8]:
    sample = _samples_by_index(14)
    biased = np.minimum(np.abs(sample), 8158) + 33
    segment = np.searchsorted((64 << _SEGMENTS) - 1, biased)
    code = segment << 4 | (biased >> (segment + 1) & 0x0F)
    return (code ^ np.where(sample < 0, 0x7F, 0xFF)).astype(np.uint8).repeat(4)


def _ulaw_samples() -> NDArray[np.int16]:
    code = ~_CODES & 0xFF
    magnitude = (((code & 0x0F) << 3) + 0x84 << (code >> 4 & 7)) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude).astype(_PCM16)


def _alaw_codes() -> NDArray[np.uint8]:
    sample = _samples_by_index(13)
    magnitude = np.where(sample < 0, ~sample, sample)
    segment = np.searchsorted((32 << _SEGMENTS) - 1, magnitude)
    code = segment << 4 | (magnitude >> np.maximum(segment, 1) & 0x0F)
    return (code ^ np.where(sample < 0, 0x55, 0xD5)).astype(np.uint8).repeat(8)


def _alaw_samples() -> NDArray[np.int16]:
    code = _CODES ^ 0x55
    segment = code >> 4 & 7
    step = ((code & 0x0F) << 4) + 8
    magnitude = np.where(segment == 0, step, step + 0x100 << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(_PCM16)


_ULAW_CODES = _ulaw_codes()
_ULAW_SAMPLES = _ulaw_samples()
_ALAW_CODES = _alaw_codes()
_ALAW_SAMPLES = _alaw_samples()
