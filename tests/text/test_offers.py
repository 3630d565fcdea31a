from __future__ import annotations

import logging
from typing import Any

import pytest

from vivavoce.agents import FunctionTool, Handoff, HostedMCPTool, RunContextWrapper, function_tool
from vivavoce.engines.base import ModelRequest
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import InputText, MessageItem, ToolChoiceFunction
from vivavoce.testing import run
from vivavoce.text import Agent, ModelSettings, handoff
from vivavoce.text.offers import offer_of, request_for, warn_of_output_types

CONTEXT: RunContextWrapper[Any] = RunContextWrapper({"user": "Ann"})
USER = MessageItem(role="user", content=[InputText(text="Hi")])


@function_tool
def look(place: str, far: bool = False) -> str:
    """Look somewhere."""
    return place


@function_tool(is_enabled=False)
def secret() -> str:
    """Do what nobody may."""
    return ""


BILLING = Agent("Billing")


def requested(agent: Agent[Any, Any], *, strict: bool = True, **settings: Any) -> ModelRequest:
    async def main() -> ModelRequest:
        offer = await offer_of(agent, CONTEXT)
        return await request_for(agent, offer, CONTEXT, [USER], ModelSettings(**settings), strict=strict)

    return run(main())


def test_a_request_holds_what_agent_and_settings_say() -> None:
    async def instructions(context: RunContextWrapper[Any], agent: Any) -> str:
        return f"{agent.name} talks to {context.context['user']}."

    agent = Agent(
        "A",
        instructions,
        tools=[look, secret],
        handoffs=[BILLING, handoff(Agent("Hidden"), is_enabled=False)],
        output_type=list[int],
        prompt=lambda context, agent: {"id": "p"},
    )
    request = requested(agent, temperature=0.5, max_tokens=9, parallel_tool_calls=False, verbosity="low")
    assert request.instructions == "A talks to Ann."
    assert request.items == (USER,)
    assert [tool.name for tool in request.tools] == ["look", "transfer_to_billing"]
    assert (request.tool_choice, request.parallel_tool_calls, request.max_output_tokens) == ("auto", False, 9)
    options = request.options
    assert options is not None
    assert options.temperature == 0.5
    assert options.output_schema is not None
    assert options.output_schema.name == "final_output"
    assert options.prompt == {"id": "p"}
    assert options.extra_body == {"verbosity": "low"}


def test_tools_are_offered_plain_and_strict() -> None:
    request = requested(Agent("A", tools=[look], handoffs=[BILLING]))
    assert request.options is not None
    strict = request.options.strict_parameters
    assert list(strict) == ["look", "transfer_to_billing"]
    assert strict["look"]["required"] == ["place", "far"]
    plain = request.tools[0].parameters
    assert isinstance(plain, dict)
    assert plain["required"] == ["place"]


def test_a_handoff_may_be_loose() -> None:
    async def invoke(context: Any, arguments: str) -> Any:
        return BILLING

    made = Handoff("go", "Go.", {"type": "object"}, invoke, "Billing", BILLING, strict_json_schema=False)
    request = requested(Agent("A", handoffs=[made]))
    assert request.options is not None
    assert request.options.strict_parameters == {}
    assert request.tools[0].name == "go"


def free(strict: bool) -> FunctionTool:
    async def nothing(context: Any, arguments: str) -> None:
        """Do nothing."""

    schema = {"type": "object", "properties": {"any": {"type": "object"}}}
    return FunctionTool("free", "", schema, nothing, strict_json_schema=strict)


def test_a_tool_that_cannot_be_strict_must_say_so() -> None:
    with pytest.raises(ConfigurationError, match="'free'"):
        requested(Agent("A", tools=[free(strict=True)]))
    for request in (
        requested(Agent("A", tools=[free(strict=False)])),
        requested(Agent("A", tools=[free(strict=True)]), strict=False),
    ):
        assert request.options is not None
        assert request.options.strict_parameters == {}


@pytest.mark.parametrize(
    ("choice", "asked"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ("look", ToolChoiceFunction(name="look")),
        ("transfer_to_billing", ToolChoiceFunction(name="transfer_to_billing")),
    ],
)
def test_choices_of_a_tool(choice: str, asked: Any) -> None:
    agent = Agent("A", tools=[look], handoffs=[BILLING])
    assert requested(agent, tool_choice=choice).tool_choice == asked


def test_a_choice_of_no_tool_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"tool_choice is 'sing', .* its tools: look"):
        requested(Agent("A", tools=[look]), tool_choice="sing")
    with pytest.raises(ConfigurationError, match="its tools: none"):
        requested(Agent("A"), tool_choice="sing")


def test_what_cannot_be_offered_is_refused() -> None:
    hosted = HostedMCPTool("shop", server_url="https://example.com/mcp")
    with pytest.raises(ConfigurationError, match="as mcp_servers"):
        run(offer_of(Agent("A", tools=[hosted]), CONTEXT))
    with pytest.raises(ConfigurationError, match="a tool and a handoff named 'look'"):
        run(offer_of(Agent("A", tools=[look], handoffs=[handoff(BILLING, "look")]), CONTEXT))


def warnings_of(agent: Agent[Any, Any], caplog: pytest.LogCaptureFixture) -> str:
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        warn_of_output_types(agent, run(offer_of(agent, CONTEXT)))
    return caplog.text


def test_several_output_types_are_warned_of_unless_meant(caplog: pytest.LogCaptureFixture) -> None:
    typed = Agent("Typed", output_type=int)
    assert "Typed" in warnings_of(Agent("A", handoffs=[typed, BILLING]), caplog)
    assert warnings_of(Agent("A", handoffs=[BILLING]), caplog) == ""
    assert warnings_of(Agent.create(name="A", handoffs=[typed]), caplog) == ""
    loud = Agent.create(name="A", handoffs=[typed], handoff_output_type_warning_enabled=True)
    assert "Typed" in warnings_of(loud, caplog)
