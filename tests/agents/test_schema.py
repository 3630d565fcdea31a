# No `from __future__ import annotations`: the functions below take hints defined inside tests.
import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from vivavoce.agents import RunContextWrapper, ToolContext
from vivavoce.agents.schema import function_schema
from vivavoce.errors import ConfigurationError, ToolError


class Size(enum.Enum):
    SMALL = "small"
    LARGE = "large"


class Guest(BaseModel):
    name: str
    age: int = 18


@dataclass
class Point:
    x: float
    y: float


def plain(city: str, days: int = 1) -> None:
    """Look ahead.

    Args:
        city: where
        days: how far
    """


def annotated(
    city: Annotated[str, "where"], days: Annotated[int, Field(description="how far", ge=1)] = 1
) -> None:
    pass


def with_fields(
    city: str = Field(description="where"), days: int = Field(1, description="how far", ge=1)
) -> None:
    pass


def choices(unit: Literal["c", "f"], size: Size = Size.SMALL) -> None:
    pass


def maybe(city: str | None = None, exact: bool | None = None) -> None:
    pass


def untyped(anything) -> None:  # type: ignore[no-untyped-def]  # a user's function
    pass


def unlucky(schema: str, json: str, copy: int = 0) -> None:
    pass


def nested(guest: Guest, at: Point) -> None:
    pass


