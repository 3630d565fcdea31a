"""Open English dictation on CPU, without any download: pocketsphinx with the model in its wheel.

A stand-in, honest about it: English only, fit for clear speech close to the microphone; words outside its
dictionary come out as something else. A better transcriber is one setting away.
"""

from __future__ import annotations

import asyncio
import importlib.util
import math
from collections.abc import Callable, Sequence
from contextlib import aclosing

from vivavoce.cpus import usable_cpus
from vivavoce.engines.base import Transcript, TranscriptionOptions
from vivavoce.engines.stt.pocketsphinx_pool import DecoderPool, DecoderProcess, Passage
from vivavoce.engines.stt.pocketsphinx_segment import Segment
from vivavoce.engines.stt.speech_span import BYTES_PER_MS
from vivavoce.errors import EngineError, MissingExtraError
from vivavoce.protocol import LogProb

BLOCK_MS = 100
QUEUE_MS = 120_000
"""Audio of one utterance that may wait for a decoder."""
PAUSE_MS = 600
"""Silence at which a long utterance is cut; longer than a word takes to settle, so none is missed."""
LONG_MS = 10_000
LONGEST_MS = 30_000
"""A segment ends at the first pause after `LONG_MS`, at the latest here. It keeps the time from the end of
the speech to the transcript short, and lets those who wait for a decoder have their turn."""


class PocketsphinxTranscriber:
    """Turns English speech into lowercase words, in worker processes (about 100 MB and one decoder each).

    A decoder needs a fifth of a core, but belongs to one utterance for as long as the person talks; hence two
    workers per core by default. They start when needed and stay. The transcript comes from a second, careful
    pass over the whole of what was said: another fifth of its length. A worker that is idle begins it at
    every pause, so that little of it is left to wait for at the end.

    An instance belongs to the event loop it is first used on. It tells how sure it is of each word
    (`logprobs`). None of the other wishes is honoured: there is one model, it is English, and its dictionary
    cannot be biased without making every sound a wanted phrase.

    Args:
        workers: how many utterances are transcribed at the same time; `None`: two per core.
        max_waiting: how many more may wait for a worker before `open` refuses.

    Raises:
        MissingExtraError: pocketsphinx is not installed.
        EngineError: `workers` is below 1 or `max_waiting` below 0.
    """

    sample_rate = 16_000
    honours = frozenset({"logprobs"})
    revises = True
    languages = ("en",)

    def __init__(self, *, workers: int | None = None, max_waiting: int = 32) -> None:
        if importlib.util.find_spec("pocketsphinx") is None:
            raise MissingExtraError("local", "the pocketsphinx transcriber")
        self.workers = 2 * usable_cpus() if workers is None else workers
        if self.workers < 1:
            raise EngineError(f"workers is {self.workers}; it must be at least 1")
        if max_waiting < 0:
            raise EngineError(f"max_waiting is {max_waiting}; it must be at least 0")
        self._max_waiting = max_waiting
        self._pool = DecoderPool(self.workers)
        self._utterances: set[_Utterance] = set()
        self._closed = False

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """Process ids of the workers that run now."""
        return self._pool.pids

    @property
    def queue_depth(self) -> int:
        """Segments that wait for a decoder, for the server's metrics."""
        return self._pool.waiting

    async def prewarm(self) -> None:
        """Load the two decoders that one utterance keeps busy, so that the first has no wait (half a second).

        Raises:
            EngineError: it cannot be loaded, or the transcriber is closed.
        """
        self._refuse_if_closed()
        async with self._pool.decoder() as first, self._pool.idle_decoder() as second:
            await asyncio.gather(*(decoder.loaded() for decoder in (first, second) if decoder))

    def open(self, options: TranscriptionOptions, on_partial: Callable[[str], None]) -> _Utterance:  # noqa: ARG002 - see the class
        """Begin an utterance; needs a running event loop.

        Args:
            options: without effect, see the class; `logprobs` are always told.
            on_partial: called with the text so far. Each text extends the one before; the final transcript
                comes from a second pass and may differ.

        Raises:
            EngineError: too many utterances are open, or the transcriber is closed.
        """
        self._refuse_if_closed()
        if len(self._utterances) >= self.workers + self._max_waiting:
            raise EngineError(
                f"{len(self._utterances)} utterances are being transcribed or waiting; "
                f"the limit is {self.workers} workers + {self._max_waiting} waiting"
            )
        utterance = _Utterance(self._pool, on_partial, self._utterances.discard)
        self._utterances.add(utterance)
        return utterance

    async def aclose(self) -> None:
        """Drop every utterance and end every worker; safe to call twice."""
        self._closed = True
        await asyncio.gather(*(utterance.aclose() for utterance in tuple(self._utterances)))
        await self._pool.aclose()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise EngineError("the pocketsphinx transcriber is closed")


