"""The log-mel spectrogram that Whisper's encoder reads, and all models that begin with it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE = 16_000
BANDS = 80
_WINDOW = 400
_HOP = 160


def log_mel(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the spectrogram: array (80, one column for each whole 10 ms) of float32.

    Args:
        samples: audio at 16 kHz, -1 to 1.
    """
    padded = np.pad(samples, _WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][: len(samples) // _HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    power = np.square(np.abs(np.fft.rfft(frames * window.astype(np.float32), axis=1)))
    logs = np.log10(np.maximum(_mel_filters() @ power.T, 1e-10))
    logs = np.maximum(logs, logs.max() - 8.0)
    return np.asarray((logs + 4.0) / 4.0, np.float32)


@cache
def _mel_filters() -> NDArray[np.float64]:
    """Return Slaney's triangular filters, each of the same area: array (80, 201)."""
    edges = _hertz(np.linspace(0, _mel(RATE / 2), BANDS + 2))
    bins = np.linspace(0, RATE / 2, _WINDOW // 2 + 1)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    triangles = np.maximum(np.minimum(rising, falling), 0)
    return np.asarray(triangles * (2 / (edges[2:] - edges[:-2]))[:, None])


_LINEAR_HZ = 1000.0
_STEP = np.log(6.4) / 27


def _mel(hertz: float) -> float:
    """Return Slaney's mel: linear below 1 kHz, logarithmic above."""
    return float(15 + np.log(hertz / _LINEAR_HZ) / _STEP)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, mel * _LINEAR_HZ / 15, _LINEAR_HZ * np.exp(_STEP * (np.maximum(mel, 15) - 15)))