@pytest.mark.parametrize(
    ("function", "properties", "required"),
    [
        (
            plain,
            {
                "city": {"type": "string", "description": "where"},
                "days": {"type": "integer", "description": "how far", "default": 1},
            },
            ["city"],
        ),
        (
            annotated,
            {
                "city": {"type": "string", "description": "where"},
                "days": {"type": "integer", "description": "how far", "minimum": 1, "default": 1},
            },
            ["city"],
        ),
        (
            with_fields,
            {
                "city": {"type": "string", "description": "where"},
                "days": {"type": "integer", "description": "how far", "minimum": 1, "default": 1},
            },
            ["city"],
        ),
        (
            choices,
            {"unit": {"type": "string", "enum": ["c", "f"]}, "size": {"$ref": "#/$defs/Size"}},
            ["unit"],
        ),
        (
            maybe,
            {
                "city": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
                "exact": {"anyOf": [{"type": "boolean"}, {"type": "null"}], "default": None},
            },
            None,
        ),
        (untyped, {"anything": {}}, ["anything"]),
        (
            unlucky,
            {
                "schema": {"type": "string"},
                "json": {"type": "string"},
                "copy": {"type": "integer", "default": 0},
            },
            ["schema", "json"],
        ),
        (nested, {"guest": {"$ref": "#/$defs/Guest"}, "at": {"$ref": "#/$defs/Point"}}, ["guest", "at"]),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_schema_of(function: Any, properties: dict[str, Any], required: list[str] | None) -> None:
    schema = function_schema(function).parameters
    assert schema["properties"] == properties
    assert schema.get("required") == required
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False


def test_a_note_without_words_describes_nothing() -> None:
    def noted(city: Annotated[str, 5, ""]) -> None: ...

    assert function_schema(noted).parameters["properties"]["city"] == {"type": "string"}


def test_the_docstring_describes_the_function_unless_told_not_to() -> None:
    assert function_schema(plain).description == "Look ahead."
    without = function_schema(plain, use_docstring=False)
    assert without.description == ""
    assert without.parameters["properties"]["city"] == {"type": "string"}


@pytest.mark.parametrize(
    ("function", "arguments", "parsed"),
    [
        (plain, '{"city": "Oslo"}', {"city": "Oslo"}),
        (plain, '{"city": "Oslo", "days": 3}', {"city": "Oslo", "days": 3}),
        (with_fields, '{"city": "Oslo"}', {"city": "Oslo", "days": 1}),
        (choices, '{"unit": "c", "size": "large"}', {"unit": "c", "size": Size.LARGE}),
        (maybe, "", {}),
        (maybe, '{"city": null}', {"city": None}),
        (
            nested,
            '{"guest": {"name": "Kim"}, "at": {"x": 1, "y": 2.5}}',
            {"guest": Guest(name="Kim"), "at": Point(1, 2.5)},
        ),
    ],
)
def test_arguments_become_values(function: Any, arguments: str, parsed: dict[str, Any]) -> None:
    assert function_schema(function).parse(arguments) == parsed


@pytest.mark.parametrize(
    ("function", "arguments", "complaint"),
    [
        (plain, "{nonsense", "bad arguments for plain: arguments: Invalid JSON"),
        (plain, "[]", "bad arguments for plain: arguments: Input should be a"),
        (plain, "{}", "city: Field required"),
        (plain, '{"city": 3}', "city: Input should be a valid string"),
        (plain, '{"city": "Oslo", "days": "2"}', "days: Input should be a valid integer"),
        (plain, '{"city": "Oslo", "hours": 2}', "hours: Extra inputs are not permitted"),
        (annotated, '{"city": "Oslo", "days": 0}', "days: Input should be greater than or equal to 1"),
        (choices, '{"unit": "k"}', "unit: Input should be 'c' or 'f'"),
        (
            nested,
            '{"guest": {"name": "Kim", "age": "x"}, "at": {"x": 1, "y": 2}}',
            "guest.age: Input should be",
        ),
    ],
)
def test_bad_arguments_are_explained(function: Any, arguments: str, complaint: str) -> None:
    with pytest.raises(ToolError) as caught:
        function_schema(function).parse(arguments)
    assert complaint in str(caught.value)


def with_tool_context(context: ToolContext[Any], city: str) -> None:
    pass


def with_bare_context(ctx: RunContextWrapper, city: str) -> None:
    pass


def with_annotated_context(ctx: Annotated[ToolContext[Any], "mine"], city: str) -> None:
    pass


@pytest.mark.parametrize("function", [with_tool_context, with_bare_context, with_annotated_context])
def test_a_context_parameter_is_not_shown_to_the_model(function: Any) -> None:
    schema = function_schema(function)
    assert schema.takes_context
    assert list(schema.parameters["properties"]) == ["city"]


def late_context(city: str, context: ToolContext[Any]) -> None:
    pass


def variadic(*cities: str) -> None:
    pass


def keyword_variadic(**cities: str) -> None:
    pass


def positional(city: str, /) -> None:
    pass


def unresolved(city: "Nowhere") -> None:  # type: ignore[name-defined]  # noqa: F821  # the mistake under test
    pass


class Lock:
    pass


def opaque(lock: Lock) -> None:
    pass


def calling(back: Callable[[], None]) -> None:
    pass


class Desk:
    def ring(self, times: int) -> int:
        return times


@pytest.mark.parametrize(
    ("function", "complaint"),
    [
        (late_context, "the context must be the first parameter, not 'context'"),
        (variadic, "parameter '*cities: str' cannot be passed by name"),
        (keyword_variadic, "parameter '**cities: str' cannot be passed by name"),
        (positional, "cannot be passed by name"),
        (unresolved, "tool 'unresolved': a type hint cannot be resolved"),
        (opaque, "tool 'opaque': parameter 'lock' cannot be described to a model: use types"),
        (calling, "tool 'calling': parameter 'back' cannot be described to a model"),
        (Desk.ring, "'self' is unbound"),
    ],
)
def test_what_cannot_be_described_is_refused(function: Any, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        function_schema(function)
    assert complaint in str(caught.value)


def test_a_bound_method_and_a_callable_object_are_functions_too() -> None:
    class Bell:
        def __call__(self, loud: bool) -> None:
            """Ring."""

    assert list(function_schema(Desk().ring).parameters["properties"]) == ["times"]
    assert function_schema(Bell()).parameters["properties"] == {"loud": {"type": "boolean"}}
    assert function_schema(Bell()).name == "Bell"
