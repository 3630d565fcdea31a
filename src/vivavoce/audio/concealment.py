"""What stands in the place of sound that never came: the last pitch period again and again, fading out.

After the model of ITU-T G.711 Appendix I, without its 3.75 ms of delay: what has been heard is gone already,
so the seam is smoothed on this side of it. For codecs that cannot do it themselves (G.711); Opus can.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from vivavoce.errors import ConfigurationError

_PCM16 = np.dtype("<i2")
_MIN_PERIOD_MS, _MAX_PERIOD_MS = 2.5, 15.0  # voices from 66 to 400 Hz
_COMPARED_MS = 20.0
_SEAM_MS = 4.0
_HOLD_MS, _FADE_MS = 15.0, 55.0
_VOICED = 0.5  # likeness of neighbouring periods from which a sound counts as voiced

Samples = NDArray[np.float32]


class Concealment:
    """Fills the holes in a stream of PCM16 mono.

    Args:
        sample_rate: in Hz, at least 4000.

    Raises:
        ConfigurationError: the rate is too low for a voice.
    """

    def __init__(self, sample_rate: int) -> None:
        if sample_rate < 4000:
            raise ConfigurationError(f"the sample rate of speech is at least 4000 Hz, got {sample_rate}")
        self._min_period = self._samples(sample_rate, _MIN_PERIOD_MS)
        self._max_period = self._samples(sample_rate, _MAX_PERIOD_MS)
        self._compared = self._samples(sample_rate, _COMPARED_MS)
        self._seam = self._samples(sample_rate, _SEAM_MS)
        self._hold = self._samples(sample_rate, _HOLD_MS)
        self._fade = self._samples(sample_rate, _FADE_MS)
        self._history: Samples = np.zeros(self._compared + self._max_period, np.float32)
        self._cycle: Samples | None = None  # the period that is repeated, within a hole
        self._made = 0  # samples of the hole that have been filled
        self._step = 0.0  # how far the last sample before the hole was from where the cycle begins

    @staticmethod
    def _samples(sample_rate: int, milliseconds: float) -> int:
        return round(sample_rate * milliseconds / 1000)

    def heard(self, pcm: bytes) -> bytes:
        """Take sound that came; after a hole its beginning is blended with what filled the hole.

        Args:
            pcm: PCM16 little-endian, a whole number of samples.

        Returns:
            As many samples.
        """
        samples = np.frombuffer(pcm, _PCM16).astype(np.float32)
        if self._cycle is not None and len(samples):
            length = min(self._seam, len(samples))
            rise = np.arange(1, length + 1, dtype=np.float32) / (length + 1)
            samples[:length] = samples[:length] * rise + self._going_on(length) * (1 - rise)
            self._cycle = None
        self._remember(samples)
        return _pcm(samples)

    def fill(self, samples: int) -> bytes:
        """Make up the sound of a hole, or of the next part of one.

        Args:
            samples: how many are missing.

        Returns:
            PCM16 little-endian: silence from 70 ms on.
        """
        if self._cycle is None:
            self._begin()
        made = self._going_on(samples)
        self._made += samples
        self._remember(made)
        return _pcm(made)

    def _remember(self, samples: Samples) -> None:
        size = len(self._history)
        self._history = np.concatenate((self._history, samples[-size:]))[-size:]

    def _begin(self) -> None:
        past, period = self._history, self._period()
        cycle = past[-period:].copy()
        # The end of the cycle runs into what came before its beginning, so that it goes round without a step.
        seam = min(self._seam, period // 4)
        rise = np.arange(1, seam + 1, dtype=np.float32) / (seam + 1)
        cycle[-seam:] = cycle[-seam:] * (1 - rise) + past[-period - seam : -period] * rise
        self._cycle, self._made = cycle, 0
        self._step = float(past[-1] - past[-period - 1])

    def _going_on(self, count: int) -> Samples:
        """What follows in the hole: the cycle from where it is, in its fading."""
        assert self._cycle is not None
        at = np.arange(self._made, self._made + count)
        loudness = 1 - np.clip((at - self._hold) / self._fade, 0, 1)
        step = self._step * np.clip(1 - (at + 1) / self._seam, 0, 1)
        made: Samples = ((self._cycle[at % len(self._cycle)] + step) * loudness).astype(np.float32)
        return made

    def _period(self) -> int:
        """The length of the last period of a voice, or of several; without a voice the longest."""
        past = self._history
        target = past[-self._compared :]
        # Window i ends max_period - i samples before the present.
        windows = sliding_window_view(past[: len(past) - self._min_period], self._compared)
        energy = np.einsum("ij,ij->i", windows, windows) * float(target @ target)
        likeness = (windows @ target) / np.sqrt(energy + 1.0)
        best = int(likeness.argmax())
        if likeness[best] < _VOICED:
            return self._max_period
        return self._max_period - best


def _pcm(samples: Samples) -> bytes:
    return np.clip(np.rint(samples), -32768, 32767).astype(_PCM16).tobytes()
