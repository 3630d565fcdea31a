from __future__ import annotations

from vivavoce.engines.llm.filling import Filling, Reading
from vivavoce.engines.llm.schema import Parameter

CITY = Parameter(path=("city",), kind="string", required=True)
TAGS = Parameter(path=("tags",), kind="array", item=CITY, required=True, nullable=True)


def test_the_first_reading_stays_and_its_words_are_taken() -> None:
    filling = Filling()
    filling.take(CITY, Reading("Oslo", frozenset({3})))
    filling.take(CITY, Reading("Rome", frozenset({4})))
    filling.take(TAGS, None)
    assert filling.values == {("city",): "Oslo"}
    assert filling.taken == {3}


def test_an_array_takes_a_list() -> None:
    filling = Filling()
    filling.take(TAGS, Reading("a", frozenset()))
    assert filling.values == {("tags",): ["a"]}


def test_what_may_be_null_is_not_missing() -> None:
    assert Filling().missing([CITY, TAGS]) == [CITY]


def test_each_further_value_is_a_variant() -> None:
    filling = Filling(values={("city",): "Oslo", ("unit",): "c"}, others={("city",): ["Rome"]})
    assert filling.variants() == [
        {("city",): "Oslo", ("unit",): "c"},
        {("city",): "Rome", ("unit",): "c"},
    ]
