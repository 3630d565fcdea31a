"""Transcription of what the person says, while they say it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager

from vivavoce.engines.base import Transcriber, Transcript, TranscriptionOptions, TranscriptionStream
from vivavoce.errors import EngineError
from vivavoce.pipeline.formats import Decoder
from vivavoce.protocol import AudioFormat


def transcript_of(heard: object) -> Transcript:
    """Return what a transcriber heard, also where another package's one returns an object of its own.

    Args:
        heard: has a `text`; `language` and `logprobs` may be missing.

    Raises:
        EngineError: it has no `text`.
    """
    if isinstance(heard, Transcript):
        return heard
    text = getattr(heard, "text", None)
    if not isinstance(text, str):
        raise EngineError(f"The transcriber returned a {type(heard).__name__} that has no text.")
    return Transcript(text, getattr(heard, "language", None), tuple(getattr(heard, "logprobs", None) or ()))


class Utterance:
    """One utterance on its way to a transcript.

    What the transcriber refuses, now or later, is kept until `finish`: the person is still speaking, and
    whoever waits for the transcript waits for the end of it.

    Args:
        transcriber: who writes it down.
        fmt: format of its audio.
        options: the session's wishes.
        on_partial: called with the whole text so far.
        keep_s: how much of the newest audio `newest` may be asked for, in seconds.

    Attributes:
        partial: the last text that the transcriber was sure enough of to tell.
        options: the session's wishes.
    """

    def __init__(
        self,
        transcriber: Transcriber,
        fmt: AudioFormat,
        options: TranscriptionOptions,
        on_partial: Callable[[str], None],
        *,
        keep_s: float = 0.0,
    ) -> None:
        self.partial = ""
        self.options = options
        self._fmt = fmt
        self._keep = fmt.bytes_of(keep_s * 1000)
        self._newest = bytearray()
        self._decoder = Decoder(fmt, transcriber.sample_rate)
        self._bytes_per_s = fmt.sample_rate * fmt.bytes_per_sample
        self._size = 0
        self._failed: Exception | None = None
        self._stream: TranscriptionStream | None = None
        with self._failure_kept():
            self._stream = transcriber.open(options, on_partial)

    @property
    def seconds(self) -> float:
        """Length of its audio."""
        return self._size / self._bytes_per_s

    @property
    def draft(self) -> str:
        """The words so far: what the transcriber guesses where it says so, else what it is sure of."""
        return str(getattr(self._stream, "draft", "") or self.partial)

    def newest(self, rate: int, seconds: float) -> bytes:
        """Return the newest audio, at most so many seconds of it, as PCM16 at another rate."""
        size = min(self._fmt.bytes_of(seconds * 1000), len(self._newest))
        decoder = Decoder(self._fmt, rate)
        return decoder.process(bytes(self._newest[len(self._newest) - size :])) + decoder.flush()

    def feed(self, audio: bytes) -> None:
        """Take audio of the wire."""
        self._size += len(audio)
        if self._keep:
            self._newest += audio
            del self._newest[: -self._keep]
        self._pass_on(self._decoder.process(audio))

    async def finish(self) -> Transcript:
        """Wait for the transcript.

        Raises:
            EngineError: the engine failed, now or before.
        """
        self._pass_on(self._decoder.flush())
        if self._stream is None:
            assert self._failed is not None
            raise self._failed
        async with aclosing(self._stream):
            if self._failed is not None:
                raise self._failed
            return transcript_of(await self._stream.finish())

    async def aclose(self) -> None:
        """Drop it; safe to call twice and after `finish`."""
        if self._stream is not None:
            await self._stream.aclose()

    def _pass_on(self, pcm: bytes) -> None:
        if pcm and self._failed is None and self._stream is not None:
            with self._failure_kept():
                self._stream.feed(pcm)

    @contextmanager
    def _failure_kept(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # noqa: BLE001  # raised by `finish`
            self._failed = error
