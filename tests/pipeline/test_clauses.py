"""Where a stream of text is cut into clauses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.pipeline.clauses import MAX_CLAUSE_CHARS, ClauseSplitter

PIECES = st.text(alphabet="ab .,!?:\n\t…\"')–é", max_size=40)


def split(*deltas: str) -> list[str]:
    splitter = ClauseSplitter()
    clauses = [clause for delta in deltas for clause in splitter.feed(delta)]
    return clauses + splitter.flush()


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("", []),
        ("   ", []),
        ("Hello", ["Hello"]),
        ("Hello there. How are you? ", ["Hello there. ", "How are you? "]),
        ("Wait! Why?! Because…  so.", ["Wait! ", "Why?! ", "Because…  ", "so."]),
        ('He said "Stop." And left.', ['He said "Stop." ', "And left."]),
        ("It costs 3.14 euros. Fine.", ["It costs 3.14 euros. ", "Fine."]),
        ("Ask Dr. Who, e.g. at 5 p.m. sharp. Bye.", ["Ask Dr. Who, ", "e.g. at 5 p.m. sharp. ", "Bye."]),
        ("One line\nanother line", ["One line\n", "another line"]),
        ("Good morning to you, friend. A, b, c. ", ["Good morning to you, ", "friend. ", "A, b, c. "]),
        ("Yes, of course I will", ["Yes, of course I will"]),
        ("\n\nHello. ", ["\n\nHello. "]),
        ("Hello. \n Bye.", ["Hello. \n ", "Bye."]),
        (". Hello", [". ", "Hello"]),
    ],
)
def test_text_is_cut_where_a_voice_would_pause(text: str, clauses: list[str]) -> None:
    assert split(text) == clauses


def test_a_sentence_is_not_cut_before_it_is_known_to_end() -> None:
    splitter = ClauseSplitter()
    assert splitter.feed("It is 3.") == []
    assert splitter.feed("5 degrees.") == []
    assert splitter.feed(" ") == ["It is 3.5 degrees. "]


def test_white_space_alone_is_no_clause() -> None:
    assert split("Hello. ", "\n", "\n", "How are you? ") == ["Hello. ", "\n\nHow are you? "]


def test_only_the_first_clause_ends_at_a_comma_and_again_after_a_flush() -> None:
    splitter = ClauseSplitter()
    assert splitter.feed("Well, let me see, here, ") == ["Well, let me see, "]
    assert splitter.feed("there, ") == []
    assert splitter.flush() == ["here, there, "]
    assert splitter.feed("And once again, ") == ["And once again, "]


def test_a_clause_without_an_end_is_cut_at_a_space() -> None:
    text = "word " * 200
    clauses = split(text)
    assert "".join(clauses) == text
    assert all(len(clause) <= MAX_CLAUSE_CHARS and clause.endswith(" ") for clause in clauses)


def test_a_word_without_an_end_is_cut_too() -> None:
    assert split("x" * 600) == ["x" * 240, "x" * 240, "x" * 120]


@given(st.lists(PIECES, max_size=12))
def test_the_clauses_joined_are_the_text(deltas: list[str]) -> None:
    clauses = split(*deltas)
    text, joined = "".join(deltas), "".join(clauses)
    assert text.startswith(joined)
    assert not text[len(joined) :].strip()
    assert all(clause.strip() for clause in clauses)
