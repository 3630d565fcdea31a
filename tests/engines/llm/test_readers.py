from __future__ import annotations

from typing import Any

import pytest

from vivavoce.engines.llm import readers
from vivavoce.engines.llm.filling import Filling
from vivavoce.engines.llm.schema import Parameter, Role
from vivavoce.engines.llm.words import split_words

ROOM = Parameter(path=("room",), kind="string", enum=("kitchen", "living_room", "bedroom"))
STATE = Parameter(path=("state",), kind="string", enum=("on", "off"))


def number(name: str, description: str = "", **fields: Any) -> Parameter:
    return Parameter(path=(name,), kind="integer", description=description, required=True, **fields)


@pytest.mark.parametrize(
    ("parameter", "text", "expected"),
    [
        (ROOM, "the living room and the kitchen", ["living_room", "kitchen"]),
        (ROOM, "the bed room", ["bedroom"]),
        (ROOM, "the kitten", ["kitchen"]),
        (ROOM, "the garden", []),
        (STATE, "turn it off", ["off"]),
        (STATE, "turn of the light", ["off"]),
        (Parameter(path=("n",), kind="integer", enum=(1, 2)), "2 please", [2]),
    ],
)
def test_enum_values(parameter: Parameter, text: str, expected: list[Any]) -> None:
    assert [hit.value for hit in readers.enum_values(parameter, split_words(text))] == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("twelve times nine", "12 * 9"),
        ("two and a half plus four minus one", "2.5 + 4 - 1"),
        ("100 divided by 4", "100 / 4"),
        ("three squared", "3 ** 2"),
        ("twelve", None),
        ("times nine", None),
        ("five plus", None),
    ],
)
def test_expressions(text: str, expected: str | None) -> None:
    reading = readers.expression(split_words(text), set())
    assert (reading and reading.value) == expected


@pytest.mark.parametrize(
    ("role", "text_format", "text", "expected"),
    [
        (Role.DAY, "", "next friday at seven pm", "next friday"),
        (Role.TIME, "", "next friday at seven pm", "19:00"),
        (Role.TIME, "time", "at seven", "07:00"),
        (Role.MOMENT, "", "tomorrow at noon", "tomorrow 12:00"),
        (Role.MOMENT, "", "soon", None),
        (Role.TIME, "", "on the third of march", None),
    ],
)
def test_moments(role: Role, text_format: str, text: str, expected: str | None) -> None:
    parameter = Parameter(path=("x",), kind="string", role=role, format=text_format)
    reading = readers.moment(split_words(text), set(), parameter)
    assert (reading and reading.value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("seven", "7:00"), ("at eight thirty please", "8:30"), ("for four people", None), ("x", None)],
)
def test_a_bare_time(text: str, expected: str | None) -> None:
    assert readers.bare_time(split_words(text)) == expected


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("string", "number oh four two", "042"),
        ("integer", "number four two", 42),
        ("string", "it is AB-123", "AB-123"),
        ("string", "no digits", None),
        ("integer", "2.5", None),
    ],
)
def test_identifiers(kind: str, text: str, expected: Any) -> None:
    parameter = Parameter(path=("order_number",), kind=kind, role=Role.IDENTIFIER)
    reading = readers.identifier(split_words(text), set(), parameter)
    assert (reading and reading.value) == expected


def test_durations_in_the_unit_of_the_parameter() -> None:
    filling = Filling()
    text = Parameter(path=("length",), kind="string", role=Role.DURATION)
    words = split_words("two hours then ten minutes")
    readers.durations([number("x", "Wait in minutes"), text, number("seconds")], words, filling)
    assert filling.values == {("x",): 120, ("length",): "ten minutes"}


def test_numbers_go_to_the_parameter_that_names_their_neighbour() -> None:
    filling = Filling()
    words = split_words("two rooms for five adults and three children")
    parameters = [number("children"), number("adults"), number("rooms")]
    readers.quantities(parameters, words, filling)
    assert filling.values == {("children",): 3, ("adults",): 5, ("rooms",): 2}


def test_numbers_out_of_range_or_not_whole_are_not_taken() -> None:
    filling = Filling()
    readers.quantities([number("n", minimum=1.0, maximum=9.0)], split_words("20 or 2.5 or 0 or 7"), filling)
    assert filling.values == {("n",): 7}


def test_an_array_takes_every_number() -> None:
    filling = Filling()
    parameter = Parameter(path=("a",), kind="array", item=Parameter(path=("a",), kind="number"))
    readers.quantities([parameter], split_words("one, 2.5 and three"), filling)
    assert filling.values == {("a",): [1, 2.5, 3]}


@pytest.mark.parametrize(
    ("text", "maximum", "expected"),
    [
        ("to", None, 2),
        ("uh for", None, 4),
        ("for four five", None, None),
        ("to", 1.0, None),
        ("table", None, None),
    ],
)
def test_a_misheard_digit(text: str, maximum: float | None, expected: int | None) -> None:
    assert readers.misheard_number(split_words(text), number("n", maximum=maximum)) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("breakfast", "with breakfast", True),
        ("with_breakfast", "without any breakfast", False),
        ("gluten_free", "a gluten free pizza", True),
        ("enabled", "switch it off", False),
        ("enabled", "switch it on", True),
        ("sugar", "milk", None),
        ("is", "milk", None),
    ],
)
def test_booleans(name: str, text: str, expected: bool | None) -> None:
    reading = readers.boolean(split_words(text), Parameter(path=(name,), kind="boolean"))
    assert (None if reading is None else reading.value) is expected


@pytest.mark.parametrize(("text", "expected"), [("yes please", True), ("no thanks", False), ("maybe", None)])
def test_yes_and_no(text: str, expected: bool | None) -> None:
    reading = readers.yes_or_no(split_words(text))
    assert (None if reading is None else reading.value) is expected
