from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation.check_points import CheckPoints


def taken(checks: CheckPoints, *deltas: str) -> list[str | None]:
    texts = []
    for delta in deltas:
        checks.add(delta)
        texts.append(checks.take())
    return texts


def test_words_are_due_at_each_multiple() -> None:
    checks = CheckPoints(10)
    assert taken(checks, "123456789", "0", "1234567890", "x") == [None, "1234567890", "1234567890" * 2, None]


def test_a_long_delta_is_due_once() -> None:
    assert taken(CheckPoints(5), "123456789012345678", "9", "0") == [
        "123456789012345678",
        None,
        "12345678901234567890",
    ]


def test_what_became_due_meanwhile_is_taken_in_one_go() -> None:
    checks = CheckPoints(3)
    checks.add("abc")
    checks.add("def")
    assert checks.take() == "abcdef"
    assert checks.take() is None


def test_the_end_is_checked_if_anything_is_new() -> None:
    checks = CheckPoints(-1)
    assert taken(checks, "x" * 500) == [None]
    checks.finish()
    assert checks.take() == "x" * 500
    checks.finish()
    assert checks.take() is None


def test_nothing_said_is_nothing_to_check() -> None:
    checks = CheckPoints(100)
    checks.finish()
    assert checks.take() is None


@pytest.mark.parametrize(
    ("deltas", "end", "checked"),
    [(["Hel"], "Hello", "Hello"), (["Hello"], "", "Hello"), (["Hello"], "Hell", "Hello"), ([], "Hi", "Hi")],
)
def test_the_longer_text_is_the_one_that_counts(deltas: list[str], end: str, checked: str) -> None:
    checks = CheckPoints(100)
    taken(checks, *deltas)
    checks.finish(end)
    checks.add("too late")
    checks.finish("much too late")
    assert checks.take() == checked


@pytest.mark.parametrize(
    ("deltas", "due"),
    [
        (["Hi.", " You", " there", "! ", "Yes"], [None, "Hi. You", None, "Hi. You there! ", None]),
        (['He said "no."', " So"], [None, 'He said "no." So']),
        (["3.14", " is pi"], [None, None]),
        (["你好。", "再见"], ["你好。", None]),
        (["a\n", "b"], ["a\n", None]),
    ],
)
def test_sentences(deltas: list[str], due: list[str | None]) -> None:
    assert taken(CheckPoints(100, by_sentence=True), *deltas) == due


@given(st.lists(st.text(max_size=30), max_size=30), st.integers(1, 40), st.booleans())
def test_every_word_is_checked_in_the_end(deltas: list[str], every: int, by_sentence: bool) -> None:
    checks = CheckPoints(every, by_sentence=by_sentence)
    texts = taken(checks, *deltas)
    checks.finish()
    texts.append(checks.take())
    seen = [text for text in texts if text is not None]
    assert (seen[-1] if seen else "") == "".join(deltas)
    assert all(len(one) < len(other) for one, other in pairwise(seen))
    assert sum(len(text) >= every for text in seen) <= len("".join(deltas)) // every + 1 or by_sentence
