"""Speech by Piper voices (package piper-tts): small neural voices of some forty languages, fast on a CPU.

piper-tts is licensed GPL-3 or later. It is no part of the extra `all`, and never imported unless asked for.
"""

from __future__ import annotations

import importlib.util
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vivavoce.engines.base import EngineCost
from vivavoce.engines.tts.piecewise import PieceSynthesizer, Spoken
from vivavoce.errors import ConfigurationError, EngineError, MissingExtraError

MAX_LOADED = 8
"""Voices in memory at once; the one that was used longest ago makes room."""


@dataclass(frozen=True, slots=True)
class PiperFile:
    """A voice on disk.

    Attributes:
        path: of the `.onnx` file; its description stands beside it with `.json` at the end.
        sample_rate: of its speech, in Hz.
        speakers: its speakers by name; empty where there is only one.
    """

    path: Path
    sample_rate: int
    speakers: Mapping[str, int]


class PiperSynthesizer(PieceSynthesizer):
    """A `Synthesizer` that speaks with Piper voices from files.

    A voice is called by its file (`en_US-amy-medium`), a speaker of a voice with several by both
    (`en_US-libritts-high:p3922`). Names of the API are dealt out over all of them. Where each word ends is
    known when the package `onnx` is installed, or the voice was made for it; otherwise it is estimated.

    Args:
        voices: an `.onnx` file, or a folder of them; each has its `.onnx.json` beside it.
        workers: sentences spoken at the same time; `None`: one for two cores.
        cuda: compute on a graphics card.

    Attributes:
        sample_rate: the highest of its voices; the others are converted.
        honours_speed: it speaks at the speed that it is asked for.
        cost: a sentence takes a tenth of the time it lasts.

    Raises:
        MissingExtraError: piper-tts is not installed.
        ConfigurationError: there is no voice, or a description cannot be read.
    """

    def __init__(self, voices: str, *, workers: int | None = None, cuda: bool = False) -> None:
        if importlib.util.find_spec("piper") is None:
            raise MissingExtraError("piper", "the Piper synthesizer")
        self._files = find_voices(Path(voices))
        self._voices = _names(self._files)
        super().__init__("piper", tuple(self._voices), workers)
        self.sample_rate = max(file.sample_rate for file in self._files.values())
        self.cost = EngineCost(0.15)
        self._cuda = cuda
        self._lock = threading.Lock()
        self._loaded: OrderedDict[str, Any] = OrderedDict()

    async def prewarm(self) -> None:
        """Load the first voice.

        Raises:
            EngineError: it is no voice.
        """
        await self._workers.run(self._load, next(iter(self._files)))

    def _load(self, key: str) -> Any:
        with self._lock:
            if key in self._loaded:
                self._loaded.move_to_end(key)
                return self._loaded[key]
            from piper import PiperVoice

            path = self._files[key].path
            timed = importlib.util.find_spec("onnx") is not None
            try:
                voice = PiperVoice.load(path, use_cuda=self._cuda, include_alignments=timed)
            except Exception as error:  # onnxruntime has no common root of its errors
                raise EngineError(f"the Piper voice {path.name} cannot be loaded: {error}") from error
            self._loaded[key] = voice
            if len(self._loaded) > MAX_LOADED:
                self._loaded.popitem(last=False)
            return voice

    def _speak(self, name: str, speed: float, text: str) -> Spoken:
        from piper import SynthesisConfig

        key, speaker = self._voices[name]
        voice = self._load(key)
        config = SynthesisConfig(speaker_id=speaker, length_scale=voice.config.length_scale / speed)
        samples: list[np.ndarray[Any, Any]] = []
        ends: list[float] = []
        timed, before = True, 0
        try:
            # "[[…]]" would be taken for phonemes.
            for chunk in voice.synthesize(text.replace("[[", "[ ["), config, include_alignments=True):
                timed = timed and chunk.phoneme_alignments is not None
                ends += [
                    1000 * (before + end) / voice.config.sample_rate
                    for end in word_ends(chunk.phoneme_alignments or ())
                ]
                samples.append(chunk.audio_float_array)
                before += len(chunk.audio_float_array)
        except Exception as error:  # as above
            raise EngineError(f"the Piper voice {name} failed: {error}") from error
        audio = np.concatenate(samples) if samples else np.zeros(0, np.float32)
        return Spoken(self._converted(audio, voice.config.sample_rate), ends if timed else ())

    def _converted(self, samples: Any, rate: int) -> Any:
        if rate == self.sample_rate:
            return samples
        import soxr

        return soxr.resample(samples, rate, self.sample_rate)


def find_voices(place: Path) -> dict[str, PiperFile]:
    """Return the voices in a file or folder, by name.

    Raises:
        ConfigurationError: there is none, or a description cannot be read.
    """
    paths = sorted(place.glob("*.onnx")) if place.is_dir() else [place] if place.is_file() else []
    if not paths:
        raise ConfigurationError(
            f"there is no Piper voice at {place}: it must be an .onnx file with its .onnx.json, or a folder"
        )
    return {path.stem: _described(path) for path in paths}


def _described(path: Path) -> PiperFile:
    description = Path(f"{path}.json")
    try:
        form = json.loads(description.read_text(encoding="utf-8"))
        several = form["num_speakers"] > 1
        return PiperFile(
            path, int(form["audio"]["sample_rate"]), dict(form["speaker_id_map"]) if several else {}
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        problem = f"{type(error).__name__}: {error}"
        raise ConfigurationError(
            f"the description {description} of a Piper voice cannot be read: {problem}"
        ) from None


def _names(files: Mapping[str, PiperFile]) -> dict[str, tuple[str, int | None]]:
    """Return all voices by name: the file of each and its speaker there."""
    names: dict[str, tuple[str, int | None]] = {}
    for key, file in files.items():
        names[key] = (key, None)
        names |= {f"{key}:{speaker}": (key, number) for speaker, number in file.speakers.items()}
    return names


def word_ends(alignments: Sequence[Any]) -> list[int]:
    """Return after how many samples each spoken word ends.

    Args:
        alignments: the phonemes of a sentence, each with its `num_samples`; a space parts two words.
    """
    ends: list[int] = []
    samples, spoken = 0, False
    for alignment in alignments:
        if alignment.phoneme == " " and spoken:
            ends.append(samples)
            spoken = False
        samples += int(alignment.num_samples)
        spoken = spoken or alignment.phoneme.isalpha()
    return [*ends, samples] if spoken else ends
