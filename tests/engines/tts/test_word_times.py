"""Estimated word times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engines.base import SpokenWord
from vivavoce.engines.tts.word_times import USUAL_MS, Pace, WordTimes


def test_words_take_their_share_of_the_audio() -> None:
    words = WordTimes("a bbb, cc.").finish(1000)
    assert [word.end for word in words] == [1, 6, 10]
    assert words[-1].end_ms == 1000
    assert words[1].end_ms - words[0].end_ms > words[0].end_ms


def test_words_are_told_when_their_audio_is_there() -> None:
    times = WordTimes("one two three", ms_per_letter=100)
    assert times.heard(300) == ()
    assert times.heard(400) == (SpokenWord(3, 350),)
    assert times.heard(100_000) == (SpokenWord(7, 700),)  # the last one waits for the end
    assert times.finish(1500) == (SpokenWord(13, 1500),)
    assert times.finish(1500) == ()


def test_audio_that_is_shorter_than_expected_ends_the_words_in_time() -> None:
    times = WordTimes("one two three four", ms_per_letter=100)
    assert times.heard(360) == (SpokenWord(3, 350),)
    assert [word.end_ms for word in times.finish(340)] == [350, 350, 350]


def test_numbers_and_pauses_take_longer() -> None:
    plain, number = WordTimes("no").letters, WordTimes("42").letters
    assert number > plain
    assert WordTimes("no.").letters > WordTimes("no,").letters > plain


def test_a_script_without_spaces_is_timed_by_character() -> None:
    assert [word.end for word in WordTimes("你好，世界。").finish(600)] == [1, 3, 4, 6]


@pytest.mark.parametrize("text", ["", "   "])
def test_a_text_without_words_has_no_times(text: str) -> None:
    times = WordTimes(text)
    assert times.heard(100) == times.finish(100) == ()


@given(st.text(max_size=60), st.lists(st.floats(0, 2000), max_size=8), st.floats(0, 5000), st.floats(5, 400))
def test_every_word_is_told_once_in_order(text: str, steps: list[float], total: float, pace: float) -> None:
    times = WordTimes(text, pace)
    told = [word for step in sorted(steps) for word in times.heard(step)]
    told += times.finish(max([total, *steps]))
    ends = [word.end for word in told]
    assert ends == sorted(set(ends))
    assert [word.end_ms for word in told] == sorted(word.end_ms for word in told)
    assert not text.strip() or text[ends[-1] :].strip() == ""


def test_a_voice_is_measured() -> None:
    pace = Pace()
    assert pace.ms_per_letter == USUAL_MS
    for _ in range(50):
        pace.learn(10, 1000)
    assert pace.ms_per_letter == pytest.approx(100, abs=1)
    pace.learn(0, 1000)
    pace.learn(10, 0)
    pace.learn(1, 1e9)
    assert pace.ms_per_letter < 200
