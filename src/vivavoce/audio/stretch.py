"""Slower or faster speech at the same pitch: waveform similarity overlap-add (WSOLA), as a stream.

Overlapping frames are taken from the input at one pace and laid down at another. Each is shifted a little, to
where it continues the one before it best, so that the waves of a voice meet in phase.
(Verhelst and Roelands: An overlap-add technique based on waveform similarity, ICASSP 1993.)
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from vivavoce.errors import AudioFormatError

MIN_SPEED, MAX_SPEED = 0.25, 2.0
_HOP_MS = 12.5  # half a frame: longer than a period of the deepest voice
_SEARCH_MS = 8.0  # how far a frame may be shifted: about one such period
_COARSE = 4  # the search looks at every fourth sample first


class TimeStretch:
    """Changes the pace of PCM16.

    Args:
        sample_rate: in Hz.
        speed: 0.25 to 2; 2.0 is twice as fast, so half as long.

    Raises:
        AudioFormatError: the speed is out of its bounds.
    """

    def __init__(self, sample_rate: int, speed: float) -> None:
        if not MIN_SPEED <= speed <= MAX_SPEED:
            raise AudioFormatError(f"speed must be between {MIN_SPEED} and {MAX_SPEED}, got {speed}")
        self._speed = speed
        self._hop = max(_COARSE, round(sample_rate * _HOP_MS / 1000))
        self._search = round(sample_rate * _SEARCH_MS / 1000)
        ramp = np.hanning(2 * self._hop + 1)[: self._hop].astype(np.float32)
        self._fade_in, self._fade_out = ramp, 1 - ramp
        self._half = b""  # half a sample that waits for the rest
        self._begin()

    def _begin(self) -> None:
        self._input: NDArray[np.float32] = np.zeros(0, np.float32)
        self._start = 0  # position in the stream of the first sample of `_input`
        self._received = 0
        self._made = 0
        self._frames = 0
        self._next = 0  # position at which the last frame would go on
        self._done = False

    def process(self, pcm: bytes) -> bytes:
        """Return what is ready of the stretched stream.

        Args:
            pcm: PCM16, mono, of any length; half a sample waits for the next call.
        """
        pcm = self._half + pcm
        even = len(pcm) - len(pcm) % 2
        self._half = pcm[even:]
        self._take(np.frombuffer(pcm[:even], "<i2").astype(np.float32))
        return self._output(last=False)

    def flush(self) -> bytes:
        """Return the rest of the stream and begin a new one."""
        total = round(self._received / self._speed)
        received = self._received
        self._take(np.zeros(4 * (self._hop + self._search), np.float32))
        self._received = received
        rest = b""
        while self._made < total and (more := self._output(last=True)):
            rest += more
        surplus = max(0, self._made - total)
        self._half = b""
        self._begin()
        return rest[: len(rest) - 2 * surplus]

    def _take(self, samples: NDArray[np.float32]) -> None:
        self._input = np.concatenate((self._input, samples))
        self._received += len(samples)

    def _output(self, *, last: bool) -> bytes:
        pieces = []
        total = round(self._received / self._speed)
        while not (last and self._made >= total) and (piece := self._frame()) is not None:
            pieces.append(piece)
            self._made += len(piece)
        self._forget()
        joined = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
        return np.clip(np.rint(joined), -32768, 32767).astype("<i2").tobytes()

    def _frame(self) -> NDArray[np.float32] | None:
        """Return the next hop of the output, or `None` when its input is not there yet."""
        hop = self._hop
        wanted = round(self._frames * hop * self._speed)
        low = max(0, wanted - self._search) if self._frames else 0
        high = wanted + self._search if self._frames else 0
        end = self._start + len(self._input)
        if max(high + 2 * hop, self._next + hop) > end:
            return None
        if not self._frames:
            self._frames, self._next = 1, hop
            return self._input[:hop]
        going_on = self._at(self._next, hop)
        place = low + self._best_shift(going_on, self._at(low, high - low + hop))
        self._frames += 1
        self._next = place + hop
        return going_on * self._fade_out + self._at(place, hop) * self._fade_in

    def _at(self, position: int, length: int) -> NDArray[np.float32]:
        begin = position - self._start
        return self._input[begin : begin + length]

    def _best_shift(self, going_on: NDArray[np.float32], region: NDArray[np.float32]) -> int:
        """Return where in the region the sound is most like what would go on: coarsely, then exactly."""
        windows = sliding_window_view(region, len(going_on))
        coarse = int(_likeness(windows[::_COARSE, ::_COARSE], going_on[::_COARSE]).argmax()) * _COARSE
        low = max(0, coarse - _COARSE + 1)
        near = windows[low : coarse + _COARSE]
        return low + int(_likeness(near, going_on).argmax())

    def _forget(self) -> None:
        """Let go of the input that no frame will need."""
        wanted = round(self._frames * self._hop * self._speed)
        begin = min(self._next, max(0, wanted - self._search)) - self._start
        if begin > 0:
            self._input = self._input[begin:]
            self._start += begin


def _likeness(windows: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float32]:
    energy = np.einsum("ij,ij->i", windows, windows)
    likeness: NDArray[np.float32] = (windows @ target) / np.sqrt(energy + 1.0)
    return likeness
