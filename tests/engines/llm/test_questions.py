from __future__ import annotations

from typing import Any

import pytest

from vivavoce.engines.llm.questions import enumerate_words, question
from vivavoce.engines.llm.schema import read_parameters


@pytest.mark.parametrize(
    ("name", "schema", "expected"),
    [
        ("city", {"type": "string"}, "Which city?"),
        ("room", {"enum": ["kitchen", "living_room"]}, "Which room: kitchen or living room?"),
        ("code", {"enum": list("abcdefgh")}, "Which code?"),
        ("breakfast", {"type": "boolean"}, "Do you want breakfast, yes or no?"),
        ("date", {"type": "string"}, "For which day?"),
        ("departure_date", {"type": "string"}, "Which day is the departure date?"),
        ("time", {"type": "string"}, "At what time?"),
        ("start_time", {"type": "string"}, "What is the start time?"),
        (
            "party_size",
            {"type": "integer", "description": "Number of guests, at most 12"},
            "How many guests?",
        ),
        ("minutes", {"type": "integer"}, "How many minutes?"),
        ("amount", {"type": "number"}, "What is the amount?"),
        ("message", {"type": "string"}, "What should the message be?"),
        ("order_number", {"type": "integer"}, "What is the order number?"),
        ("q", {"type": "string", "description": "Name of the song"}, "What should the name of the song be?"),
        ("tags", {"type": "array", "items": {"enum": ["x", "y"]}}, "Which tags: x or y?"),
    ],
)
def test_a_question_suits_its_parameter(name: str, schema: dict[str, Any], expected: str) -> None:
    (parameter,) = read_parameters({"properties": {name: schema}})
    assert question(parameter) == expected


def test_items_are_joined_for_speech() -> None:
    assert [enumerate_words(list(items)) for items in ("", "a", "ab", "abc")] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]
