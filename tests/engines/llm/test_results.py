from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engines.llm.results import agent_after, speak_result

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("output", "spoken"),
    [
        ("It is sunny in Oslo.", "It is sunny in Oslo."),
        ("It is\n  sunny", "It is sunny."),
        ("", "Done."),
        ("error: no such order", "I am sorry, that did not work: no such order."),
        ("An error occurred while running the tool. Error: /secret", "I am sorry, that did not work."),
        ("An error occurred", "I am sorry, that did not work: An error occurred."),
        ("Errors are human", "Errors are human."),
    ],
)
def test_text_is_spoken_as_it_is(output: str, spoken: str) -> None:
    assert speak_result("f", output) == spoken


@pytest.mark.parametrize(
    ("value", "spoken"),
    [
        ("sunny", "sunny."),
        (21.0, "The temperature is 21."),
        (True, "Yes."),
        (False, "No."),
        (None, "Done."),
        ({}, "Done."),
        ({"ok": True}, "Done."),
        ({"ok": True, "message": "Table booked"}, "Table booked."),
        ({"success": False, "reason": "full"}, "I am sorry, that did not work: reason full."),
        ({"error": {"message": "no such city"}}, "I am sorry, that did not work: no such city."),
        (
            {"city": "Oslo", "temperature_c": 21.5},
            "The city is Oslo and the temperature is 21.5 degrees Celsius.",
        ),
        ({"temperature": 21, "unit": "celsius"}, "The temperature is 21 degrees Celsius."),
        ({"available": True, "note": None}, "Available: yes."),
        (
            {"weather": {"sky": "clear", "wind_kmh": 5}},
            "The sky is clear and the wind is 5 kilometres per hour.",
        ),
        ({"colours": ["red", "green"]}, "The colours are red and green."),
        (["red", "green", "blue"], "There are 3: red, green and blue."),
        (["red"], "Red."),
        ([], "Nothing."),
        (
            [{"name": "Soup", "price_eur": 7}, {"name": "Pie", "price_eur": 9}],
            "There are 2: Soup, price 7 euros; Pie, price 9 euros.",
        ),
        (list(range(9)), "There are 9: 0, 1, 2, 3, 4, 5 and 3 more."),
    ],
)
def test_json_becomes_sentences(value: Any, spoken: str) -> None:
    assert speak_result("get_temperature", json.dumps(value)) == spoken


def test_a_long_text_ends_with_a_sentence() -> None:
    spoken = speak_result("f", "This is one sentence. " * 100)
    assert len(spoken) <= 701
    assert spoken.endswith("sentence.")


def test_a_long_sentence_ends_with_a_word() -> None:
    assert speak_result("f", "word " * 400).endswith(" word.")


@given(JSON)
def test_any_json_can_be_spoken(value: Any) -> None:
    spoken = speak_result("f", json.dumps(value))
    assert spoken
    assert len(spoken) < 800


@pytest.mark.parametrize(
    ("output", "name"),
    [
        ('{"assistant": "Front Desk"}', "Front Desk"),
        ('{"assistant": 7}', ""),
        ('{"agent": "Ada"}', ""),
        ('"Ada"', ""),
        ("error: closed", ""),
    ],
)
def test_a_handoff_says_who_has_taken_over(output: str, name: str) -> None:
    assert agent_after(output) == name
