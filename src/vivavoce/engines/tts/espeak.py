"""Speech on CPU without any download: espeak-ng, from the library in the package espeakng-loader.

A robot's voice, but an instant one: a hundred languages, first audio in a millisecond, and the exact moment
of every word. espeak-ng is licensed GPL-3, which is why it is an extra and never imported unless asked for.
"""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import TYPE_CHECKING, NamedTuple

from vivavoce.engines.base import SpeechChunk, SpeechOptions, SpokenWord
from vivavoce.engines.tts.espeak_library import NORMAL_RATE, SLOWEST_RATE, espeak_library
from vivavoce.engines.tts.espeak_words import Piece, WordClock, pieces
from vivavoce.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vivavoce.engines.tts.espeak_library import EspeakLibrary, Mark, Stretcher
    from vivavoce.engines.tts.espeak_words import Spoken

SLOWEST, FASTEST = 0.25, 1.5
MAX_WAITING = 256

VOICES = {
    "alloy": "en-us+f1",
    "ash": "en-us+m1",
    "ballad": "en-gb+m7",
    "coral": "en-us+f3",
    "echo": "en-us+m3",
    "fable": "en-gb+m3",
    "nova": "en-us+f4",
    "onyx": "en-us+m7",
    "sage": "en-us+linda",
    "shimmer": "en-gb+f2",
    "verse": "en-us+m6",
    "marin": "en-us+steph",
    "cedar": "en-us+edward",
}
"""Voices of the Realtime API and the espeak voices that stand in for them."""


class _Manner(NamedTuple):
    """How one text is spoken: espeak's voice and rate, and the speed of its audio (below 1: stretched)."""

    voice: str
    rate: int
    stretch: float


class EspeakSynthesizer:
    """Turns text into speech of 22.05 kHz, one word with the pause after it per chunk.

    All instances of a process share one library, which speaks one text at a time, some hundred times faster
    than real time; a worker thread waits for it. Markup and SSML are read out as text. Text that cannot
    be pronounced gives no audio. A text that ends in punctuation ends with the pause that belongs to it
    (a comma's 140 ms, a full stop's 290 ms), so that clauses may be synthesized one by one. Speeds below
    0.46 are beneath espeak's slowest rate; there the speech is stretched, at the same pitch.

    Attributes:
        voice_names: voices of the Realtime API; espeak's own (`de`, `en-gb+f2`) are accepted as well.
        honours_speed: it speaks at the speed that it is asked for.

    Raises:
        MissingExtraError: espeakng-loader is not installed.
        EngineError: the library does not load.
    """

    voice_names = tuple(VOICES)
    honours_speed = True

    def __init__(self) -> None:
        self._library = espeak_library()
        self.sample_rate = self._library.sample_rate
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="espeak")
        self._utterances: set[threading.Event] = set()
        self._jobs = 0
        self._closed = False

    async def synthesize(self, text: str, options: SpeechOptions) -> AsyncGenerator[SpeechChunk, None]:
        """Stream the speech of a text. Closing the generator stops it at once.

        Raises:
            EngineError: unknown voice or language, a speed out of range, too many texts at a time, or the
                synthesizer is closed.
        """
        manner = self._manner(options)
        if len(self._utterances) >= MAX_WAITING:
            raise EngineError(f"{MAX_WAITING} texts are being spoken at a time; no more are accepted")
        stop = threading.Event()
        self._utterances.add(stop)
        try:
            samples = 0
            # The next piece is spoken when this one has been taken: a slow listener costs no memory.
            for piece in pieces(text):
                async with aclosing(self._speak(piece, manner, samples, stop)) as chunks:
                    async for chunk in chunks:
                        samples += len(chunk.pcm) // 2
                        yield chunk
        finally:
            stop.set()
            self._utterances.discard(stop)

    def knows_voice(self, voice: str) -> bool:
        """Return whether there is such a voice."""
        try:
            self._voice(SpeechOptions(voice=voice))
        except EngineError:
            return False
        return True

    @property
    def queue_depth(self) -> int:
        """Pieces of text that wait for the library, for the server's metrics."""
        return max(0, self._jobs - 1)

    async def aclose(self) -> None:
        """Stop all speech and end the worker thread; safe to call twice."""
        self._closed = True
        for stop in self._utterances:
            stop.set()
        shutdown = functools.partial(self._executor.shutdown, cancel_futures=True)
        await asyncio.get_running_loop().run_in_executor(None, shutdown)

    async def _speak(
        self, piece: Piece, manner: _Manner, samples: int, stop: threading.Event
    ) -> AsyncGenerator[SpeechChunk, None]:
        if self._closed:
            raise EngineError("the espeak synthesizer is closed")
        loop = asyncio.get_running_loop()
        # Bounded by the length of a piece.
        chunks: asyncio.Queue[SpeechChunk | None] = asyncio.Queue()

        def emit(chunk: SpeechChunk) -> None:
            try:
                loop.call_soon_threadsafe(chunks.put_nowait, chunk)
            except RuntimeError:
                stop.set()  # The loop was closed under a speaking synthesizer; nobody listens any more.

        voicing = _Voicing(self._library, piece, manner, samples, emit, stop)
        job = loop.run_in_executor(self._executor, voicing.run)
        self._jobs += 1
        job.add_done_callback(self._spoken)
        job.add_done_callback(lambda _: chunks.put_nowait(None))
        try:
            while (chunk := await chunks.get()) is not None:
                yield chunk
            if job.cancelled() or self._closed:
                raise EngineError("the espeak synthesizer was closed while it spoke")
            await job
        finally:
            job.cancel()

    def _spoken(self, _job: asyncio.Future[None]) -> None:
        self._jobs -= 1

    def _manner(self, options: SpeechOptions) -> _Manner:
        if not SLOWEST <= options.speed <= FASTEST:
            raise EngineError(f"speed is {options.speed}; it must be from {SLOWEST} to {FASTEST}")
        rate = round(NORMAL_RATE * options.speed)
        stretch = min(1.0, NORMAL_RATE * options.speed / SLOWEST_RATE)
        return _Manner(self._voice(options), max(rate, SLOWEST_RATE), stretch)

    def _voice(self, options: SpeechOptions) -> str:
        """Return the library's name of the wanted voice; only names it lists ever reach it."""
        base, _, variant = VOICES.get(options.voice, options.voice).partition("+")
        if base not in self._library.voices or (variant and variant not in self._library.variants):
            raise EngineError(
                f"unknown voice {options.voice!r}; use one of {', '.join(VOICES)}, "
                "or an espeak voice such as 'de' or 'en-gb+f2'"
            )
        if options.voice in VOICES and options.language and options.language != base.partition("-")[0]:
            base = options.language
            if base not in self._library.voices:
                raise EngineError(f"espeak speaks no language {base!r}; use an ISO-639-1 code such as 'en'")
        name = self._library.voices[base]
        return f"{name}+{variant}" if variant else name


