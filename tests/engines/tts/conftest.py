"""Voices that are made on the spot: networks of the real shape that hum instead of speaking."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HOP = 256
KOKORO_HOP = 600


def _scalar(name: str, value: float, kind: int) -> Any:
    from onnx import helper

    return helper.make_tensor(name, kind, [], [value])


def _tensor(name: str, kind: int, shape: list[Any]) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, kind, shape)


def _hum(frames: str, hop: int, shape: list[int]) -> tuple[list[Any], list[Any]]:
    """Return nodes and constants that turn a number of frames into so much of a tone."""
    from onnx import TensorProto, helper

    constants = [
        _scalar("hop", hop, TensorProto.FLOAT),
        _scalar("zero", 0, TensorProto.INT64),
        _scalar("one", 1, TensorProto.INT64),
        _scalar("pitch", 0.05, TensorProto.FLOAT),
        helper.make_tensor("shape", TensorProto.INT64, [len(shape)], shape),
    ]
    nodes = [
        helper.make_node("ReduceSum", [frames], ["frames"], keepdims=0),
        helper.make_node("Mul", ["frames", "hop"], ["length"]),
        helper.make_node("Cast", ["length"], ["samples"], to=TensorProto.INT64),
        helper.make_node("Range", ["zero", "samples", "one"], ["places"]),
        helper.make_node("Cast", ["places"], ["time"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["time", "pitch"], ["angle"]),
        helper.make_node("Sin", ["angle"], ["tone"]),
        helper.make_node("Reshape", ["tone", "shape"], ["output"]),
    ]
    return nodes, constants


def _save(path: Path, nodes: list[Any], constants: list[Any], inputs: list[Any], outputs: list[Any]) -> None:
    import onnx
    from onnx import helper

    graph = helper.make_graph(nodes, "voice", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


def make_piper_voice(path: Path, *, rate: int = 22_050, speakers: tuple[str, ...] = ()) -> None:
    """Write a Piper voice that hums two frames for every phoneme at normal speed."""
    from onnx import TensorProto, helper
    from piper.phoneme_ids import DEFAULT_PHONEME_ID_MAP

    hum, constants = _hum("w_ceil", HOP, [1, 1, 1, -1])
    nodes = [
        helper.make_node("Cast", ["input"], ["ids"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["ids", "nothing"], ["zeros"]),
        helper.make_node("Gather", ["scales", "one"], ["slowness"]),
        helper.make_node("Mul", ["slowness", "two"], ["each"]),
        helper.make_node("Add", ["zeros", "each"], ["durations"]),
        helper.make_node("Ceil", ["durations"], ["w_ceil"]),
        *hum,
    ]
    constants += [_scalar("two", 2, TensorProto.FLOAT), _scalar("nothing", 0, TensorProto.FLOAT)]
    inputs = [
        _tensor("input", TensorProto.INT64, [1, "n"]),
        _tensor("input_lengths", TensorProto.INT64, [1]),
        _tensor("scales", TensorProto.FLOAT, [3]),
        *([_tensor("sid", TensorProto.INT64, [1])] if speakers else []),
    ]
    _save(path, nodes, constants, inputs, [_tensor("output", TensorProto.FLOAT, [1, 1, 1, "t"])])
    description = {
        "audio": {"sample_rate": rate},
        "espeak": {"voice": "en-us"},
        "inference": {"noise_scale": 0.667, "length_scale": 1, "noise_w": 0.8},
        "phoneme_id_map": DEFAULT_PHONEME_ID_MAP,
        "num_symbols": 256,
        "num_speakers": max(1, len(speakers)),
        "speaker_id_map": {name: number for number, name in enumerate(speakers)},
        "hop_length": HOP,
    }
    Path(f"{path}.json").write_text(json.dumps(description))


@pytest.fixture(scope="session")
def piper_voices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two Piper voices: `amy`, and `choir` with two speakers at another rate."""
    for package in ("onnx", "piper"):
        pytest.importorskip(package, reason="needs piper-tts and onnx")
    folder = tmp_path_factory.mktemp("piper")
    make_piper_voice(folder / "amy.onnx")
    make_piper_voice(folder / "choir.onnx", rate=16_000, speakers=("high", "low"))
    return folder


def make_kokoro(folder: Path, *, timed: bool) -> Path:
    """Write a Kokoro model that hums four frames for every phoneme at normal speed."""
    from onnx import TensorProto, helper

    hum, constants = _hum("lengths", KOKORO_HOP, [-1])
    nodes = [
        helper.make_node("Cast", ["tokens"], ["ids"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["ids", "nothing"], ["zeros"]),
        helper.make_node("Div", ["four", "speed"], ["each"]),
        helper.make_node("Add", ["zeros", "each"], ["exact"]),
        helper.make_node("Round", ["exact"], ["lengths"]),
        helper.make_node("Cast", ["lengths"], ["duration"], to=TensorProto.INT64),
        *hum,
    ]
    constants += [_scalar("four", 4, TensorProto.FLOAT), _scalar("nothing", 0, TensorProto.FLOAT)]
    inputs = [
        _tensor("tokens", TensorProto.INT64, [1, "n"]),
        _tensor("style", TensorProto.FLOAT, [1, 8]),
        _tensor("speed", TensorProto.FLOAT, [1]),
    ]
    outputs = [_tensor("output", TensorProto.FLOAT, ["t"])]
    outputs += [_tensor("duration", TensorProto.INT64, [1, "n"])] if timed else []
    path = folder / f"kokoro-{timed}.onnx"
    _save(path, nodes, constants, inputs, outputs)
    return path


@pytest.fixture(scope="session")
def kokoro_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A Kokoro model that tells durations, one that does not, and their voices."""
    for package in ("onnx", "kokoro_onnx"):
        pytest.importorskip(package, reason="needs vivavoce[kokoro] and onnx")
    folder = tmp_path_factory.mktemp("kokoro")
    voices = folder / "voices.bin"
    style = np.zeros((510, 1, 8), np.float32)
    with voices.open("wb") as file:
        np.savez(file, af_alloy=style, am_adam=style, bf_emma=style)
    return make_kokoro(folder, timed=True), make_kokoro(folder, timed=False), voices
