"""Speech for tests that need its sound and not its words: one tone for each word."""

from __future__ import annotations

import numpy as np

from vivavoce.audio.g711 import encode_alaw, encode_ulaw

WORD_MS = 300
"""Length of a word where nothing else is said."""
_HZ = 220.0
_LEVEL = 8000


def tone(ms: int, sample_rate: int = 24_000) -> bytes:
    """Return `ms` milliseconds of a tone as PCM16, mono; loud enough for any detector of loudness."""
    samples = np.arange(sample_rate * ms // 1000) / sample_rate
    return (np.sin(2 * np.pi * _HZ * samples) * _LEVEL).astype("<i2").tobytes()


def tone_in(format_type: str, ms: int) -> bytes:
    """Return the tone in a format of the Realtime API.

    Args:
        format_type: ``audio/pcm``, ``audio/pcmu`` or ``audio/pcma``.
        ms: milliseconds.
    """
    if format_type == "audio/pcm":
        return tone(ms)
    encode = {"audio/pcmu": encode_ulaw, "audio/pcma": encode_alaw}[format_type]
    return encode(tone(ms, 8000))
