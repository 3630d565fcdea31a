from __future__ import annotations

from typing import Any

import pytest

from vivavoce.engines.llm.arguments import answer, fill, forced_text
from vivavoce.engines.llm.schema import Parameter, nest, read_parameters
from vivavoce.engines.llm.words import split_words


def parameters(required: bool = True, **properties: Any) -> tuple[Parameter, ...]:
    return read_parameters({"properties": properties, "required": list(properties) if required else []})


def string(description: str = "", **extra: Any) -> dict[str, Any]:
    return {"type": "string", "description": description, **extra}


COLOURS = {"type": "string", "enum": ["red", "green", "blue"]}


@pytest.mark.parametrize(
    ("taken", "text", "expected"),
    [
        (
            parameters(recipient=string(), body=string()),
            "to anna saying hello to all",
            {"recipient": "Anna", "body": "hello to all"},
        ),
        (
            parameters(origin=string(), destination=string()),
            "from rome to oslo",
            {"origin": "Rome", "destination": "Oslo"},
        ),
        (
            parameters(cities={"type": "array", "items": string()}),
            "in oslo, rome and new york",
            {"cities": ["Oslo", "Rome", "New York"]},
        ),
        (
            parameters(colours={"type": "array", "items": COLOURS}),
            "green and red",
            {"colours": ["green", "red"]},
        ),
        (
            parameters(from_colour=COLOURS, to_colour=COLOURS),
            "to blue from red",
            {"from_colour": "red", "to_colour": "blue"},
        ),
        (parameters(flavour=string(), required=False), "for tomorrow in the park", {}),
        (
            parameters(address={"type": "object", "properties": {"city": string()}}),
            "in oslo",
            {"address": {"city": "Oslo"}},
        ),
    ],
)
def test_arguments_are_read(taken: tuple[Parameter, ...], text: str, expected: dict[str, Any]) -> None:
    assert nest(fill(taken, split_words(text), set()).values) == expected


def test_two_values_of_one_parameter_are_two_calls() -> None:
    filling = fill(parameters(colour=COLOURS), split_words("red and blue"), set())
    assert [nest(values) for values in filling.variants()] == [{"colour": "red"}, {"colour": "blue"}]


@pytest.mark.parametrize(
    ("wanted", "text", "expected"),
    [
        (string(), "it is Oslo please", "Oslo"),
        (string(), "new york", "New York"),
        (string(), "um", None),
        (string(), "the", None),
        ({"type": "integer"}, "for four people", 4),
        ({"type": "integer"}, "to", 2),
        ({"type": "integer"}, "oslo", None),
        ({"type": "boolean"}, "yes of course", True),
        ({"type": "boolean"}, "banana", None),
        (COLOURS, "the green one", "green"),
        (COLOURS, "banana", None),
        ({"type": "array", "items": {"type": "string"}}, "oslo and rome", ["oslo", "rome"]),
    ],
)
def test_answers_are_read(wanted: dict[str, Any], text: str, expected: Any) -> None:
    (parameter,) = parameters(city=wanted)
    assert answer(parameter, split_words(text)) == expected


def test_a_time_of_day_may_be_bare_where_it_was_asked_for() -> None:
    (parameter,) = parameters(time=string())
    assert answer(parameter, split_words("seven")) == "7:00"
    assert answer(parameter, split_words("banana")) is None


def test_an_order_number_is_read_from_an_answer() -> None:
    (parameter,) = parameters(order_id=string())
    assert answer(parameter, split_words("it is four two one")) == "421"
    assert answer(parameter, split_words("it is alpha")) == "alpha"


def test_a_forced_text_is_all_that_was_said() -> None:
    (text,) = parameters(topic=string())
    (number,) = parameters(n={"type": "integer"})
    assert forced_text(text, split_words("about Oslo")) == "about Oslo"
    assert forced_text(number, split_words("about Oslo")) is None
    assert forced_text(text, ()) is None
