"""Speech to text with Whisper, by the package faster-whisper (CTranslate2), on CPU or CUDA."""

from __future__ import annotations

import asyncio
import importlib.util
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from vivavoce.cpus import usable_cpus
from vivavoce.engines.base import EngineCost, Transcript, TranscriptionOptions
from vivavoce.engines.stt.growing_window import GrowingWindow
from vivavoce.engines.stt.whisper_model import SAMPLE_RATE, Heard, WhisperEars, WhisperSettings, logprobs_of
from vivavoce.engines.workers import Workers
from vivavoce.errors import ConfigurationError, EngineError, MissingExtraError
from vivavoce.tasks import Tasks

LONGEST_S = 600
"""Seconds of audio that may wait in one utterance."""

MAX_OPEN = 1024
"""Utterances at once."""

STEPS_S = {"minimal": 0.4, "low": 0.7, "medium": 1.0, "high": 1.5, "xhigh": 2.5}
"""New audio between two decodes, by the wish `delay`: the more, the surer the words that are settled."""

_WISHES = frozenset({"prompt", "keywords", "delay", "logprobs"})


class FasterWhisperTranscriber:
    """A `Transcriber` that hears the open utterance again and again and tells the words that stay.

    While somebody speaks, an idle worker decodes what was said so far; what two decodes agree on is told (see
    `growing_window`). The transcript comes from a last, careful decode and may differ. Those last decodes go
    first: under load there are fewer partial texts, not later answers.

    Args:
        model: folder of weights in CTranslate2's form, or a name (`small`, `large-v3-turbo` …) that is
            downloaded from the Hugging Face hub when it is not there yet.
        language: ISO-639-1 code of what is spoken where the client names none; `None` finds out.
        device: `cuda` is a graphics card; `auto` takes one if there is one.
        compute_type: `int8`, `float16` …; `default` is that of the weights.
        beam_size: candidates of the last decode.
        workers: decodes at the same time; `None`: one for two cores, and one for a graphics card.
        cpu_threads: threads of one decode; 0 leaves it to CTranslate2.

    Attributes:
        cost: a talking session needs a core, or a little of one beside a graphics card.

    Raises:
        MissingExtraError: faster-whisper is not installed.
        ConfigurationError: a number is out of range.
    """

    sample_rate = SAMPLE_RATE

    def __init__(
        self,
        model: str = "small",
        *,
        language: str | None = None,
        device: Literal["auto", "cpu", "cuda"] = "auto",
        compute_type: str = "default",
        beam_size: int = 5,
        workers: int | None = None,
        cpu_threads: int = 0,
    ) -> None:
        if importlib.util.find_spec("faster_whisper") is None:
            raise MissingExtraError("whisper", "the faster-whisper transcriber")
        if beam_size < 1 or cpu_threads < 0:
            raise ConfigurationError(
                f"beam_size is {beam_size} and cpu_threads {cpu_threads}; at least 1 and 0 are needed"
            )
        if device == "auto":
            device = "cuda" if _has_cuda() else "cpu"
        if workers is None:
            workers = max(1, usable_cpus() // 2) if device == "cpu" else 1
        self.cost = EngineCost(1.0 if device == "cpu" else 0.1)
        self._language = language
        self._workers = Workers("faster-whisper", workers)
        self._ears = WhisperEars(
            WhisperSettings(model, device, compute_type, beam_size, workers, cpu_threads)
        )
        self._tasks = Tasks()
        self._utterances: set[_Utterance] = set()

    @property
    def honours(self) -> frozenset[str]:
        """The wishes that are followed. Once the weights are loaded, languages are checked by `languages`."""
        return _WISHES if self._ears.languages else _WISHES | {"language", "languages"}

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that the model knows; empty before it is loaded."""
        return self._ears.languages

    async def prewarm(self) -> None:
        """Load the weights.

        Raises:
            EngineError: they cannot be loaded.
        """
        await self._workers.run(self._ears.load)

    def open(self, options: TranscriptionOptions, on_partial: Callable[[str], None]) -> _Utterance:
        """Begin an utterance; needs a running event loop.

        Args:
            options: language and other wishes.
            on_partial: called with the settled text so far. Each text extends the one before; the final
                transcript comes from a last decode and may differ.

        Raises:
            EngineError: too many utterances are open, or the transcriber is closed.
        """
        if self._workers.closed:
            raise EngineError("the faster-whisper transcriber is closed")
        if len(self._utterances) >= MAX_OPEN:
            raise EngineError(f"{MAX_OPEN} utterances are open; no more are accepted")
        if not options.language and not options.languages and self._language:
            options = replace(options, language=self._language)
        utterance = _Utterance(self._ears, self._workers, options, on_partial, self._utterances.discard)
        self._utterances.add(utterance)
        self._tasks.spawn(utterance.follow(), "faster-whisper")
        return utterance

    @property
    def queue_depth(self) -> int:
        """Work that waits for a thread, for the server's metrics."""
        return self._workers.waiting

    async def aclose(self) -> None:
        """Drop every utterance and the threads; safe to call twice."""
        for utterance in tuple(self._utterances):
            await utterance.aclose()
        self._workers.close()
        await self._tasks.aclose()


def _has_cuda() -> bool:
    import ctranslate2

    return bool(ctranslate2.get_cuda_device_count())


class _Utterance:
    """One utterance: its window, and the decodes of it, one after the other."""

    def __init__(
        self,
        ears: WhisperEars,
        workers: Workers,
        options: TranscriptionOptions,
        on_partial: Callable[[str], None],
        on_end: Callable[[_Utterance], None],
    ) -> None:
        self._ears = ears
        self._workers = workers
        self._options = options
        self._on_partial = on_partial
        self._on_end = on_end
        self._window = GrowingWindow(SAMPLE_RATE, STEPS_S.get(options.delay or "", STEPS_S["medium"]))
        self._news = asyncio.Event()
        self._quiet = asyncio.Event()  # no partial decode is under way
        self._quiet.set()
        self._stop = threading.Event()
        self._over = asyncio.Event()

    def feed(self, pcm: bytes) -> None:
        """Take audio: PCM16, 16 kHz, mono.

        Raises:
            EngineError: too much of it waits, or the utterance is over.
        """
        if self._over.is_set():
            raise EngineError("this utterance is over; open another one for more audio")
        if self._window.seconds >= LONGEST_S:
            raise EngineError(f"{LONGEST_S} s of audio are waiting to be transcribed; no more are accepted")
        self._window.feed(pcm)
        self._news.set()

    async def follow(self) -> None:
        """Decode what was said so far, whenever there is news and a worker is idle."""
        while not self._over.is_set():
            await self._news.wait()
            self._news.clear()
            if self._over.is_set() or not self._window.ready or not self._workers.idle:
                continue
            self._quiet.clear()
            try:
                heard = await self._decode(last=False)
            except EngineError:
                return  # the last decode will fail in the same way, and somebody waits for that one
            finally:
                self._quiet.set()
            if not self._over.is_set() and self._window.hear(heard.words):
                self._on_partial(self._window.settled.strip())

    async def finish(self) -> Transcript:
        """Decode what is left and return the whole transcript.

        Raises:
            EngineError: the model failed, or the utterance was dropped.
        """
        self._over.set()
        self._news.set()
        try:
            # A decode that has begun would only be in the way if this one ran beside it.
            await self._quiet.wait()
            if not self._window.seconds:
                return Transcript(self._window.text(""))
            heard = await self._decode(last=True)
            if self._stop.is_set():
                raise EngineError("the utterance was dropped before its transcript was ready")
            return Transcript(
                self._window.text(heard.text),
                heard.language,
                logprobs_of((*self._window.past, *heard.words)) if self._options.logprobs else (),
            )
        finally:
            self._on_end(self)

    async def aclose(self) -> None:
        """Drop the utterance; a decode that has begun ends unheard. Safe to call twice and after `finish`."""
        self._over.set()
        self._stop.set()
        self._news.set()
        self._on_end(self)

    async def _decode(self, *, last: bool) -> Heard:
        window = self._window

        def work() -> Heard:
            return self._ears.hear(audio, self._options, past, last=last, stop=self._stop)

        audio, past = window.take(), window.past_text
        return await self._workers.run(work)
