"""One segment of an utterance: heard roughly while it comes in, transcribed with care as a whole."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from vivavoce.engines.stt.pocketsphinx_pool import DecoderPool, DecoderProcess, Heard, Passage
from vivavoce.engines.stt.speech_span import SpeechSpan
from vivavoce.errors import EngineError
from vivavoce.tasks import Tasks


class Segment:
    """Carries one segment to the decoders; needs a running event loop.

    The careful pass needs the whole segment and about a fifth of its length. To have its words ready when the
    person has finished, it starts on another decoder as soon as there is a pause. If more speech follows,
    what it found is forgotten. It reads the same part of the audio either way, so its head start changes no
    word.

    Args:
        pool: decoders for the head start.
        decoder: the one that belongs to this segment.
    """

    def __init__(self, pool: DecoderPool, decoder: DecoderProcess) -> None:
        self._pool = pool
        self._decoder = decoder
        self._span = SpeechSpan()
        self._tasks = Tasks()
        self._early: asyncio.Task[None] | None = None
        self._early_words: Passage | None = None
        self._early_bounds = (0, 0)

    @property
    def milliseconds(self) -> int:
        """Length of the segment so far."""
        return self._span.milliseconds

    async def hear(self, pcm: bytes) -> Heard:
        """Take more, PCM16 at 16 kHz.

        Raises:
            EngineError: the worker failed.
        """
        self._span.add(pcm)
        self._start_early()
        return await self._decoder.decode(pcm)

    async def transcribe(self) -> Passage:
        """Return the words of the segment.

        Raises:
            EngineError: the worker failed.
        """
        if self._early is not None and self._early_bounds == self._span.bounds:
            await asyncio.wait([self._early])
            if self._early_words is not None:
                return self._early_words
        speech = self._span.speech()
        return await self._decoder.transcribe(speech) if speech else Passage()

    async def aclose(self) -> None:
        """Forget an early pass that still runs; safe to call twice."""
        await self._tasks.aclose()

    def _start_early(self) -> None:
        if self._early is not None:
            if not self._early.done():
                return  # It may be about less than was said; there is no stopping a decoder halfway.
            if self._early_bounds == self._span.bounds and self._early_words is not None:
                return
        if self._span.settled:
            self._early_bounds = self._span.bounds
            self._early_words = None
            self._early = self._tasks.spawn(self._transcribe_early(self._span.speech()), "early transcript")

    async def _transcribe_early(self, speech: bytes) -> None:
        # If it fails, the segment's own decoder does the work, and tells what is wrong if that fails, too.
        with suppress(EngineError):
            async with self._pool.idle_decoder() as decoder:
                if decoder is not None:
                    self._early_words = await decoder.transcribe(speech)
