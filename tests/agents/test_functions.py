from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.agents import (
    FunctionTool,
    ToolContext,
    ToolGuardrailFunctionOutput,
    ToolInputGuardrailData,
    ToolOutputGuardrailData,
    function_tool,
    tool_input_guardrail,
    tool_output_guardrail,
)
from vivavoce.errors import ConfigurationError, ToolError

if TYPE_CHECKING:
    from collections.abc import Awaitable


@function_tool
def get_weather(city: str) -> str:
    """Get the current weather for a city.

    Args:
        city: where
    """
    return f"It is sunny in {city}."


@function_tool(name_override="forecast", description_override="Look ahead.", timeout=5)
async def get_forecast(context: ToolContext[dict[str, int]], city: str, days: int = 2) -> dict[str, Any]:
    """Not this."""
    return {"city": city, "days": days, "limit": context.context["limit"], "call": context.call_id}


def invoke(tool: FunctionTool, arguments: str, context: Any = None) -> Any:
    return asyncio.run(tool.invoke(ToolContext(context, call_id="call_1", tool_name=tool.name), arguments))


def test_a_decorated_function_describes_itself() -> None:
    assert get_weather.name == "get_weather"
    assert get_weather.description == "Get the current weather for a city."
    wire = get_weather.to_wire()
    assert (wire.type, wire.name) == ("function", "get_weather")
    assert dict(wire.parameters)["required"] == ["city"]  # type: ignore[arg-type]  # never unset here


def test_a_tool_that_a_model_cannot_understand_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    def bare(context, city, days: int = 1):  # type: ignore[no-untyped-def]  # what is tested
        pass

    def quiet(city: str) -> None:
        pass

    def hintless(city):  # type: ignore[no-untyped-def]  # what is tested
        """Look."""

    def complete(context: ToolContext[None], city: str) -> None:
        """Look."""

    for function in (bare, quiet, hintless, complete):
        function_tool(function)
    function_tool(quiet, description_override="Look.")
    first, second, third = [record.getMessage() for record in caplog.records]
    assert first.startswith("Tool 'bare': it has no docstring")
    assert "no type hint says what goes into 'context', 'city'," in first
    assert second == "Tool 'quiet': it has no docstring, so a model cannot know what it is for"
    assert third.startswith("Tool 'hintless': no type hint says what goes into 'city'")


def test_overrides_win() -> None:
    assert (get_forecast.name, get_forecast.description, get_forecast.timeout) == (
        "forecast",
        "Look ahead.",
        5,
    )


def test_plain_and_async_functions_are_called() -> None:
    assert invoke(get_weather, '{"city": "Oslo"}') == "It is sunny in Oslo."
    assert invoke(get_forecast, '{"city": "Oslo"}', {"limit": 9}) == {
        "city": "Oslo",
        "days": 2,
        "limit": 9,
        "call": "call_1",
    }


def test_bad_arguments_never_reach_the_function() -> None:
    with pytest.raises(ToolError, match="city: Field required"):
        invoke(get_weather, "{}")


def test_a_plain_function_runs_in_a_thread_for_tools() -> None:
    @function_tool
    def where() -> str:
        return threading.current_thread().name

    assert invoke(where, "{}").startswith("vivavoce-tool")


def test_a_parameter_may_have_any_name() -> None:
    @function_tool
    def odd(function: str, purpose: str, args: int, self: int = 0) -> str:
        return f"{function} {purpose} {args} {self}"

    assert invoke(odd, '{"function": "f", "purpose": "p", "args": 3}') == "f p 3 0"


def test_a_plain_function_may_return_an_awaitable() -> None:
    async def later() -> str:
        return "later"

    @function_tool
    def now() -> Awaitable[str]:
        return later()

    assert invoke(now, "") == "later"


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("no such city"), "Please try again. Error: no such city"),
        (TimeoutError(), "Tool 'get_weather' timed out"),
    ],
)
def test_the_model_is_told_of_a_failure(error: Exception, message: str) -> None:
    context = ToolContext(None, tool_name="get_weather")
    assert message in asyncio.run(get_weather.describe_failure(context, error))


def test_the_message_for_the_model_can_be_replaced_or_withheld() -> None:
    async def polite(_context: ToolContext[Any], error: Exception) -> str:
        return f"Sorry: {error}"

    @function_tool(failure_error_function=polite)
    def one() -> None: ...

    @function_tool(failure_error_function=None)
    def two() -> None: ...

    context = ToolContext(None)
    assert asyncio.run(one.describe_failure(context, ValueError("x"))) == "Sorry: x"
    assert asyncio.run(two.describe_failure(context, ValueError("x"))) == "The tool failed."


def test_only_functions_can_be_decorated() -> None:
    with pytest.raises(ConfigurationError, match="takes a function, got 'text'"):
        function_tool("text")  # type: ignore[call-overload]  # the mistake under test


def test_every_option_reaches_the_tool() -> None:
    @tool_input_guardrail
    def before(_data: ToolInputGuardrailData) -> ToolGuardrailFunctionOutput:
        return ToolGuardrailFunctionOutput.allow()

    @tool_output_guardrail
    def after(_data: ToolOutputGuardrailData) -> ToolGuardrailFunctionOutput:
        return ToolGuardrailFunctionOutput.allow()

    def silent(_context: ToolContext[Any], _error: Exception) -> str:
        return ""

    options: dict[str, Any] = {
        "failure_error_function": silent,
        "is_enabled": False,
        "needs_approval": True,
        "approval_timeout": 20.0,
        "tool_input_guardrails": [before],
        "tool_output_guardrails": [after],
        "timeout": 9.0,
        "timeout_behavior": "raise_exception",
        "timeout_error_function": silent,
        "background": True,
    }

    def upper(text: str) -> str:
        """Not this."""
        return text.upper()

    tool = function_tool(upper, strict_mode=False, name_override="up", use_docstring_info=False, **options)
    assert invoke(tool, '{"text": "a"}') == "A"
    assert (tool.name, tool.description, tool.strict_json_schema) == ("up", "", False)
    held = {name: getattr(tool, name) for name in options}
    assert held == {**options, "tool_input_guardrails": (before,), "tool_output_guardrails": (after,)}


def test_an_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"no option 'docstring_style'; it has: name_override, "):
        function_tool(docstring_style="google")  # type: ignore[call-overload]  # the mistake under test


def test_a_name_in_words_becomes_one_for_the_model() -> None:
    assert function_tool(lambda: None, name_override="Refund Expert").name == "Refund_Expert"
