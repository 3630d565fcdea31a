from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.agents import FunctionTool, ToolContext
from vivavoce.errors import ConfigurationError


async def _echo(_context: ToolContext[Any], arguments: str) -> str:
    return arguments


def test_a_tool_can_be_written_by_hand() -> None:
    tool = FunctionTool("echo", "Say it again.", {"type": "object"}, on_invoke_tool=_echo)
    assert asyncio.run(tool.invoke(ToolContext(None), '{"a":1}')) == '{"a":1}'


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"name": "two words"}, "tool name 'two words' is not accepted"),
        ({"description": None}, "description must be a text, got None"),
        ({"params_json_schema": {"type": "array"}}, "JSON Schema with type 'object'"),
        ({"on_invoke_tool": 3}, "on_invoke_tool must be an async function"),
        ({"timeout": 0}, "timeout must be seconds above 0, got 0"),
        ({"timeout": "5"}, "timeout must be seconds above 0, got '5'"),
    ],
)
def test_a_wrong_field_of_a_tool_is_refused(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        FunctionTool(**{"name": "echo", "description": "", "on_invoke_tool": _echo, **fields})
    assert complaint in str(caught.value)


def test_a_tool_that_takes_nothing_says_so_on_the_wire() -> None:
    wire = FunctionTool("echo", "Say it again.", on_invoke_tool=_echo).to_wire()
    assert (wire.name, wire.description, wire.parameters) == (
        "echo",
        "Say it again.",
        {"type": "object", "properties": {}},
    )
