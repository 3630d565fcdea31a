from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from vivavoce.engines.llm.schema import Role, element_of, flatten, nest, read_parameters


class Address(BaseModel):
    city: str
    zip_code: str | None = None


class Order(BaseModel):
    address: Address
    quantity: int
    colors: list[str] = []
    note: str | None = None


def test_a_pydantic_schema_is_flattened_to_its_leaves() -> None:
    parameters = {p.path: p for p in read_parameters(Order.model_json_schema())}
    assert set(parameters) == {
        ("address", "city"),
        ("address", "zip_code"),
        ("quantity",),
        ("colors",),
        ("note",),
    }
    assert parameters["address", "city"].required
    assert parameters["address", "city"].role is Role.PLACE
    assert parameters["address", "zip_code"].nullable
    assert not parameters["address", "zip_code"].required
    assert parameters["quantity",].kind == "integer"
    assert parameters["colors",].in_array
    assert element_of(parameters["colors",]).kind == "string"
    assert parameters["note",].role is Role.TEXT


def test_references_alternatives_and_lists_of_types() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "$defs": {"Room": {"enum": ["a", "b"]}},
        "properties": {
            "room": {"allOf": [{"$ref": "#/$defs/Room"}], "description": "Which"},
            "unit": {"type": ["string", "null"], "enum": ["c", None]},
            "kind": {"const": "x"},
            "level": {"enum": [1, 2]},
        },
        "required": ["room"],
    }
    room, unit, kind, level = read_parameters(schema)
    assert room.enum == ("a", "b")
    assert room.required
    assert unit.enum == ("c",)
    assert unit.nullable
    assert kind.enum == ("x",)
    assert level.kind == "integer"


@pytest.mark.parametrize(
    "schema", [None, 7, {}, {"properties": 7}, {"$ref": "#/nowhere"}, {"properties": {"a": 7}}]
)
def test_a_malformed_schema_does_not_raise(schema: Any) -> None:
    assert all(p.kind == "string" for p in read_parameters(schema))


def test_a_recursive_schema_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}, "name": {"type": "string"}}}
    schema = {"$defs": {"Node": node}, **node}
    assert len(read_parameters(schema)) < 50


@pytest.mark.parametrize(
    ("name", "extra", "role"),
    [
        ("city_name", {}, Role.PLACE),
        ("order_number", {}, Role.IDENTIFIER),
        ("start", {"format": "date-time"}, Role.MOMENT),
        ("who", {}, Role.PERSON),
        ("expression", {}, Role.EXPRESSION),
        ("x", {"description": "The date of the visit"}, Role.DAY),
        ("x", {}, Role.OTHER),
    ],
)
def test_roles_are_guessed(name: str, extra: dict[str, Any], role: Role) -> None:
    (parameter,) = read_parameters({"properties": {name: {"type": "string", **extra}}})
    assert parameter.role is role


def test_values_nest_and_flatten() -> None:
    values = {("address", "city"): "Oslo", ("quantity",): 2}
    nested = nest(values)
    assert nested == {"address": {"city": "Oslo"}, "quantity": 2}
    assert flatten(nested, read_parameters(Order.model_json_schema())) == values
