from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.agents import FunctionTool, ToolContext, default_tool_error
from vivavoce.agents.limits import TookTooLongError
from vivavoce.agents.tool import is_tool_name
from vivavoce.errors import ConfigurationError


async def _echo(_context: ToolContext[Any], arguments: str) -> str:
    return arguments


def test_a_tool_can_be_written_by_hand() -> None:
    tool = FunctionTool("echo", "Say it again.", {"type": "object"}, _echo)
    assert asyncio.run(tool.invoke(ToolContext(None), '{"a":1}')) == '{"a":1}'


def test_a_tool_is_plain_unless_it_says_otherwise() -> None:
    tool = FunctionTool("echo", "Say it again.", on_invoke_tool=_echo)
    assert (tool.is_enabled, tool.needs_approval, tool.strict_json_schema) == (True, False, True)
    assert (tool.background, tool.timeout, tool.approval_timeout) == (False, None, None)
    assert (tool.timeout_behavior, tool.timeout_error_function) == ("error_as_result", None)
    assert (tool.tool_input_guardrails, tool.tool_output_guardrails) == ((), ())


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"name": "two words"}, "tool name 'two words' is not accepted"),
        ({"name": "line\n"}, "tool name 'line\\n' is not accepted"),
        ({"description": None}, "description must be a text, got None"),
        ({"params_json_schema": {"type": "array"}}, "JSON Schema with type 'object'"),
        ({"params_json_schema": "object"}, "JSON Schema with type 'object'"),
        ({"on_invoke_tool": 3}, "on_invoke_tool must be an async function"),
        ({"timeout": 0}, "timeout must be seconds above 0, got 0"),
        ({"timeout": "5"}, "timeout must be seconds above 0, got '5'"),
        ({"timeout": True}, "timeout must be seconds above 0, got True"),
        ({"approval_timeout": -1}, "approval_timeout must be seconds above 0, got -1"),
        ({"strict_json_schema": "yes"}, "strict_json_schema must be True or False, got 'yes'"),
        ({"background": 1}, "background must be True or False, got 1"),
        ({"is_enabled": None}, "is_enabled must be True, False or a function (context, agent), got None"),
        (
            {"needs_approval": 1},
            "needs_approval must be True, False or a function (context, arguments, call_id)",
        ),
        ({"tool_input_guardrails": [len]}, "tool_input_guardrails must be a list of ToolInputGuardrail"),
        (
            {"tool_output_guardrails": 5},
            "tool_output_guardrails must be a list of ToolOutputGuardrail, got 5",
        ),
        ({"timeout_behavior": "raise"}, "must be 'error_as_result' or 'raise_exception', got 'raise'"),
        (
            {"timeout_error_function": "x"},
            "timeout_error_function must be a function (context, error) or None",
        ),
        ({"failure_error_function": 1}, "failure_error_function must be a function (context, error) or None"),
    ],
)
def test_a_wrong_field_of_a_tool_is_refused(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        FunctionTool(**{"name": "echo", "description": "", "on_invoke_tool": _echo, **fields})
    assert complaint in str(caught.value)


def test_a_tool_without_a_function_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="on_invoke_tool must be an async function"):
        FunctionTool("echo", "Say it again.")


def test_a_tool_that_takes_nothing_says_so_on_the_wire() -> None:
    wire = FunctionTool("echo", "Say it again.", on_invoke_tool=_echo).to_wire()
    assert (wire.name, wire.description, wire.parameters) == (
        "echo",
        "Say it again.",
        {"type": "object", "properties": {}},
    )


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("no such city"), "Please try again. Error: no such city"),
        (TimeoutError(), "Tool 'echo' timed out. Say so"),
        (TookTooLongError(2.5), "Tool 'echo' timed out after 2.5 seconds. Say so"),
    ],
)
def test_the_default_message_tells_the_model_what_happened(error: Exception, message: str) -> None:
    assert message in default_tool_error(ToolContext(None, tool_name="echo"), error)


@pytest.mark.parametrize(
    ("name", "fits"), [("a-B_3", True), ("x" * 64, True), ("x" * 65, False), ("", False)]
)
def test_names_are_those_that_a_model_can_call(name: str, fits: bool) -> None:
    assert is_tool_name(name) is fits


def test_whoever_prints_a_tool_sees_its_name() -> None:
    assert repr(FunctionTool("echo", "Say it again.", on_invoke_tool=_echo)) == "FunctionTool('echo')"
