"""Words that stay."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engines.stt.growing_window import FORCE_S, TRIM_S, GrowingWindow, HeardWord

SECOND = bytes(32_000)


def window(step_s: float = 1.0) -> GrowingWindow:
    return GrowingWindow(16_000, step_s)


def words(text: str, until_s: float = 1.0) -> list[HeardWord]:
    """The words of a text, evenly spread over so many seconds."""
    parts = text.split()
    return [HeardWord(f" {part}", until_s * (place + 1) / len(parts)) for place, part in enumerate(parts)]


def test_words_that_two_decodes_agree_on_are_settled() -> None:
    heard = window()
    assert not heard.hear(words("I scream"))
    assert heard.hear(words("Ice cream is")) is False
    assert heard.hear(words("ice cream is good"))
    assert heard.settled == " ice cream is"
    assert heard.hear(words("Ice, cream is good today"))
    assert heard.settled == " ice cream is good"
    assert heard.text(" Ice cream is good today.") == "Ice cream is good today."


def test_what_is_settled_is_never_taken_back() -> None:
    heard = window()
    for text in ("a b c", "a b c", "x", "x y", "a b c d", "a b c d"):
        heard.hear(words(text))
    assert heard.settled == " a b c d"


def test_another_decode_waits_for_new_audio() -> None:
    heard = window(step_s=0.5)
    ready = []
    for piece in (SECOND, b"", SECOND[:15_998], SECOND[:2]):
        heard.feed(piece)
        ready.append(heard.ready)
        if piece is SECOND:
            assert heard.take() == SECOND
    assert ready == [True, False, False, True]
    assert heard.seconds == 1.5


def hear(heard: GrowingWindow, text: str, until_s: float) -> None:
    heard.take()
    heard.hear(words(text, until_s))


def test_settled_sentences_leave_a_long_window() -> None:
    heard = window()
    heard.feed(SECOND * int(TRIM_S + 1))
    for _ in range(2):
        hear(heard, "One two. Three four", 16)
    assert heard.seconds == 8
    assert heard.past_text == " One two."
    assert heard.settled == " One two. Three four"
    hear(heard, "Three four five", 8)
    hear(heard, "Three four five", 8)
    assert heard.settled == " One two. Three four five"
    assert heard.text(" three four five.") == "One two. three four five."


def test_a_window_without_an_end_of_a_sentence_is_cut_before_it_is_full() -> None:
    heard = window()
    heard.feed(SECOND * int(TRIM_S + 1))
    for _ in range(2):
        hear(heard, "one two three", 16)
    assert heard.seconds == 16
    heard.feed(SECOND * 11)
    hear(heard, "one two three four", 27)
    assert heard.past_text == " one two three"
    assert heard.seconds == 27 / 4


def test_decodes_that_never_agree_do_not_fill_the_window() -> None:
    heard = window()
    heard.feed(SECOND * int(FORCE_S + 1))
    hear(heard, "a b", 10)
    assert heard.settled == heard.past_text == " a b"
    assert heard.seconds == 17
    hear(heard, "", 0)
    assert heard.seconds == 17


@given(st.lists(st.tuples(st.lists(st.sampled_from(["a", "b", "c."]), max_size=6), st.integers(0, 12))))
def test_the_settled_text_only_grows_and_the_window_stays_sound(
    decodes: list[tuple[list[str], int]],
) -> None:
    heard, before = window(), ""
    for text, seconds in decodes:
        heard.feed(SECOND * seconds)
        heard.take()
        heard.hear(words(" ".join(text), heard.seconds) if text else [])
        assert heard.settled.startswith(before)
        before = heard.settled
        assert heard.seconds >= 0
        assert not heard.ready
