"""Transcription of what the person says, while they say it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager

from vivavoce.engines.base import Transcriber, TranscriptionOptions, TranscriptionStream
from vivavoce.pipeline.formats import Decoder
from vivavoce.protocol import AudioFormat


class Utterance:
    """One utterance on its way to a transcript.

    What the transcriber refuses, now or later, is kept until `finish`: the person is still speaking, and
    whoever waits for the transcript waits for the end of it.

    Args:
        transcriber: who writes it down.
        fmt: format of its audio.
        options: the session's wishes.
        on_partial: called with the whole text so far.
    """

    def __init__(
        self,
        transcriber: Transcriber,
        fmt: AudioFormat,
        options: TranscriptionOptions,
        on_partial: Callable[[str], None],
    ) -> None:
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

    def feed(self, audio: bytes) -> None:
        """Take audio of the wire."""
        self._size += len(audio)
        self._pass_on(self._decoder.process(audio))

    async def finish(self) -> str:
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
            return (await self._stream.finish()).text

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
