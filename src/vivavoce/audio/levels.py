"""How loud audio is and where it is loud: for reports, gates and tests. Not a voice activity detector."""

from __future__ import annotations

import math

import numpy as np

from vivavoce.audio.frames import PCM16_BYTES, duration_ms, ms_to_bytes, whole_samples
from vivavoce.errors import ConfigurationError

SILENCE_DBFS = -120.0
"""The level reported for digital silence and for no audio at all, instead of minus infinity."""

_PCM16 = np.dtype("<i2")
_FULL_SCALE = 32768.0


def rms_dbfs(pcm: bytes) -> float:
    """Root-mean-square level of PCM16 in dB below full scale, from `SILENCE_DBFS` to 0.

    A full-scale square wave is 0 dBFS, a full-scale sine -3. Half a sample at the end is ignored.
    """
    samples = _samples(pcm).astype(np.float64)
    return _dbfs(math.sqrt(np.dot(samples, samples) / len(samples))) if len(samples) else SILENCE_DBFS


def peak(pcm: bytes) -> int:
    """The largest absolute sample of PCM16, 0 to 32768; 0 for no audio."""
    samples = _samples(pcm).astype(np.int32)
    return int(np.abs(samples).max(initial=0))


def peak_dbfs(pcm: bytes) -> float:
    """The largest absolute sample in dB below full scale, from `SILENCE_DBFS` to 0."""
    return _dbfs(peak(pcm))


def voiced_spans(
    pcm: bytes, rate: int, threshold_dbfs: float = -40.0, *, frame_ms: int = 20, join_ms: int = 200
) -> list[tuple[int, int]]:
    """Where mono PCM16 is louder than a threshold, as (start, end) in milliseconds, oldest first.

    Args:
        pcm: the audio.
        rate: samples per second.
        threshold_dbfs: a frame counts as voiced if its RMS level is at or above this.
        frame_ms: length of the frames that are judged; the last one may be shorter.
        join_ms: gaps shorter than this do not split a span.

    Raises:
        ConfigurationError: a frame would hold less than one sample.
    """
    frame_bytes = ms_to_bytes(frame_ms, rate)
    if frame_bytes <= 0:
        raise ConfigurationError(
            f"frame_ms={frame_ms} at {rate} Hz is less than one sample; use a longer frame"
        )
    spans: list[tuple[int, int]] = []
    total = whole_samples(len(pcm), PCM16_BYTES)
    for begin in range(0, total, frame_bytes):
        end = min(begin + frame_bytes, total)
        if rms_dbfs(pcm[begin:end]) < threshold_dbfs:
            continue
        start_ms, end_ms = duration_ms(begin, rate), duration_ms(end, rate)
        if spans and (start_ms - spans[-1][1] < join_ms or start_ms == spans[-1][1]):
            start_ms = spans.pop()[0]
        spans.append((start_ms, end_ms))
    return spans


def _samples(pcm: bytes) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.frombuffer(pcm, _PCM16, count=len(pcm) // PCM16_BYTES)


def _dbfs(amplitude: float) -> float:
    return max(20 * math.log10(amplitude / _FULL_SCALE), SILENCE_DBFS) if amplitude else SILENCE_DBFS
