from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.testing.words import word_error_rate, words_of


@pytest.mark.parametrize(
    ("said", "heard", "rate"),
    [
        ("What is the weather in Paris?", "what is the weather in paris", 0.0),
        ("one two three four", "one too three four", 0.25),
        ("one two three four", "one three four", 0.25),
        ("one two", "one and two", 0.5),
        ("one two", "", 1.0),
        ("one", "three four five", 3.0),
        ("", "", 0.0),
        ("", "hello there", 2.0),
    ],
)
def test_words_replaced_left_out_and_added_count(said: str, heard: str, rate: float) -> None:
    assert word_error_rate(said, heard) == rate


def test_an_apostrophe_stays_in_its_word() -> None:
    assert words_of("It's 9 o'clock -- isn’t it?") == ["it's", "9", "o'clock", "isn’t", "it"]


WORDS = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=8)


@given(WORDS, WORDS)
def test_the_number_of_errors_is_the_same_both_ways(one: list[str], other: list[str]) -> None:
    there = word_error_rate(" ".join(one), " ".join(other)) * max(1, len(one))
    back = word_error_rate(" ".join(other), " ".join(one)) * max(1, len(other))
    assert round(there) == round(back)
    assert abs(len(one) - len(other)) <= round(there) <= max(len(one), len(other))