class _Utterance:
    """One utterance: a queue of audio, and the task that carries it to a decoder block by block."""

    def __init__(
        self, pool: DecoderPool, on_partial: Callable[[str], None], on_end: Callable[[_Utterance], None]
    ) -> None:
        self._pool = pool
        self._on_partial = on_partial
        self._audio = bytearray()
        self._arrived = asyncio.Event()
        self._over = False
        self._settled = ""
        self.draft = ""
        """The best guess at everything said so far; unlike what `on_partial` is told, it may change."""
        self._task = asyncio.get_running_loop().create_task(self._transcribe())
        self._task.add_done_callback(lambda task: self._ended(task, on_end))

    def feed(self, pcm: bytes) -> None:
        """Take audio: PCM16, 16 kHz, mono; any whole number of samples.

        Raises:
            EngineError: the queue is full, the audio ends within a sample, or the utterance is over.
        """
        if self._over:
            raise EngineError("this utterance is over; open another one for more audio")
        if len(pcm) % 2:
            raise EngineError(f"{len(pcm)} bytes are not a whole number of 16-bit samples")
        waiting_ms = (len(self._audio) + len(pcm)) // BYTES_PER_MS
        if waiting_ms > QUEUE_MS:
            raise EngineError(
                f"{waiting_ms} ms of audio would wait for a pocketsphinx worker; the limit is {QUEUE_MS} ms"
            )
        if not self._task.done():
            self._audio += pcm
            self._arrived.set()

    async def finish(self) -> Transcript:
        """Wait for the transcript; the careful pass is over or on its way if the person has paused before.

        Raises:
            EngineError: the worker failed, or the utterance was dropped.
        """
        self._over = True
        self._arrived.set()
        await asyncio.wait([self._task])
        if self._task.cancelled():
            raise EngineError("the utterance was dropped before its transcript was ready")
        return self._task.result()

    async def aclose(self) -> None:
        """Drop the utterance; its decoders are free once they are through with what they have."""
        self._over = True
        self._task.cancel()
        await asyncio.wait([self._task])

    def _ended(self, task: asyncio.Task[Transcript], on_end: Callable[[_Utterance], None]) -> None:
        on_end(self)
        self._audio.clear()
        if not task.cancelled():
            task.exception()  # Whoever calls `finish` gets it; if nobody does, asyncio need not complain.

    async def _transcribe(self) -> Transcript:
        passages: list[Passage] = []
        while await self._next_block_ready():
            async with self._pool.decoder() as decoder:
                passages.append(await self._transcribe_segment(decoder))
        text = " ".join(passage.text for passage in passages if passage.text)
        confidences = [sure for passage in passages for sure in passage.confidences]
        return Transcript(text, language="en", logprobs=_logprobs(text, confidences))

    async def _transcribe_segment(self, decoder: DecoderProcess) -> Passage:
        await decoder.begin()
        async with aclosing(Segment(self._pool, decoder)) as segment:
            while await self._next_block_ready():
                # Blocks of one size make the words independent of how the audio was cut on its way here.
                block = bytes(self._audio[: BLOCK_MS * BYTES_PER_MS])
                del self._audio[: BLOCK_MS * BYTES_PER_MS]
                heard = await segment.hear(block)
                if heard.words:
                    self._settled = f"{self._settled} {heard.words}".lstrip()
                self.draft = f"{self._settled} {heard.guess}".strip()
                if heard.words:
                    self._on_partial(self._settled)
                if segment.milliseconds >= (LONG_MS if heard.pause_ms >= PAUSE_MS else LONGEST_MS):
                    break
            return await segment.transcribe()

    async def _next_block_ready(self) -> bool:
        """Wait for a whole block, or for the last one; return whether there is any audio."""
        while len(self._audio) < BLOCK_MS * BYTES_PER_MS and not self._over:
            self._arrived.clear()
            await self._arrived.wait()
        return bool(self._audio)


def _logprobs(text: str, confidences: Sequence[float]) -> tuple[LogProb, ...]:
    """Return the words as tokens, each but the first with the space before it."""
    words = text.split()
    tokens = [word if index == 0 else f" {word}" for index, word in enumerate(words)]
    return tuple(
        LogProb(token=token, logprob=round(math.log(sure), 4), bytes=list(token.encode()))
        for token, sure in zip(tokens, confidences, strict=True)
    )
