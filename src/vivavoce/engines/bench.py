"""Engines that cost nothing, so that a load test measures the server and its voice activity detection.

A transcriber that answers at once, a model that always says the same short sentence, a synthesiser that gives
one second of tone. They are for `vivavoce serve --engines bench` and say so in what they say.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

import numpy as np

from vivavoce.engines.base import (
    ModelDone,
    ModelEvent,
    ModelRequest,
    ModelUsage,
    SpeechChunk,
    SpeechOptions,
    SpokenWord,
    TextDelta,
    Transcript,
    TranscriptionOptions,
)

SENTENCE = "This is a benchmark tone."
TONE_HZ = 440


class BenchTranscriber:
    """Writes down nothing of what it hears, at once, at the wire's own rate, so that nothing is converted."""

    sample_rate = 24000
    languages: tuple[str, ...] = ("en",)

    def open(self, options: TranscriptionOptions, on_partial: Callable[[str], None]) -> BenchStream:
        """Begin an utterance."""
        del options, on_partial
        return BenchStream()

    async def aclose(self) -> None:
        """Nothing is held."""


class BenchStream:
    """An utterance that is counted, not understood."""

    def __init__(self) -> None:
        self._bytes = 0

    def feed(self, pcm: bytes) -> None:
        """Count the audio."""
        self._bytes += len(pcm)

    async def finish(self) -> Transcript:
        """Tell how long it was."""
        return Transcript(f"{self._bytes / 2 / BenchTranscriber.sample_rate:.1f} seconds of audio")

    async def aclose(self) -> None:
        """Nothing is held."""


class BenchModel:
    """Says one sentence, at once."""

    async def respond(self, request: ModelRequest) -> AsyncGenerator[ModelEvent, None]:
        """Stream the sentence."""
        yield TextDelta(SENTENCE)
        yield ModelDone(usage=ModelUsage(input_tokens=len(request.items), output_tokens=6))

    async def aclose(self) -> None:
        """Nothing is held."""


class BenchSynthesizer:
    """Gives one second of tone for every clause, at once."""

    sample_rate = 24000
    voice_names = ("alloy",)

    def __init__(self) -> None:
        time = np.arange(self.sample_rate) / self.sample_rate
        self._tone = (np.sin(2 * np.pi * TONE_HZ * time) * 8000).astype("<i2").tobytes()

    def knows_voice(self, voice: str) -> bool:
        """Every voice is the same tone."""
        del voice
        return True

    async def synthesize(self, text: str, options: SpeechOptions) -> AsyncGenerator[SpeechChunk, None]:
        """Stream the tone."""
        del options
        yield SpeechChunk(self._tone, (SpokenWord(len(text), 1000),))

    async def aclose(self) -> None:
        """Nothing is held."""