class _Voicing:
    """The worker thread's side of one piece: gathers audio and marks, emits a chunk per word."""

    def __init__(
        self,
        library: EspeakLibrary,
        piece: Piece,
        manner: _Manner,
        samples: int,
        emit: Callable[[SpeechChunk], None],
        stop: threading.Event,
    ) -> None:
        self._library = library
        self._piece = piece
        self._manner = manner
        self._earlier_samples = samples
        self._emit = emit
        self._stop = stop
        self._clock = WordClock(piece.text)
        self._pending = bytearray()
        self._emitted = 0
        self._stretcher: Stretcher | None = None

    def run(self) -> None:
        """Speak the piece; returns early when stopped."""
        if self._stop.is_set():
            return
        if self._manner.stretch < 1.0:
            self._stretcher = self._library.stretcher(self._manner.stretch)
        try:
            self._library.speak(
                self._piece.text,
                self._manner.voice,
                self._manner.rate,
                self._heard,
                end_pause=self._piece.pauses,
            )
            last = self._clock.finish(self._emitted + len(self._pending) // 2)
            if last is not None and not self._stop.is_set():
                self._chunk(last, last=True)
        finally:
            if self._stretcher is not None:
                self._stretcher.close()

    def _heard(self, pcm: bytes, marks: Sequence[Mark]) -> bool:
        self._pending += pcm
        for mark in marks:
            word = self._clock.hear(mark)
            if word is not None and not self._stop.is_set():
                self._chunk(word, last=False)
        return not self._stop.is_set()

    def _chunk(self, word: Spoken, *, last: bool) -> None:
        size = (word.next_sample - self._emitted) * 2
        pcm = bytes(self._pending[:size])
        del self._pending[:size]
        self._emitted += len(pcm) // 2
        if self._stretcher is not None:
            pcm = self._stretcher.write(pcm) + (self._stretcher.flush() if last else b"")
        end_sample = self._earlier_samples + word.end_sample / self._manner.stretch
        end_ms = round(1000 * end_sample / self._library.sample_rate)
        self._emit(SpeechChunk(pcm, (SpokenWord(self._piece.start + word.end, end_ms),)))
