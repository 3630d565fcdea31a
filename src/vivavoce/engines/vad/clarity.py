"""How clearly a chunk of sound is articulate speech: neither a cough nor a hum.

A voice activity detector says "somebody" of a cough and of a hummed "mhm", too. What tells them from the
beginning of a sentence: a cough is not voiced, its waveform does not repeat; a hum is voiced through a closed
mouth, almost nothing of it is above the first formant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 16_000
LOWEST_HZ, HIGHEST_HZ = 70, 400
"""Where voices have their pitch."""
OPEN_MOUTH_HZ = 600.0
"""A closed mouth lets little through above this."""
MUCH_ABOVE = 0.004
"""Share of the energy of speech that is above it, at the least. Small, because many a sentence begins with a
nasal or a voiced stop: they must not wait (see bench/interruptions.py)."""
REPEATS = 0.4
"""Correlation of a voiced sound with itself one period later, at the least."""


@runtime_checkable
class HearsClarity(Protocol):
    """A voice activity detector that can tell articulate speech from other sounds of a person."""

    def clarity(self, chunk: NDArray[np.int16]) -> float:
        """Return how surely a chunk is articulate, 0 to 1; asked only while that matters."""
        ...


def clarity(chunk: NDArray[np.int16]) -> float:
    """Return how surely a chunk is articulate, 0 to 1: the worse of how voiced and how open it is.

    Args:
        chunk: at least 20 ms at 16 kHz; about 0.1 ms of work.
    """
    samples = chunk.astype(np.float32)
    samples -= samples.mean()
    size = 2 * len(samples)
    power = np.square(np.abs(np.fft.rfft(samples, size)))
    # With soft edges, or what is low would seem to reach high up.
    soft = np.square(np.abs(np.fft.rfft(samples * np.hanning(len(samples)), size)))
    total = float(soft.sum())
    if total <= 0:
        return 0.0
    above = float(soft[round(OPEN_MOUTH_HZ * size / RATE) :].sum()) / total
    voiced = _repeats(np.fft.irfft(power, size), samples)
    return min(above / MUCH_ABOVE / 2, voiced / REPEATS / 2, 1.0)


def _repeats(correlation: NDArray[np.floating], samples: NDArray[np.float32]) -> float:
    """Return the best normalised correlation of the samples with themselves a period of a voice later."""
    first, last = RATE // HIGHEST_HZ, min(RATE // LOWEST_HZ, len(samples) * 3 // 4)
    energy = np.concatenate([[0.0], np.cumsum(np.square(samples, dtype=np.float64))])
    lags = np.arange(first, last)
    # Of the part that overlaps, so that a low voice is not at a disadvantage.
    front, back = energy[len(samples) - lags], energy[-1] - energy[lags]
    return float((correlation[first:last] / np.sqrt(front * back + 1.0)).max())
