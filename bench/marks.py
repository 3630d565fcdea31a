"""A sound that tells at any moment how much of it was heard: a tone that rises, again and again.

Only its frequency counts, so a codec, lost packets and what is made up in their place do it no harm.
"""

from __future__ import annotations

from itertools import islice, pairwise

import numpy as np
from numpy.typing import NDArray

RATE = 24_000
PERIOD_MS = 4000
_LOW_HZ, _HIGH_HZ = 500.0, 2500.0
_LEVEL = 8000
_AUDIBLE = 4500.0  # root mean square; that of the tone is 5657
_WINDOW = 480
_HOP = 120
_STEP = 1200
_LAST = 9  # windows at the end, of which the middle estimate counts
_FFT = 16_384
_MS = RATE // 1000

Samples = NDArray[np.int16]


def sweep(seconds: float) -> bytes:
    """Return so much of it: PCM16 mono at 24 kHz."""
    at = np.arange(round(seconds * RATE)) / RATE
    hertz = _LOW_HZ + (_HIGH_HZ - _LOW_HZ) * (at * 1000 % PERIOD_MS) / PERIOD_MS
    return (np.sin(2 * np.pi * np.cumsum(hertz) / RATE) * _LEVEL).astype("<i2").tobytes()


def heard_ms(pcm: bytes) -> float | None:
    """Return how far into the sweep the last sound of it in this recording is; `None` when there is none.

    Args:
        pcm: PCM16 mono at 24 kHz, with one sweep in it from its beginning, cut off anywhere.
    """
    samples = np.frombuffer(pcm, "<i2")
    starts = range(0, len(samples) - _WINDOW, _HOP)
    first = next((start for start in starts if _hertz(samples, start) is not None), None)
    if first is None:
        return None
    sounds = ((start, hertz) for start in reversed(starts) if (hertz := _hertz(samples, start)) is not None)
    last = list(islice(sounds, _LAST))
    end = last[0][0] + _WINDOW
    # The frequency is that of a window's middle.
    ends = [_place(hertz) + (end - start - _WINDOW / 2) / _MS for start, hertz in last]
    in_period = float(np.median([(place - ends[0] + PERIOD_MS / 2) % PERIOD_MS for place in ends]))
    position = ends[0] + in_period - PERIOD_MS / 2
    # Where the frequency falls, a new period has begun.
    steps = [_place(hertz) for at in range(first, last[0][0], _STEP) if (hertz := _hertz(samples, at))]
    falls = sum(later < earlier - PERIOD_MS / 2 for earlier, later in pairwise([*steps, position]))
    return falls * PERIOD_MS + position


def _place(hertz: float) -> float:
    """Return where in a period the tone has this frequency, in milliseconds."""
    return (hertz - _LOW_HZ) / (_HIGH_HZ - _LOW_HZ) * PERIOD_MS


def _hertz(samples: Samples, start: int) -> float | None:
    """Return the frequency of the tone in a window; `None` when there is none."""
    window = samples[start : start + _WINDOW].astype(np.float64)
    if float(np.sqrt(np.mean(window * window))) < _AUDIBLE:
        return None
    spectrum = np.abs(np.fft.rfft(window * np.hanning(_WINDOW), _FFT))
    low, high = (round(hertz * _FFT / RATE) for hertz in (_LOW_HZ - 50, _HIGH_HZ + 50))
    peak = low + int(np.argmax(spectrum[low:high]))
    return peak * RATE / _FFT
