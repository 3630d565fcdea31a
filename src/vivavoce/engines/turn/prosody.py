"""How the end of a stretch of speech sounds: pitch, loudness and length of what was said last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 8_000
_HOP = RATE // 100
_FRAME = 256
_FIRST_LAG, _LAST_LAG = RATE // 400, RATE // 70
"""Periods of the pitches that voices have: 70 to 400 Hz."""
_VOICED = 0.55
_LOUD_DB = 30.0
"""Frames this far below the loudest are a pause."""
_ABOVE_NOISE_DB = 6.0
"""Or so little above the pause at the end: in noise, what is left of the voice."""
_PAUSE_FRAMES = 8
_FINAL_FRAMES = 12
"""What counts as the end of the speech: 120 ms."""
_SLOPE_FRAMES = 25

NAMES = (
    "silent",
    "no_pitch",
    "final_pitch",
    "pitch_slope",
    "pitch_span",
    "final_loudness",
    "loudness_slope",
    "final_voiced",
)
"""What the features say, in their order."""


def prosody_features(pcm: bytes) -> list[float]:
    """Return a number, mostly between -2 and 2, for each of `NAMES`.

    Args:
        pcm: PCM16 at 8 kHz: the end of the speech, and the pause after it.
    """
    nothing = [1.0, *[0.0] * (len(NAMES) - 1)]
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    if len(samples) < _FRAME:
        return nothing
    frames = np.lib.stride_tricks.sliding_window_view(samples, _FRAME)[::_HOP]
    loudness = 10 * np.log10(np.square(frames).mean(axis=1) + 1.0)
    level = float(np.partition(loudness, -min(10, len(loudness)))[-min(10, len(loudness))])
    floor = float(loudness[-_PAUSE_FRAMES:].mean())
    loud = np.flatnonzero(loudness > max(level - _LOUD_DB, min(floor + _ABOVE_NOISE_DB, level - 6), 20.0))
    if not len(loud):
        return nothing
    first, end = int(loud[0]), int(loud[-1]) + 1
    spoken = loudness[first:end]
    final = spoken[-_FINAL_FRAMES:]
    pitch = _pitch(frames[max(first, end - 150) : end])
    voiced = np.flatnonzero(~np.isnan(pitch))
    sound = [
        float((final.mean() - level) / 10),
        _slope(np.arange(len(spoken))[-_SLOPE_FRAMES:], spoken[-_SLOPE_FRAMES:]) * 10 / 10,
        min(_last_run(voiced) / 30, 2.0),
    ]
    if len(voiced) < 5:
        return [0.0, 1.0, 0.0, 0.0, 0.0, *sound]
    heights = pitch[voiced]
    middle = float(np.median(heights))
    tail = voiced[-_SLOPE_FRAMES:]
    melody = [
        float(np.clip((np.median(heights[-6:]) - middle) / 4, -2, 2)),
        float(np.clip(_slope(tail, pitch[tail]) * 10 / 2, -2, 2)),
        float(np.clip((np.percentile(heights, 90) - np.percentile(heights, 10)) / 8, 0, 2)),
    ]
    return [0.0, 0.0, *melody, *sound]


def _pitch(frames: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the pitch of each frame in semitones, NaN where it has none."""
    centred = frames - frames.mean(axis=1, keepdims=True)
    power = np.square(np.abs(np.fft.rfft(centred, 2 * _FRAME, axis=1)))
    correlation = np.fft.irfft(power, axis=1)[:, :_FRAME]
    # Of the part that overlaps, so that low voices are not at a disadvantage.
    correlation *= _FRAME / (_FRAME - np.arange(_FRAME))
    strength = correlation[:, _FIRST_LAG : _LAST_LAG + 1] / (correlation[:, :1] + 1.0)
    # The shortest period that is nearly as good as the best: twice a period fits as well.
    near = strength >= 0.92 * strength.max(axis=1, keepdims=True)
    rising = np.pad(np.diff(strength, axis=1) > 0, ((0, 0), (0, 1)))
    best = np.argmax(near & ~rising, axis=1)
    periods = best + _FIRST_LAG
    height = 12 * np.log2(RATE / periods)
    sure = np.take_along_axis(strength, best[:, None], axis=1)[:, 0] >= _VOICED
    return np.where(sure, height, np.nan)


def _slope(at: NDArray[np.integer], values: NDArray[np.floating]) -> float:
    """Return the slope of the line that fits best; 0 for fewer than five values."""
    if len(values) < 5:
        return 0.0
    centred = at - at.mean()
    return float((centred * (values - values.mean())).sum() / np.square(centred).sum())


def _last_run(voiced: NDArray[np.intp]) -> int:
    """Return the length of the last unbroken stretch of voiced frames."""
    if not len(voiced):
        return 0
    breaks = np.flatnonzero(np.diff(voiced) > 2)
    return len(voiced) - (int(breaks[-1]) + 1 if len(breaks) else 0)
