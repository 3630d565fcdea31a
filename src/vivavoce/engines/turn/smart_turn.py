"""Smart Turn v3: a network that tells a finished turn by its sound, in two dozen languages.

The weights (about 8 MB, BSD-2) are not part of this package: give the path of an ONNX file of
pipecat-ai/smart-turn-v3. It reads the last 8 s of the turn as Whisper's log-mel spectrogram, array
(1, 80, 800) named `input_features`, and returns the probability that the turn is over.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from vivavoce.engines.turn.base import TurnSoFar
from vivavoce.engines.turn.log_mel import BANDS, RATE, log_mel
from vivavoce.engines.workers import Workers
from vivavoce.errors import EngineError, MissingExtraError

_SECONDS = 8
_SHAPE = (1, BANDS, 800)
_INPUT = "input_features"


class SmartTurn:
    """The turn-end detector that runs Smart Turn weights, in threads of its own.

    Args:
        model: path of the ONNX file.
        workers: how many questions are answered at once; each takes 20 to 50 ms of a core.

    Raises:
        MissingExtraError: onnxruntime is not installed.
        EngineError: the file cannot be read, or is another model.
        ConfigurationError: `workers` is below 1.
    """

    sample_rate = RATE
    window_s = float(_SECONDS)

    def __init__(self, model: str | Path, workers: int = 1) -> None:
        if importlib.util.find_spec("onnxruntime") is None:
            raise MissingExtraError("turn", "Smart Turn")
        self._session = _session(Path(model))
        self._workers = Workers("smart-turn", workers)

    async def completeness(self, turn: TurnSoFar) -> float:
        """Return the probability that the person has finished, 0 to 1; the words are of no account.

        Raises:
            EngineError: the model failed, too many questions wait, or the detector is closed.
        """
        return await self._workers.run(self._answer, turn.pcm)

    @property
    def queue_depth(self) -> int:
        """Work that waits for a thread, for the server's metrics."""
        return self._workers.waiting

    async def aclose(self) -> None:
        """End the threads; safe to call twice."""
        self._workers.close()

    def _answer(self, pcm: bytes) -> float:
        try:
            (output, *_) = self._session.run(None, {_INPUT: smart_turn_features(pcm)[None]})
        except Exception as error:
            raise EngineError(f"the Smart Turn model failed: {error}") from error
        return float(np.asarray(output).reshape(-1)[0])


def smart_turn_features(pcm: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Return what the model reads: array (80, 800) of the last 8 s, silence before what is shorter.

    Args:
        pcm: PCM16 at 16 kHz.
    """
    size = _SECONDS * RATE
    samples = np.frombuffer(pcm[-size * 2 :], "<i2").astype(np.float32) / 32768
    samples = np.pad(samples, (size - len(samples), 0))
    samples = (samples - samples.mean()) / np.sqrt(samples.var() + 1e-7)
    return log_mel(samples)


def _session(path: Path) -> Any:
    import onnxruntime

    if not path.is_file():
        raise EngineError(f"there are no Smart Turn weights at {path}")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise EngineError(f"{path} is no ONNX model that can be run: {error}") from error
    inputs = {each.name: list(each.shape) for each in session.get_inputs()}
    wanted = [_any(size, right) for size, right in zip(inputs.get(_INPUT, []), _SHAPE, strict=False)]
    if list(inputs) != [_INPUT] or wanted != list(_SHAPE):
        raise EngineError(f"{path} is no Smart Turn v3 model: it reads {inputs}, not {_INPUT} of {_SHAPE}")
    return session


def _any(size: object, right: int) -> object:
    """Return the right size where a model leaves it open (by a name), else the model's own."""
    return size if isinstance(size, int) else right
