from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engines.llm.words import (
    identifier_words,
    phrase_similarity,
    readable,
    said,
    similarity,
    split_words,
    stem,
)


@pytest.mark.parametrize(
    ("text", "norms"),
    [
        ("What's the weather?", ["whats", "the", "weather"]),
        ("Oslo, Paris and New York.", ["oslo", ",", "paris", "and", "new", "york"]),
        ("gluten-free living_room", ["gluten", "free", "living", "room"]),
        ("at 7:30 for 3.5 on 2026-05-05", ["at", "7:30", "for", "3.5", "on", "2026-05-05"]),
        ("12 * 7", ["12", "*", "7"]),
        ("...", []),
        ("", []),
    ],
)
def test_an_utterance_is_split(text: str, norms: list[str]) -> None:
    assert [word.norm for word in split_words(text)] == norms


@given(st.text(max_size=200))
def test_any_text_can_be_split_and_compared(text: str) -> None:
    words = split_words(text)
    assert all(word.norm for word in words)
    for word in words:
        assert similarity(word.norm, word.norm) == 1.0
        assert 0.0 <= similarity(word.norm, "weather") <= 1.0


def test_words_keep_what_was_said() -> None:
    assert said(split_words("In New York, please")) == "In New York please"
    assert said(split_words("Anne-Marie's follow-up, please")) == "Anne-Marie's follow-up please"
    assert said(split_words("Anne-Marie")[:1]) == "Anne"
    assert said(()) == ""


def test_identifiers_become_words() -> None:
    assert identifier_words("getWeather_for-city2") == ["get", "weather", "for", "city2"]
    assert readable("party_size") == "party size"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("lights", "light"),
        ("booking", "book"),
        ("cities", "city"),
        ("dishes", "dish"),
        ("setting", "set"),
        ("invoices", "invoice"),
    ],
)
def test_endings_do_not_matter(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize(
    ("heard", "meant"),
    [("whether", "weather"), ("wether", "weather"), ("choke", "joke"), ("buck", "book")],
)
def test_misheard_words_are_alike(heard: str, meant: str) -> None:
    assert similarity(heard, meant) >= 0.75


@pytest.mark.parametrize(("one", "other"), [("cat", "car"), ("table", "timer"), ("1234", "1235")])
def test_other_words_are_not(one: str, other: str) -> None:
    assert similarity(one, other) == 0.0


def test_phrases_are_compared_word_by_word_or_run_together() -> None:
    assert phrase_similarity(["bed", "room"], ["bedroom"]) == 1.0
    assert phrase_similarity(["living", "rooms"], ["living", "room"]) == 1.0
    assert phrase_similarity(["living", "hall"], ["living", "room"]) == 0.0
    assert phrase_similarity([], ["x"]) == 0.0
