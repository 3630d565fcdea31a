"""Speech by Kokoro (package kokoro-onnx): natural voices of nine languages from one small model."""

from __future__ import annotations

import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vivavoce.audio.stretch import TimeStretch
from vivavoce.engines.base import EngineCost
from vivavoce.engines.tts.piecewise import PieceSynthesizer, Spoken
from vivavoce.errors import ConfigurationError, EngineError, MissingExtraError

OWN_SLOWEST = 0.5
"""The slowest speed of the model; below it its speech is stretched."""

SENTENCE_PAUSE_S, CLAUSE_PAUSE_S = 0.25, 0.1
"""Silence after a piece that ends in a full stop, and in a comma."""

LANGUAGES = {
    "a": "en-us",
    "b": "en-gb",
    "e": "es",
    "f": "fr-fr",
    "h": "hi",
    "i": "it",
    "j": "ja",
    "p": "pt-br",
    "z": "cmn",
}
"""The language of a voice, by the first letter of its name, as espeak-ng calls it."""


class KokoroSynthesizer(PieceSynthesizer):
    """A `Synthesizer` that speaks with the voices of a Kokoro model.

    Names of the API are voices of the same name where there is one (`af_alloy`), and dealt out over the
    others.
    Where each word ends is known when the model tells durations; otherwise it is estimated.

    Args:
        model: the `.onnx` file.
        voices: the file of its voices (`voices-v1.0.bin`).
        language: what espeak-ng calls the language to speak; `None` goes by the voice.
        workers: sentences spoken at the same time; `None`: one for two cores.

    Attributes:
        honours_speed: it speaks at the speed that it is asked for.
        cost: a sentence takes about half the time it lasts on one core.

    Raises:
        MissingExtraError: kokoro-onnx is not installed.
        ConfigurationError: a file is not there, or is not what it should be.
    """

    sample_rate = 24_000

    def __init__(
        self, model: str, voices: str, *, language: str | None = None, workers: int | None = None
    ) -> None:
        if importlib.util.find_spec("kokoro_onnx") is None:
            raise MissingExtraError("kokoro", "the Kokoro synthesizer")
        for path in (model, voices):
            if not Path(path).is_file():
                raise ConfigurationError(f"there is no file {path}; Kokoro needs its model and its voices")
        self._model, self._path = model, voices
        super().__init__("kokoro", _voices_in(voices), workers)
        self._language = language
        self.cost = EngineCost(0.5)
        self._lock = threading.Lock()
        self._kokoro: Any = None

    async def prewarm(self) -> None:
        """Load the model.

        Raises:
            EngineError: it is none.
        """
        await self._workers.run(self._load)

    def _load(self) -> Any:
        with self._lock:
            if self._kokoro is None:
                from kokoro_onnx import Kokoro

                try:
                    kokoro: Any = Kokoro(self._model, self._path)
                    # It would read each voice from an open file when it is used: no work for several threads.
                    with kokoro.voices as voices:
                        kokoro.voices = {name: voices[name] for name in voices.files}
                    self._kokoro = kokoro
                except Exception as error:  # onnxruntime has no common root of its errors
                    name = Path(self._model).name
                    raise EngineError(f"the Kokoro model {name} cannot be loaded: {error}") from error
            return self._kokoro

    def _speak(self, voice: str, speed: float, text: str) -> Spoken:
        kokoro = self._load()
        language = self._language or LANGUAGES.get(voice[:1], "en-us")
        own_speed = max(speed, OWN_SLOWEST)
        try:
            samples, _, timings = kokoro.create_timed(text, voice, own_speed, language)
        except Exception as error:  # as above
            raise EngineError(f"Kokoro failed to speak with {voice}: {error}") from error
        factor = own_speed / speed
        speech = _stretched(np.asarray(samples, np.float32), speed / own_speed, self.sample_rate)
        # The silence around the speech is trimmed; the next clause must not follow at once.
        pause = np.zeros(int(_pause_s(text) * factor / own_speed * self.sample_rate), np.float32)
        return Spoken(np.concatenate([speech, pause]), [end * factor for end in word_ends_ms(timings)])


def _stretched(samples: NDArray[np.float32], speed: float, rate: int) -> NDArray[np.float32]:
    if speed == 1.0:
        return samples
    stretch = TimeStretch(rate, speed)
    whole = np.rint(np.clip(samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()
    pcm = stretch.process(whole) + stretch.flush()
    return np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32767)


def _pause_s(text: str) -> float:
    last = text.rstrip().rstrip("\"'”’»)]")[-1:]
    if last and last in ".!?…。！？":
        return SENTENCE_PAUSE_S
    return CLAUSE_PAUSE_S if last and last in ",;:–—" else 0.0


def _voices_in(path: str) -> tuple[str, ...]:
    try:
        with np.load(path) as voices:
            names = tuple(sorted(voices.files))
    except (OSError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"{path} is no file of Kokoro voices: {error}") from None
    if not names:
        raise ConfigurationError(f"{path} holds no voices")
    return names


def word_ends_ms(timings: Sequence[Any]) -> list[float]:
    """Return where each spoken word ends.

    Args:
        timings: phonemes with their `end` in seconds; a space parts two words.
    """
    ends: list[float] = []
    last: float | None = None
    for timing in timings:
        if timing.phoneme == " " and last is not None:
            ends.append(last)
            last = None
        elif timing.phoneme.isalpha():
            last = timing.end * 1000
    return ends if last is None else [*ends, last]
