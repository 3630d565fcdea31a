"""Which words fit into how much audio."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation.heard import SpokenText, spread

WORDS = st.lists(st.tuples(st.text("ab ", min_size=1, max_size=5), st.integers(0, 900)), max_size=8)


def spoken(words: list[tuple[str, int]]) -> SpokenText:
    text = SpokenText()
    for word, end_ms in words:
        text.add_word(word, end_ms)
    return text


def test_a_word_counts_once_it_was_spoken_to_its_end() -> None:
    text = spoken([("One ", 100), ("two ", 250), ("three.", 400)])
    assert [text.until(ms) for ms in (0, 99, 100, 399, 400, 9000)] == [
        "",
        "",
        "One",
        "One two",
        "One two three.",
        "One two three.",
    ]


def test_a_word_begins_where_the_one_before_it_ends() -> None:
    text = spoken([("One ", 100), ("two ", 250), ("three.", 400)])
    assert [text.begun_by(ms) for ms in (0, 1, 100, 101, 250, 251, 9000)] == [0, 1, 1, 2, 2, 3, 3]
    assert [text.length_of(count) for count in range(4)] == [0, 4, 8, 14]


def test_times_that_run_backwards_are_held_at_the_latest() -> None:
    text = spoken([("One ", 200), ("two", 100)])
    assert text.until(150) == ""
    assert text.until(200) == "One two"


def test_no_space_stays_after_what_was_heard() -> None:
    text = spoken([(" ", 100), ("One. \n", 200), ("  ", 300), ("two", 400)])
    assert [text.until(ms) for ms in (100, 200, 300, 400)] == ["", " One.", " One.", " One. \n  two"]


@given(WORDS, st.integers(0, 1000), st.integers(0, 1000))
def test_more_time_never_takes_words_away(words: list[tuple[str, int]], a: int, b: int) -> None:
    text = spoken(words)
    sooner, later = sorted((a, b))
    assert text.text.startswith(text.until(later))
    assert text.until(later).startswith(text.until(sooner))
    assert not text.until(later)[-1:].isspace()
    if later:
        assert len(text.until(later)) <= text.length_of(text.begun_by(later))


def test_words_are_spread_by_their_length() -> None:
    assert spread("One three", 900) == [("One ", 400), ("three", 900)]


def test_nothing_to_say_takes_no_words() -> None:
    assert spread("", 500) == []


@given(st.text("ab .", max_size=30), st.integers(0, 5000))
def test_spread_words_join_to_the_text_and_end_with_the_audio(text: str, duration: int) -> None:
    words = spread(text, duration)
    assert "".join(word for word, _ in words) == text
    ends = [end for _, end in words]
    assert ends == sorted(ends)
    assert not ends or ends[-1] == duration


@pytest.mark.parametrize(
    ("ms", "told", "left"),
    [
        (0, 0, ""),
        (299, 0, ""),
        (300, 0, "One "),
        (650, 0, "One two "),
        (0, 1, "One "),
        (0, 4, "One "),
        (300, 5, "One two "),
        (9000, 0, "One two three"),
        (0, 13, "One two three"),
    ],
)
def test_what_was_not_said_after_all_is_forgotten(ms: int, told: int, left: str) -> None:
    spoken = SpokenText()
    for text, end_ms in (("One ", 300), ("two ", 600), ("three", 900)):
        spoken.add_word(text, end_ms)
    spoken.cut(ms, told)
    assert spoken.text == left
    assert spoken.until(9000) == left.rstrip()
    spoken.add_word("four", 1200)
    assert spoken.until(1200) == f"{left}four"
