"""The pace of a session, with synthesisers that know of paces and with others."""

from __future__ import annotations

from vivavoce.engines.base import SpeechOptions
from vivavoce.engines.scripted import ScriptedSynthesizer
from vivavoce.engines.tts.espeak import EspeakSynthesizer
from vivavoce.pipeline.tempo import paced
from vivavoce.testing import run

SECOND = 48_000


class Willing(ScriptedSynthesizer):
    honours_speed = True


def spoken(synthesizer: ScriptedSynthesizer, speed: float) -> tuple[int, list[tuple[int, int]], float]:
    """Return the bytes of two words, when each ends, and the pace that the synthesiser was asked for."""

    async def listen() -> tuple[int, list[tuple[int, int]]]:
        chunks = [chunk async for chunk in paced(synthesizer, "Hello there", SpeechOptions(speed=speed))]
        words = [(word.end, word.end_ms) for chunk in chunks for word in chunk.words]
        return sum(len(chunk.pcm) for chunk in chunks), words

    size, words = run(listen())
    return size, words, synthesizer.spoken[0][1].speed


def test_a_synthesiser_without_a_pace_is_stretched_and_its_words_with_it() -> None:
    size, words, asked = spoken(ScriptedSynthesizer(word_ms=500), 0.5)
    assert asked == 1.0
    assert size == 2 * SECOND
    assert words == [(5, 1000), (11, 2000)]


def test_a_synthesiser_that_keeps_the_pace_is_left_alone() -> None:
    size, words, asked = spoken(Willing(word_ms=500), 0.5)
    assert asked == 0.5
    assert size == SECOND
    assert words == [(5, 500), (11, 1000)]


def test_nothing_is_stretched_at_the_voices_own_pace() -> None:
    size, words, asked = spoken(ScriptedSynthesizer(word_ms=500), 1.0)
    assert (size, words, asked) == (SECOND, [(5, 500), (11, 1000)], 1.0)


def test_the_built_in_voice_keeps_the_pace_itself() -> None:
    assert EspeakSynthesizer.honours_speed
