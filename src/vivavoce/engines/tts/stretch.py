"""Slower speech at the same pitch, for models that cannot speak as slowly as is asked for.

Waveform similarity overlap-add: short stretches of speech are laid down further apart than they were taken,
each where it fits best to the one before. Decides only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FRAME_S = 0.030
_SEARCH_S = 0.008


def stretch(samples: NDArray[np.float32], factor: float, sample_rate: int) -> NDArray[np.float32]:
    """Return the speech, longer by a factor.

    Args:
        samples: mono, float32.
        factor: 1 leaves it as it is, 2 makes it twice as long.
        sample_rate: in Hz.
    """
    frame = int(_FRAME_S * sample_rate) // 2 * 2
    hop, search = frame // 2, int(_SEARCH_S * sample_rate)
    if abs(factor - 1) < 1e-6 or len(samples) < 2 * frame:
        return samples
    window = np.hanning(frame + 1)[:frame].astype(np.float32)
    count = int(len(samples) * factor) // hop
    padded = np.concatenate([np.zeros(search, np.float32), samples, np.zeros(2 * frame + search, np.float32)])
    out = np.zeros(count * hop + frame, np.float32)
    follow = padded[search : search + frame]
    for step in range(count):
        wanted = int(step * hop / factor)
        at = wanted + _best_fit(padded[wanted : wanted + frame + 2 * search], follow)
        out[step * hop : step * hop + frame] += window * padded[at : at + frame]
        follow = padded[at + hop : at + hop + frame]
    return out[: int(len(samples) * factor)]


def _best_fit(region: NDArray[np.float32], follow: NDArray[np.float32]) -> int:
    """Return where in a region the speech continues best."""
    likeness = np.correlate(region, follow, "valid")
    energy = np.sqrt(np.correlate(region**2, np.ones(len(follow), np.float32), "valid")) + 1e-6
    return int(np.argmax(likeness / energy))
