"""Engines that do exactly what a test tells them, when it tells them. They understand nothing.

Their times are waits on the event loop, so a virtual clock makes them exact and free.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vivavoce.engines.base import (
    Engines,
    FunctionCallDelta,
    ModelDone,
    ModelEvent,
    ModelRequest,
    SpeechChunk,
    SpeechOptions,
    SpokenWord,
    TextDelta,
    Transcript,
    TranscriptionOptions,
)
from vivavoce.errors import EngineError


class LoudnessVad:
    """Takes every chunk with a sample above `level` for speech, so that a test can draw speech as a tone."""

    sample_rate = 16000
    chunk_samples = 512

    def __init__(self, level: int = 1000) -> None:
        self._level = level
        self._next = 0
        self.open_slots: set[int] = set()

    def open(self) -> int:
        """Reserve a slot."""
        self._next += 1
        self.open_slots.add(self._next)
        return self._next

    def close(self, slot: int) -> None:
        """Give it back."""
        self.open_slots.remove(slot)

    def reset(self, slot: int) -> None:
        """There is no state."""

    def probabilities(self, slots: Sequence[int], chunks: NDArray[np.int16]) -> NDArray[np.float32]:
        """Return 1 for loud chunks and 0 for the others."""
        del slots
        loudest: NDArray[np.int32] = np.abs(chunks.astype(np.int32)).max(axis=1)
        return np.asarray(loudest > self._level, dtype=np.float32)


class ScriptedTranscriber:
    """Hands out transcripts in order, `delay` seconds after each utterance ended.

    Args:
        transcripts: what it hears; an `EngineError` among them is raised; when they run out: nothing.
        delay: seconds.
    """

    sample_rate = 16000
    languages: tuple[str, ...] = ("en",)

    def __init__(self, transcripts: Iterable[str | EngineError] = (), delay: float = 0.0) -> None:
        self._transcripts = iter(transcripts)
        self._delay = delay

    def open(self, options: TranscriptionOptions, on_partial: Callable[[str], None]) -> _ScriptedStream:
        """Begin an utterance."""
        del options
        return _ScriptedStream(self._transcripts, self._delay, on_partial)

    async def aclose(self) -> None:
        """Nothing is held."""


class _ScriptedStream:
    def __init__(
        self, transcripts: Iterable[str | EngineError], delay: float, on_partial: Callable[[str], None]
    ) -> None:
        self._transcripts = iter(transcripts)
        self._delay = delay
        self._on_partial = on_partial

    def feed(self, pcm: bytes) -> None:
        """What is said is in the script."""

    async def finish(self) -> Transcript:
        await asyncio.sleep(self._delay)
        heard = next(self._transcripts, "")
        if isinstance(heard, EngineError):
            raise heard
        words = heard.split()
        for count in range(1, len(words) + 1):
            self._on_partial(" ".join(words[:count]))
        return Transcript(heard)

    async def aclose(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True, slots=True)
class Pause:
    """A wait in a scripted answer.

    Attributes:
        seconds: how long.
    """

    seconds: float


Step = str | Pause | FunctionCallDelta | ModelDone | EngineError


class ScriptedModel:
    """Answers from a script: one list of steps for each response, in order.

    Args:
        answers: texts become text deltas, pauses are waited, errors raised, the rest is passed on. When the
            script runs out it fails, so that a test notices.
    """

    def __init__(self, answers: Iterable[Sequence[Step]] = ()) -> None:
        self._answers = iter(answers)
        self.requests: list[ModelRequest] = []

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream the next answer of the script."""
        self.requests.append(request)
        steps = next(self._answers, None)
        if steps is None:
            raise EngineError("The script has no further answer.")
        done = False
        for step in steps:
            match step:
                case str():
                    yield TextDelta(step)
                case Pause(seconds):
                    await asyncio.sleep(seconds)
                case EngineError():
                    raise step
                case _:
                    done = isinstance(step, ModelDone)
                    yield step
        if not done:
            yield ModelDone()

    async def aclose(self) -> None:
        """Nothing is held."""


class ScriptedSynthesizer:
    """Speaks every word as a tone of `word_ms`.

    Args:
        word_ms: length of a word.
        delay: seconds before the first audio of a clause.
        fails_on: raises `EngineError` for a clause that holds this text.
    """

    sample_rate = 24000
    voice_names = ("alloy", "echo")

    def __init__(self, word_ms: int = 200, delay: float = 0.0, fails_on: str | None = None) -> None:
        self._word_ms = word_ms
        self._delay = delay
        self._fails_on = fails_on
        self.spoken: list[tuple[str, SpeechOptions]] = []

    def knows_voice(self, voice: str) -> bool:
        """Return whether the voice is one of `voice_names`."""
        return voice in self.voice_names

    async def synthesize(self, text: str, options: SpeechOptions) -> AsyncGenerator[SpeechChunk, None]:
        """Stream a tone for every word."""
        self.spoken.append((text, options))
        await asyncio.sleep(self._delay)
        if self._fails_on is not None and self._fails_on in text:
            raise EngineError(f"The script forbids to say '{self._fails_on}'.")
        samples = np.arange(self.sample_rate * self._word_ms // 1000) / self.sample_rate
        tone = (np.sin(2 * np.pi * 300 * samples) * 6000).astype("<i2").tobytes()
        end = ms = 0
        for word in text.split():
            end = text.index(word, end) + len(word)
            ms += self._word_ms
            yield SpeechChunk(tone, (SpokenWord(end, ms),))

    async def aclose(self) -> None:
        """Nothing is held."""


def scripted_engines(
    *,
    hears: Iterable[str | EngineError] = (),
    answers: Iterable[Sequence[Step]] = (),
    hearing_delay: float = 0.0,
    word_ms: int = 200,
    speaking_delay: float = 0.0,
) -> Engines:
    """Return a whole set of scripted engines.

    Args:
        hears: the transcripts of the utterances, in order.
        answers: the model's answers, in order.
        hearing_delay: seconds from the end of an utterance to its transcript.
        word_ms: length of a spoken word.
        speaking_delay: seconds before the first audio of a clause.
    """
    return Engines(
        vad=LoudnessVad(),
        transcriber=ScriptedTranscriber(hears, hearing_delay),
        llm=ScriptedModel(answers),
        synthesizer=ScriptedSynthesizer(word_ms, speaking_delay),
    )
