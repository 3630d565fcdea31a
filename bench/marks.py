"""A sound that tells at any moment how much of it was heard: a tone that rises, again and again.

Only its frequency counts, so a codec, lost packets and what is made up in their place do it no harm.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

RATE = 24_000
PERIOD_MS = 4000
_LOW_HZ, _HIGH_HZ = 500.0, 2500.0
_LEVEL = 8000
_AUDIBLE = 2000.0  # root mean square; that of the tone is 5657
_WINDOW = 480
_HOP = 120
_STEP = 1200
_RUN = 6  # windows one after another that must agree
_ASTRAY_MS = 12.0
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
    starts = range(_RUN * _HOP, len(samples) - _WINDOW, _HOP)
    last = next((start for start in reversed(starts) if _rising(samples, start) is not None), None)
    if last is None:
        return None
    # Where the place falls, a new period has begun.
    places = [_rising(samples, start) for start in (*range(starts.start, last, _STEP), last)]
    rising = [place for place in places if place is not None]
    falls = sum(later < earlier - PERIOD_MS / 2 for earlier, later in pairwise(rising))
    # Between losses there may be too little of it to rise: then its frequency alone says how far it came,
    # unless it were further than there was time for.
    further = 0.0
    for start in range(last + _HOP, starts.stop, _HOP):
        hertz = _hertz(samples, start)
        if hertz is not None:
            ahead = (_in_period(hertz) + _WINDOW / 2 / _MS - rising[-1]) % PERIOD_MS
            if ahead <= (start - last) / _MS + _ASTRAY_MS:
                further = max(further, ahead)
    return falls * PERIOD_MS + rising[-1] + further


def _in_period(hertz: float) -> float:
    """Return where in a period the tone has this frequency, in milliseconds."""
    return (hertz - _LOW_HZ) / (_HIGH_HZ - _LOW_HZ) * PERIOD_MS


def _rising(samples: Samples, start: int) -> float | None:
    """Return the place in its period that the sweep has reached at the end of a window.

    `None` where it does not rise as it should: in silence, and in what is made up for lost packets.
    """
    places: list[float] = []
    for back in range(_RUN):
        hertz = _hertz(samples, start - back * _HOP)
        if hertz is None:
            return None
        places.append(_in_period(hertz) + back * _HOP / _MS)
    apart = [(place - places[0] + PERIOD_MS / 2) % PERIOD_MS - PERIOD_MS / 2 for place in places]
    if max(apart) - min(apart) > _ASTRAY_MS:
        return None
    # The frequency is that of a window's middle.
    return places[0] + float(np.median(apart)) + _WINDOW / 2 / _MS


def _hertz(samples: Samples, start: int) -> float | None:
    """Return the frequency of the tone in a window; `None` when there is none."""
    window = samples[start : start + _WINDOW].astype(np.float64)
    if float(np.sqrt(np.mean(window * window))) < _AUDIBLE:
        return None
    spectrum = np.abs(np.fft.rfft(window * np.hanning(_WINDOW), _FFT))
    low, high = (round(hertz * _FFT / RATE) for hertz in (_LOW_HZ - 50, _HIGH_HZ + 50))
    peak = low + int(np.argmax(spectrum[low:high]))
    return peak * RATE / _FFT
