from __future__ import annotations

import pytest

from vivavoce.engines.llm.schema import Parameter, Role
from vivavoce.engines.llm.spans import SpanFinder, cues_of, free_text, span_text
from vivavoce.engines.llm.words import split_words


def parameter(name: str, role: Role, *, required: bool = True) -> Parameter:
    return Parameter(path=(name,), kind="string", role=role, required=required)


CITY = parameter("city", Role.PLACE)
BODY = parameter("body", Role.TEXT)


@pytest.mark.parametrize(
    ("text", "wanted", "expected"),
    [
        ("the weather in new york please", CITY, "New York"),
        ("the weather in The Hague", CITY, "Hague"),
        ("is it hot in rio de janeiro today", CITY, "Rio De Janeiro"),
        ("a letter saying i will be in town at six", BODY, "i will be in town at six"),
        ("no cue here", CITY, None),
        ("weather in", CITY, None),
        ("fly to", parameter("destination", Role.PLACE), None),
        ("fly from rome to oslo", parameter("destination", Role.PLACE), "Oslo"),
        ("fly from rome to oslo", parameter("origin", Role.PLACE), "Rome"),
    ],
)
def test_the_span_after_a_cue(text: str, wanted: Parameter, expected: str | None) -> None:
    words = split_words(text)
    span = SpanFinder(words, set(), set()).by_cues(cues_of(wanted), free=free_text(wanted))
    assert (span and span_text(words, span, wanted.role)) == expected


def test_taken_words_and_topics_are_left_alone() -> None:
    words = split_words("weather in oslo tomorrow")
    assert SpanFinder(words, {2}, {0}).by_cues(("in",), free=False) is None
    assert SpanFinder(words, set(), {0, 2}).by_cues(("in",), free=False) is None


def test_further_values_follow_and_and_commas() -> None:
    words = split_words("in Oslo, Paris and in New York please")
    finder = SpanFinder(words, set(), set())
    first = finder.by_cues(("in",), free=False)
    assert first is not None
    assert [span_text(words, s, Role.PLACE) for s in finder.more(first, ("in",))] == ["Paris", "New York"]


def test_what_is_left_over() -> None:
    words = split_words("put two bottles of milk in the cart")
    span = SpanFinder(words, {1}, {0, 7}).leftover(free=False)
    assert span is not None
    assert span_text(words, span, Role.THING) == "bottles of milk"
    assert SpanFinder(split_words("is it the"), set(), set()).leftover(free=False) is None


def test_an_optional_wish_needs_its_own_name() -> None:
    assert cues_of(parameter("flavour", Role.OTHER, required=False)) == ("flavour",)
