"""Speech piece by piece."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engines.base import SpeechChunk
from vivavoce.engines.tts.piecewise import LONGEST_PIECE, Spoken, cut, speak_pieces
from vivavoce.engines.tts.word_times import Pace
from vivavoce.engines.workers import Workers
from vivavoce.errors import EngineError

SECOND = np.full(1000, 0.5, np.float32)


def test_texts_are_cut_after_sentences() -> None:
    text = "Dr. Smith is here. Shall I let him in? \n… Yes"
    assert list(cut(text)) == [(0, "Dr. Smith is here. "), (19, "Shall I let him in? \n"), (40, "… Yes")]


def test_a_sentence_without_end_is_cut_at_a_space() -> None:
    pieces = list(cut("word " * 100))
    assert [len(piece) for _, piece in pieces] == [LONGEST_PIECE, 200]
    assert [len(piece) for _, piece in cut("x" * 400)] == [LONGEST_PIECE, 100]


@given(st.text(max_size=700))
def test_no_letter_is_lost(text: str) -> None:
    pieces = list(cut(text))
    letters = "".join(character for character in text if character.isalnum())
    assert "".join(c for _, piece in pieces for c in piece if c.isalnum()) == letters
    assert all(text[start : start + len(piece)] == piece for start, piece in pieces)
    assert all(len(piece) <= LONGEST_PIECE for _, piece in pieces)


def speak(text: str, *spoken: Spoken) -> list[SpeechChunk]:
    """Speak a text whose pieces sound like this, at 1000 samples a second."""

    async def main() -> list[SpeechChunk]:
        workers, sounds = Workers("x", 1), iter(spoken)
        try:
            speech = speak_pieces(workers, lambda _: next(sounds), text, 1000, Pace())
            return [chunk async for chunk in speech]
        finally:
            workers.close()

    return asyncio.run(main())


def test_words_are_placed_in_the_whole_text() -> None:
    chunks = speak("Hello there you. And good bye.", Spoken(SECOND, (100, 200, 900)), Spoken(SECOND))
    assert [(word.end, word.end_ms) for word in chunks[0].words] == [(5, 100), (11, 200), (16, 900)]
    ends = [word.end_ms for word in chunks[1].words]
    assert [word.end for word in chunks[1].words] == [20, 25, 30]
    assert 1000 < ends[0] < ends[1] < ends[2] == 2000
    assert len(chunks[0].pcm) == 2000


def test_times_of_other_words_than_are_written_are_left_out() -> None:
    (chunk,) = speak("It is 42 now, I think.", Spoken(SECOND, (100,) * 7))
    ends = [word.end_ms for word in chunk.words]
    assert ends[-1] == 1000
    assert len(set(ends)) == 6


def test_samples_become_pcm_within_bounds() -> None:
    (chunk,) = speak("A long word.", Spoken(np.array([0.0, 1.0, 2.0, -2.0, np.nan], np.float32)))
    assert np.frombuffer(chunk.pcm, "<i2").tolist() == [0, 32767, 32767, -32767, 0]


def test_what_fails_in_the_thread_fails_the_speech() -> None:
    def fail(text: str) -> Spoken:
        raise EngineError(text)

    async def main() -> None:
        workers = Workers("x", 1)
        with pytest.raises(EngineError, match="Hello"):
            await anext(speak_pieces(workers, fail, "Hello", 1000, Pace()))
        workers.close()

    asyncio.run(main())
