"""Sample rates in whole ratios, filtered and without bursts: for voices that are on the line right now.

Every chunk comes out whole, 12 samples of the lower rate later: 0.5 ms between 24 and 48 kHz, 1.5 ms between
8 and 24 kHz. A tone is whole to 0.84 of half the lower rate and gone (-50 dB) from 1.1 of it. `Resampler`
converts any rates, but filters either not at all or in bursts.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PCM16 = np.dtype("<i2")
_SIDE = 12  # samples of the lower rate on either side of the filter's middle
_CUTOFF = 0.96  # of half the lower rate: that is where a tone has lost 6 dB
_KAISER = 5.0


class RatioResampler:
    """Converts a stream of PCM16 mono to a whole multiple or part of its sample rate.

    Args:
        source_rate: samples per second of what comes in.
        target_rate: samples per second of what goes out.

    Raises:
        ConfigurationError: neither rate is a whole multiple of the other.
    """

    def __init__(self, source_rate: int, target_rate: int) -> None:
        lower, higher = sorted((source_rate, target_rate))
        if lower <= 0 or higher % lower:
            raise ConfigurationError(
                f"one of the sample rates must be a whole multiple of the other, got {source_rate} "
                f"and {target_rate}: use Resampler"
            )
        self._factor = higher // lower
        self._up = target_rate > source_rate
        self._history: NDArray[np.float32]
        self.reset()

    def process(self, pcm: bytes) -> bytes:
        """Convert the next chunk.

        Args:
            pcm: PCM16 little-endian, a whole number of samples; on the way down samples that do not fill the
                ratio wait for the next chunk.
        """
        if self._factor == 1:
            return pcm
        samples = np.concatenate((self._history, np.frombuffer(pcm, _PCM16).astype(np.float32)))
        taps = _filter(self._factor, up=self._up)
        step = 1 if self._up else self._factor
        count = max(0, (len(samples) - len(taps)) // step + 1)
        self._history = samples[count * step :]
        if not count:
            return b""
        # As `sliding_window_view`, which takes as long as all of the rest.
        windows = np.ndarray((count, len(taps)), np.float32, samples, strides=(4 * step, 4))
        converted = (windows @ taps).reshape(-1)
        np.rint(converted, out=converted)
        result: bytes = converted.clip(-32768, 32767, out=converted).astype(_PCM16).tobytes()
        return result

    def reset(self) -> None:
        """Forget the stream so far."""
        taps = len(_filter(self._factor, up=self._up)) if self._factor > 1 else 1
        self._history = np.zeros(taps - 1 if self._up else taps - self._factor, np.float32)


@cache
def _filter(factor: int, *, up: bool) -> NDArray[np.float32]:
    """A windowed sinc: one column of taps for each sample that comes out of one step."""
    length = 2 * _SIDE * factor
    at = np.arange(length) - (length - 1) / 2
    taps = np.sinc(at * _CUTOFF / factor) * np.kaiser(length, _KAISER)
    taps /= taps.sum()
    if not up:
        return taps[::-1, None].astype(np.float32)
    # Between the samples that came in lie zeros, so each sample that goes out meets every n-th tap.
    phases = taps.reshape(-1, factor)[::-1] * factor
    return np.ascontiguousarray(phases / phases.sum(axis=0), np.float32)
