"""Smart Turn's signature, with a tiny model that has it: it says how loud the last second is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from vivavoce.engines.turn.base import TurnEndDetector, TurnSoFar
from vivavoce.engines.turn.smart_turn import SmartTurn, smart_turn_features
from vivavoce.errors import EngineError, MissingExtraError
from vivavoce.testing import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOUD = (np.sin(np.arange(16_000) / 5) * 9000).astype("<i2").tobytes()


@pytest.fixture
def saved(tmp_path: Path) -> Callable[..., Path]:
    """Save a model with this input that sums up the newest 100 columns of it through a sigmoid."""
    onnx = pytest.importorskip("onnx", reason="needs onnx to make a model")

    def save(name: str = "input_features", columns: Any = 800, batch: Any = "batch") -> Path:
        helper, floats = onnx.helper, onnx.TensorProto.FLOAT
        constants = {
            "begin": np.array([700]),
            "end": np.array([100_000]),
            "axis": np.array([2]),
            "axes": np.array([1, 2]),
        }
        nodes = [
            helper.make_node("Slice", [name, "begin", "end", "axis"], ["newest"]),
            helper.make_node("ReduceMean", ["newest", "axes"], ["loudness"], keepdims=0),
            helper.make_node("Sigmoid", ["loudness"], ["flat"]),
            helper.make_node("Unsqueeze", ["flat", "one"], ["logits"]),
        ]
        constants["one"] = np.array([1])
        graph = helper.make_graph(
            nodes,
            "tiny",
            [helper.make_tensor_value_info(name, floats, [batch, 80, columns])],
            [helper.make_tensor_value_info("logits", floats, [batch, 1])],
            [onnx.numpy_helper.from_array(value, key) for key, value in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        path = tmp_path / "tiny.onnx"
        onnx.save(model, str(path))
        return path

    return save


def ask(detector: SmartTurn, *pcms: bytes) -> list[float]:
    async def main() -> list[float]:
        try:
            return [await detector.completeness(TurnSoFar(pcm, "not read")) for pcm in pcms]
        finally:
            await detector.aclose()
            await detector.aclose()

    return run(main())


@pytest.mark.parametrize("batch", ["batch", 1])
def test_the_end_of_the_audio_is_what_it_hears(saved: Callable[..., Path], batch: object) -> None:
    detector = SmartTurn(str(saved(batch=batch)))
    assert isinstance(detector, TurnEndDetector)
    loud, quiet = ask(detector, LOUD, LOUD + bytes(32_000))
    assert 0 < quiet < loud < 1


@pytest.mark.parametrize("seconds", [0, 1, 8, 9])
def test_what_it_reads_is_always_as_long(seconds: int) -> None:
    features = smart_turn_features(LOUD * seconds)
    assert features.shape == (80, 800)
    assert features.dtype == np.float32
    assert np.isfinite(features).all()


def test_silence_stands_before_what_is_short_and_the_oldest_is_left_out() -> None:
    features = smart_turn_features(LOUD)
    assert features[:, :690].max() < features[:, -90:].max()
    hum = (np.sin(np.arange(16_000) / 40) * 9000).astype("<i2").tobytes()
    assert np.array_equal(smart_turn_features(LOUD + hum * 8), smart_turn_features(hum * 8))


@pytest.mark.parametrize("wrong", [{"name": "samples"}, {"columns": 3000}])
def test_another_model_is_refused(saved: Callable[..., Path], wrong: dict[str, Any]) -> None:
    with pytest.raises(EngineError, match="is no Smart Turn v3 model"):
        SmartTurn(saved(**wrong))


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    with pytest.raises(EngineError, match="there are no Smart Turn weights at"):
        SmartTurn(tmp_path / "missing.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(EngineError, match="is no ONNX model"):
        SmartTurn(tmp_path / "text.onnx")


def test_a_model_that_fails_says_so(saved: Callable[..., Path]) -> None:
    detector = SmartTurn(saved())
    detector._session = None
    with pytest.raises(EngineError, match="the Smart Turn model failed"):
        ask(detector, LOUD)


def test_a_missing_runtime_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"vivavoce\[turn\]"):
        SmartTurn(tmp_path / "any.onnx")
