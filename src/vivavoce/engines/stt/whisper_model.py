"""The thread's side of faster-whisper: loads the weights, turns a window of audio into words."""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vivavoce.engines.base import TranscriptionOptions
from vivavoce.engines.stt.growing_window import HeardWord
from vivavoce.errors import EngineError
from vivavoce.protocol import LogProb

SAMPLE_RATE = 16_000
_CONTEXT_CHARS = 200


@dataclass(frozen=True, slots=True)
class WhisperSettings:
    """How the model is loaded and run.

    Attributes:
        model: folder of weights in CTranslate2's form, or a name (`small`, `large-v3-turbo` …) that is
            downloaded from the Hugging Face hub when it is not there yet.
        device: `auto`, `cpu` or `cuda`.
        compute_type: `int8`, `float16` …; `default` is that of the weights.
        beam_size: of the last decode of an utterance; those before it take the likeliest word each time.
        workers: windows that are decoded at the same time.
        cpu_threads: threads that one of them uses; 0 leaves it to CTranslate2.
    """

    model: str
    device: str
    compute_type: str
    beam_size: int
    workers: int
    cpu_threads: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What one decode understood.

    Attributes:
        words: with their times, where they were asked for.
        text: all of it.
        language: ISO-639-1 code.
    """

    words: tuple[HeardWord, ...]
    text: str
    language: str | None


def logprobs_of(words: Iterable[HeardWord]) -> tuple[LogProb, ...]:
    """Return the log probability of each word."""
    return tuple(
        LogProb(
            token=word.text,
            logprob=math.log(max(word.probability, 1e-9)),
            bytes=list(word.text.encode()),
        )
        for word in words
    )


class WhisperEars:
    """One model in memory. Every method blocks; several threads may decode at once.

    Args:
        settings: how to load and run it.
    """

    def __init__(self, settings: WhisperSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._model: Any = None

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that it knows, once it is loaded."""
        return () if self._model is None else tuple(self._model.supported_languages)

    def load(self) -> Any:
        """Load the weights, the first time.

        Raises:
            EngineError: they are not there, or are none.
        """
        with self._lock:
            if self._model is None:
                import faster_whisper

                settings = self._settings
                try:
                    self._model = faster_whisper.WhisperModel(
                        settings.model,
                        device=settings.device,
                        compute_type=settings.compute_type,
                        cpu_threads=settings.cpu_threads,
                        num_workers=settings.workers,
                    )
                except Exception as error:
                    raise EngineError(self._unloadable(error)) from error
            return self._model

    def hear(
        self,
        pcm: bytes,
        options: TranscriptionOptions,
        context: str,
        *,
        last: bool,
        stop: threading.Event,
    ) -> Heard:
        """Decode a window.

        Args:
            pcm: the audio, PCM16 at 16 kHz.
            options: the client's wishes.
            context: what was said before the window.
            last: whether nothing follows: the careful decode, with times only where they are asked for.
            stop: ends it early, between two stretches of speech.

        Raises:
            EngineError: the model failed.
        """
        model = self.load()
        audio = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
        before = " ".join(filter(None, [options.prompt, context[-_CONTEXT_CHARS:].strip()]))
        timed = not last or options.logprobs
        words: list[HeardWord] = []
        texts: list[str] = []
        try:
            segments, info = model.transcribe(
                audio,
                language=self._language(model, audio, options),
                beam_size=self._settings.beam_size if last else 1,
                best_of=1,
                temperature=(0.0, 0.4) if last else 0.0,
                condition_on_previous_text=last,
                initial_prompt=before or None,
                hotwords=", ".join(options.keywords) or None,
                word_timestamps=timed,
                vad_filter=False,
            )
            with contextlib.closing(segments):
                for segment in segments:
                    texts.append(segment.text)
                    words += [
                        HeardWord(w.word, float(w.end), float(w.probability)) for w in segment.words or ()
                    ]
                    if stop.is_set():
                        break
        except (RuntimeError, ValueError) as error:
            raise EngineError(f"faster-whisper failed: {error}") from error
        return Heard(tuple(words), "".join(texts), info.language)

    def _language(self, model: Any, audio: np.ndarray[Any, Any], options: TranscriptionOptions) -> str | None:
        """Return the language to listen for; `None` leaves it to the model."""
        if not model.model.is_multilingual:
            return "en"
        wished = (options.language,) if options.language else options.languages
        known = [code for wish in wished if (code := wish.lower().partition("-")[0]) in self.languages]
        if len(known) < 2:
            return known[0] if known else None
        _, _, likelihoods = model.detect_language(audio)
        likely = dict(likelihoods)
        return max(known, key=lambda code: likely.get(code, 0.0))

    def _unloadable(self, error: Exception) -> str:
        model = self._settings.model
        kind = (
            "no folder of weights there" if not Path(model).is_dir() else "no weights in CTranslate2's form"
        )
        reason = " ".join(str(error).split())[:300]
        return f"the Whisper model '{model}' cannot be loaded ({kind}, or no such name to download): {reason}"
