"""The careful pass over a segment, begun early or not."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import TYPE_CHECKING

import pytest

from vivavoce.engines.stt.pocketsphinx_pool import DecoderPool, DecoderProcess, Passage
from vivavoce.engines.stt.pocketsphinx_segment import Segment
from vivavoce.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif(
        importlib.util.find_spec("pocketsphinx") is None, reason="needs pocketsphinx: vivavoce[local]"
    ),
]
BLOCK = 3200


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the decoders were asked to transcribe, in order."""
    asked: list[bytes] = []
    transcribe = DecoderProcess.transcribe

    async def count(decoder: DecoderProcess, pcm: bytes) -> Passage:
        asked.append(pcm)
        return await transcribe(decoder, pcm)

    monkeypatch.setattr(DecoderProcess, "transcribe", count)
    return asked


def run(use: Callable[[Segment], Awaitable[None]], workers: int) -> None:
    async def main() -> None:
        pool = DecoderPool(workers)
        try:
            async with pool.decoder() as decoder:
                await decoder.begin()
                segment = Segment(pool, decoder)
                try:
                    await use(segment)
                finally:
                    await segment.aclose()
                    await segment.aclose()
        finally:
            await pool.aclose()

    asyncio.run(main())


async def hear(segment: Segment, pcm: bytes) -> None:
    for start in range(0, len(pcm), BLOCK):
        await segment.hear(pcm[start : start + BLOCK])


async def passes_over(segment: Segment) -> None:
    """Go on hearing silence, which changes nothing, until no early pass is on its way."""
    while segment._early is not None and not segment._early.done():
        await segment.hear(bytes(BLOCK))


def test_the_words_are_the_same_early_or_not(spoken_pcm: Callable[..., bytes], passes: list[bytes]) -> None:
    pcm = spoken_pcm("the doctor said that you can go home on friday", "rms")
    texts: list[str] = []

    async def use(segment: Segment) -> None:
        await hear(segment, pcm)
        await passes_over(segment)
        texts.append((await segment.transcribe()).text)

    run(use, workers=1)
    run(use, workers=2)
    assert texts[0] == texts[1] == "the doctor said that you can go home on friday"
    assert len(passes) == 2
    assert passes[0] == passes[1]


def test_speech_after_a_pause_makes_the_early_words_void(
    spoken_pcm: Callable[..., bytes], passes: list[bytes]
) -> None:
    first = spoken_pcm("i want to cancel my order")
    second = spoken_pcm("what time is it now")

    async def use(segment: Segment) -> None:
        await hear(segment, first)
        await passes_over(segment)
        await hear(segment, second[:-12_000])  # no pause that would start a pass
        assert (await segment.transcribe()).text == "i want to cancel my order what time is it now"

    run(use, workers=2)
    assert len(passes[0]) < len(passes[-1])


def test_an_early_pass_that_still_runs_is_not_waited_for(
    spoken_pcm: Callable[..., bytes], passes: list[bytes]
) -> None:
    async def use(segment: Segment) -> None:
        await hear(segment, spoken_pcm("i want to cancel my order"))
        await hear(segment, spoken_pcm("what time is it now"))
        assert (await segment.transcribe()).text == "i want to cancel my order what time is it now"

    run(use, workers=2)
    assert passes


def test_an_early_pass_that_fails_is_made_up_for(
    spoken_pcm: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def use(segment: Segment) -> None:
        own = segment._decoder
        transcribe = DecoderProcess.transcribe

        async def die_unless_own(decoder: DecoderProcess, pcm: bytes) -> Passage:
            if decoder is not own:
                await decoder.aclose()
                raise EngineError("the worker is gone")
            return await transcribe(decoder, pcm)

        monkeypatch.setattr(DecoderProcess, "transcribe", die_unless_own)
        await hear(segment, spoken_pcm("i want to cancel my order"))
        assert segment._early is not None
        assert (await segment.transcribe()).text == "i want to cancel my order"

    run(use, workers=2)


def test_silence_is_not_transcribed(passes: list[bytes]) -> None:
    async def use(segment: Segment) -> None:
        await hear(segment, bytes(10 * BLOCK))
        assert segment.milliseconds == 1000
        assert (await segment.transcribe()).text == ""

    run(use, workers=2)
    assert passes == []
