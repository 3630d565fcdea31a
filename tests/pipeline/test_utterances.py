"""One utterance on its way to a transcript."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from vivavoce.engines.base import Transcript, TranscriptionOptions
from vivavoce.errors import EngineError
from vivavoce.pipeline.utterances import Utterance, transcript_of
from vivavoce.protocol import PcmFormat, PcmuFormat
from vivavoce.testing import run

SECOND = bytes(48000)


class Transcriber:
    """Tells how many bytes it was fed; fails where it is told to.

    Args:
        refuses: raised by `open`, or by `feed`, or by `finish`.
        where: which of them.
    """

    sample_rate = 16000

    def __init__(self, refuses: Exception | None = None, where: str = "") -> None:
        self.refuses = refuses
        self.where = where
        self.size = 0
        self.closed = 0

    def fail(self, where: str) -> None:
        if self.refuses is not None and where == self.where:
            raise self.refuses

    def open(self, options: TranscriptionOptions, on_partial: Callable[[str], None]) -> Transcriber:
        self.fail("open")
        return self

    def feed(self, pcm: bytes) -> None:
        self.fail("feed")
        self.size += len(pcm)

    async def finish(self) -> Transcript:
        self.fail("finish")
        if self.where == "hang":
            await asyncio.sleep(1000)
        return Transcript(f"{self.size} bytes")

    async def aclose(self) -> None:
        self.closed += 1


def begin(transcriber: Transcriber, fmt: PcmFormat | PcmuFormat | None = None) -> Utterance:
    return Utterance(transcriber, fmt or PcmFormat(), TranscriptionOptions(), lambda _text: None)


def test_all_audio_reaches_the_transcriber_at_its_rate() -> None:
    transcriber = Transcriber()
    utterance = begin(transcriber)
    utterance.feed(SECOND)
    utterance.feed(SECOND[:24000])
    assert utterance.seconds == 1.5
    assert run(utterance.finish()) == Transcript("48000 bytes")
    assert transcriber.closed == 1


def test_g711_is_measured_and_decoded() -> None:
    utterance = begin(Transcriber(), PcmuFormat())
    utterance.feed(b"\xff" * 8000)
    assert utterance.seconds == 1.0
    assert run(utterance.finish()) == Transcript("32000 bytes")


@pytest.mark.parametrize("kind", [EngineError, RuntimeError])
@pytest.mark.parametrize("where", ["open", "feed", "finish"])
def test_a_refusal_is_told_at_the_end(where: str, kind: type[Exception]) -> None:
    refusal = kind("Too many of them.")
    transcriber = Transcriber(refusal, where)
    utterance = begin(transcriber)
    utterance.feed(SECOND)
    utterance.feed(SECOND)
    with pytest.raises(kind) as raised:
        run(utterance.finish())
    assert raised.value is refusal
    assert transcriber.closed == (where != "open")
    run(utterance.aclose())


def test_a_cancelled_wait_closes_the_stream() -> None:
    async def main() -> None:
        transcriber = Transcriber(where="hang")
        utterance = begin(transcriber)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await utterance.finish()
        assert transcriber.closed == 1

    run(main())


def test_a_transcriber_of_another_package_may_return_what_it_likes_as_long_as_it_has_a_text() -> None:
    class Plain:
        text = "Hello."

    class Telling(Plain):
        language = "fr"
        logprobs = None

    known = Transcript("Hi", "en")
    assert transcript_of(known) is known
    assert transcript_of(Plain()) == Transcript("Hello.")
    assert transcript_of(Telling()) == Transcript("Hello.", "fr")
    with pytest.raises(EngineError, match="returned a str that has no text"):
        transcript_of("Hello.")


def test_a_plain_object_comes_out_as_a_transcript() -> None:
    class Foreign(Transcriber):
        async def finish(self) -> Any:
            return SimpleNamespace(text=f"{self.size} bytes")

    utterance = begin(Foreign())
    utterance.feed(SECOND)
    assert run(utterance.finish()) == Transcript("32000 bytes")
