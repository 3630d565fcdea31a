from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from vivavoce.agents import (
    ToolContext,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrail,
    ToolInputGuardrailData,
    ToolOutputGuardrail,
    ToolOutputGuardrailData,
    tool_input_guardrail,
    tool_output_guardrail,
)
from vivavoce.errors import ConfigurationError

CONTEXT = ToolContext(None, call_id="call_1", tool_name="wave", arguments='{"to": "Bob"}')


@tool_input_guardrail
def not_bob(data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
    if "Bob" in data.context.arguments:
        return ToolGuardrailFunctionOutput.reject_content("Not Bob.", "saw Bob")
    return ToolGuardrailFunctionOutput.allow()


@tool_output_guardrail(name="short")
async def not_long(data: ToolOutputGuardrailData) -> ToolGuardrailFunctionOutput:
    if len(data.output) > 3:
        return ToolGuardrailFunctionOutput.raise_exception(len(data.output))
    return ToolGuardrailFunctionOutput.allow("fine")


def test_guardrails_of_tools_are_made_of_functions() -> None:
    assert isinstance(not_bob, ToolInputGuardrail)
    assert isinstance(not_long, ToolOutputGuardrail)
    assert (not_bob.get_name(), not_long.get_name()) == ("not_bob", "short")
    assert tool_input_guardrail(name="other")(not_bob.guardrail_function).get_name() == "other"
    assert tool_output_guardrail(not_long.guardrail_function).get_name() == "not_long"


def test_a_check_of_the_arguments_decides() -> None:
    verdict = asyncio.run(not_bob.run(ToolInputGuardrailData(CONTEXT, None)))
    assert verdict.output_info == "saw Bob"
    assert verdict.behavior == {"type": "reject_content", "message": "Not Bob."}
    other = ToolInputGuardrailData(ToolContext(None, arguments="{}"), None)
    assert asyncio.run(not_bob.run(other)) == ToolGuardrailFunctionOutput()


@pytest.mark.parametrize(
    ("output", "verdict"),
    [
        ("long", ToolGuardrailFunctionOutput(4, {"type": "raise_exception"})),
        ("ok", ToolGuardrailFunctionOutput("fine", {"type": "allow"})),
    ],
)
def test_a_check_of_the_result_decides(output: str, verdict: ToolGuardrailFunctionOutput) -> None:
    assert asyncio.run(not_long.run(ToolOutputGuardrailData(CONTEXT, None, output))) == verdict


def test_what_is_no_verdict_is_refused() -> None:
    broken = ToolInputGuardrail[Any](lambda _data: None, "broken")  # type: ignore[arg-type, return-value]  # the mistake under test
    complaint = "guardrail 'broken' must return a ToolGuardrailFunctionOutput, got None"
    with pytest.raises(ConfigurationError, match=complaint):
        asyncio.run(broken.run(ToolInputGuardrailData(CONTEXT, None)))


@pytest.mark.parametrize(
    ("kind", "fields", "complaint"),
    [
        (ToolInputGuardrail, (3,), "ToolInputGuardrail.guardrail_function must be a function, got 3"),
        (
            ToolOutputGuardrail,
            (
                print,
                3,
            ),
            "ToolOutputGuardrail.name must be a text or None, got 3",
        ),
    ],
)
def test_a_wrong_field_of_a_guardrail_is_refused(kind: Any, fields: tuple[Any, ...], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(complaint)):
        kind(*fields)


@pytest.mark.parametrize(
    "behavior",
    [
        None,
        "allow",
        {},
        {"type": "deny"},
        {"type": "reject_content"},
        {"type": "reject_content", "message": 3},
    ],
)
def test_a_verdict_of_no_known_kind_is_refused(behavior: Any) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(f"raise_exception(), got {behavior!r}")):
        ToolGuardrailFunctionOutput(None, behavior)
