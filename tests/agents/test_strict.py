from __future__ import annotations

import copy
import json
import re
from enum import Enum
from typing import TYPE_CHECKING, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, TypeAdapter

from vivavoce.agents import function_tool, strict_schema
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Seat(BaseModel):
    row: int
    colour: Colour = Colour.RED


class Node(BaseModel):
    name: str
    children: list[Node] = []


class Booking(BaseModel):
    name: str
    seats: list[Seat] = Field(description="Where they sit.", min_length=1)
    best: Seat | None = None
    kind: Literal["show", "meal"] = "show"
    favourite: Seat = Field(Seat(row=1), description="The favourite.")


def objects(schema: object) -> Iterator[Mapping[str, Any]]:
    """Every schema of an object in a schema that has no property called ``type``."""
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects(part)


def test_a_strict_schema_requires_everything_and_takes_nothing_else() -> None:
    strict = strict_schema(TypeAdapter(Booking).json_schema())
    found = list(objects(strict))
    assert len(found) == 2
    for schema in found:
        assert schema["additionalProperties"] is False
        assert schema["required"] == list(schema["properties"])
    assert '"default"' not in json.dumps(strict)


def test_a_default_is_told_in_words() -> None:
    properties = strict_schema(TypeAdapter(Booking).json_schema())["properties"]
    assert properties["kind"]["description"] == 'Default: "show".'
    assert properties["favourite"]["description"].startswith("The favourite. Default: ")
    assert "description" not in properties["best"]


def test_nothing_stands_beside_a_reference() -> None:
    properties = strict_schema(TypeAdapter(Booking).json_schema())["properties"]
    assert properties["favourite"]["anyOf"] == [{"$ref": "#/$defs/Seat"}]
    assert properties["seats"]["items"] == {"$ref": "#/$defs/Seat"}


def test_a_recursive_model_is_an_object_at_its_root() -> None:
    schema = TypeAdapter(Node).json_schema()
    assert "$ref" in schema
    strict = strict_schema(schema)
    assert (strict["type"], strict["required"]) == ("object", ["name", "children"])
    assert strict["properties"]["children"]["items"] == {"$ref": "#/$defs/Node"}


def test_the_given_schema_stays_as_it_is() -> None:
    schema = TypeAdapter(Booking).json_schema()
    before = copy.deepcopy(schema)
    strict_schema(schema)
    assert schema == before


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        (
            {"oneOf": [{"type": "string"}, {"type": "null"}]},
            {"anyOf": [{"type": "string"}, {"type": "null"}]},
        ),
        ({"allOf": [{"type": "string"}], "description": "A."}, {"type": "string", "description": "A."}),
        ({"allOf": [{"allOf": [{"type": "string"}]}]}, {"type": "string"}),
        (
            {"properties": {"a": {"enum": [1, "b"]}}},
            {
                "type": "object",
                "properties": {"a": {"enum": [1, "b"]}},
                "required": ["a"],
                "additionalProperties": False,
            },
        ),
        (
            {"type": ["object", "null"], "additionalProperties": False},
            {"type": ["object", "null"], "properties": {}, "required": [], "additionalProperties": False},
        ),
        (
            {"type": ["array", "null"], "items": {"type": "integer"}},
            {"type": ["array", "null"], "items": {"type": "integer"}},
        ),
    ],
)
def test_each_form_of_a_parameter_is_converted(schema: dict[str, Any], strict: dict[str, Any]) -> None:
    whole = strict_schema({"type": "object", "properties": {"it": schema}})
    assert whole["properties"]["it"] == strict


def test_definitions_are_converted_under_both_names() -> None:
    part = {"type": "object", "properties": {"a": {"type": "string"}}}
    strict = strict_schema({"type": "object", "definitions": {"a": part}, "$defs": {"a": part}})
    assert strict["definitions"]["a"]["required"] == strict["$defs"]["a"]["required"] == ["a"]


def test_a_reference_may_go_through_escaped_names() -> None:
    whole = {
        "$ref": "#/$defs/a~1b~0c",
        "$defs": {"a/b~c": {"type": "object", "properties": {"x": {"type": "string"}}}},
    }
    assert strict_schema(whole)["required"] == ["x"]


DEEP: dict[str, Any] = {"type": "array"}
DEEP["items"] = DEEP


@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        ({"type": "object", "additionalProperties": True}, "parameter 'it' takes any keys"),
        ({"type": "object"}, "parameter 'it' takes any keys"),
        (
            {"type": "object", "properties": {}, "patternProperties": {}, "additionalProperties": False},
            "takes any keys",
        ),
        (
            {"properties": {"in": {"type": "object", "additionalProperties": {}}}},
            "parameter 'it.in' takes any keys",
        ),
        ({"type": "array"}, "parameter 'it.items' may be anything"),
        ({"type": "array", "items": True}, "parameter 'it.items' may be anything"),
        ({"type": "array", "prefixItems": []}, "parameter 'it' is a tuple"),
        ({"description": "Anything."}, "parameter 'it' may be anything"),
        (
            {"allOf": [{"type": "string"}, {"type": "string"}]},
            "parameter 'it' combines several schemas ('allOf')",
        ),
        ({"allOf": [{"type": "string"}], "type": "integer"}, "parameter 'it' says two things at once"),
        (7, "parameter 'it' is malformed (7 is no schema)"),
        ({"anyOf": "string"}, "parameter 'it' is malformed ('string' is no list of schemas)"),
        (DEEP, "the schema is nested too deeply"),
    ],
)
def test_what_strict_mode_cannot_say_is_refused(schema: object, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^tool 'x': .*{re.escape(complaint)}.*strict_mode=False"):
        strict_schema({"type": "object", "properties": {"it": schema}}, owner="tool 'x'")


@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        ({"type": "string"}, "is not an object"),
        ({"$ref": "#/$defs/gone"}, "refers to '#/$defs/gone', which is not there"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "is not an object"),
    ],
)
def test_arguments_are_always_an_object(schema: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(complaint)):
        strict_schema(schema)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "properties", "items", "anyOf", "allOf", "oneOf", "$ref", "$defs", "default", "x"]
            ),
            inner | st.sampled_from(["object", "array", "string", "#/$defs/x"]),
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["properties", "$defs", "allOf", "anyOf", "items"]), JSON))
def test_any_schema_is_converted_or_refused(parts: dict[str, Any]) -> None:
    try:
        strict = strict_schema({"type": "object", **parts})
    except ConfigurationError:
        return
    assert strict["additionalProperties"] is False
    assert strict["required"] == list(strict["properties"])
    assert strict_schema(strict) == strict


def test_a_tool_of_a_function_with_a_free_dictionary_can_be_made_but_not_be_strict() -> None:
    @function_tool
    def note(details: dict[str, str]) -> None:
        """Note it."""

    with pytest.raises(ConfigurationError, match="parameter 'details' takes any keys"):
        strict_schema(note.params_json_schema, owner="tool 'note'")
