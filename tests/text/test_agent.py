from __future__ import annotations

from typing import Any

import pydantic
import pytest

from vivavoce.agents import (
    AgentHooks,
    GuardrailFunctionOutput,
    InputGuardrail,
    RealtimeAgent,
    RunContextWrapper,
    function_tool,
)
from vivavoce.errors import ConfigurationError
from vivavoce.testing import run
from vivavoce.text import Agent, ModelBehaviorError, ModelSettings, handoff

CONTEXT: RunContextWrapper[Any] = RunContextWrapper("Ann")


class Verdict(pydantic.BaseModel):
    approved: bool


async def fine(context: Any, agent: Any, text: Any) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(None, tripwire_triggered=False)


@function_tool
def look() -> str:
    """Look."""
    return "quiet"


def test_a_name_is_enough() -> None:
    agent = Agent("A")
    assert agent.instructions == ""
    assert agent.model is None
    assert agent.model_settings == ModelSettings()
    assert agent.tool_use_behavior == "run_llm_again"
    assert agent.reset_tool_choice is True
    assert agent.output_schema_name == "text"
    assert agent.to_json() == {"name": "A"}
    assert Agent.DEFAULT_MODEL_PLACEHOLDER == ""
    assert Agent("A", None).instructions == ""  # type: ignore[arg-type]


def test_lists_are_its_own_also_of_a_clone() -> None:
    tools = [look]
    agent = Agent("A", "Be brief.", tools=tools, input_guardrails=[InputGuardrail(fine)])
    tools.clear()
    twin = agent.clone(name="B", output_type=int)
    assert type(twin) is Agent
    assert (twin.name, twin.instructions, twin.output_schema_name) == ("B", "Be brief.", "int")
    assert twin.tools == agent.tools == [look]
    assert twin.tools is not agent.tools
    assert twin.input_guardrails is not agent.input_guardrails
    with pytest.raises(ConfigurationError, match="Agent has no field 'voice'"):
        agent.clone(voice="alloy")


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"instructions": 3}, r"Agent\.instructions must be a text or a function"),
        ({"prompt": {"name": "p"}}, r"Agent\.prompt must be"),
        (
            {"handoffs": [RealtimeAgent("V")]},
            r"Agent\.handoffs\[0\] hands over to RealtimeAgent\('V'\), but only Agent can take over",
        ),
        ({"handoffs": [Agent("B"), Agent("b")]}, "two handoffs named 'transfer_to_b'"),
        ({"model": 3}, r"Agent\.model must be a name, a LanguageModel"),
        ({"model_settings": {"heat": 1}}, r"Agent\.model_settings\.heat is not known"),
        ({"input_guardrails": [fine]}, r"Agent\.input_guardrails\[0\]"),
        ({"output_guardrails": [InputGuardrail(fine)]}, r"Agent\.output_guardrails\[0\]"),
        ({"hooks": look}, r"Agent\.hooks must be AgentHooks or None"),
        ({"tool_use_behavior": "stop"}, "tool_use_behavior must be"),
        ({"reset_tool_choice": "yes"}, r"Agent\.reset_tool_choice must be True or False, got 'yes'"),
        ({"tools": [look, look]}, "two tools named 'look'"),
    ],
)
def test_a_bad_field_is_refused_with_its_name(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        Agent("A", **fields)


def test_instructions_and_prompts_may_be_functions() -> None:
    async def instructions(context: RunContextWrapper[Any], agent: Agent[Any, Any]) -> str:
        return f"{agent.name} helps {context.context}."

    def prompt(context: RunContextWrapper[Any], agent: Agent[Any, Any]) -> dict[str, Any]:
        return {"id": "p", "variables": {"who": context.context}}

    agent = Agent("A", instructions, prompt=prompt)
    assert run(agent.get_system_prompt(CONTEXT)) == "A helps Ann."
    assert run(agent.get_prompt(CONTEXT)) == {"id": "p", "variables": {"who": "Ann"}}
    assert run(Agent("A").get_prompt(CONTEXT)) is None


def test_tools_and_handoffs_are_those_that_are_enabled() -> None:
    hidden = function_tool(is_enabled=False, name_override="hidden")(lambda: "x")
    agent = Agent("A", tools=[look, hidden])
    assert run(agent.get_all_tools(CONTEXT)) == [look]
    assert run(agent.get_mcp_tools(CONTEXT)) == []
    agent.handoffs = [agent, handoff(Agent("B"), is_enabled=lambda context, agent: False)]
    assert [made.tool_name for made in run(agent.get_enabled_handoffs(CONTEXT))] == ["transfer_to_a"]


def test_the_final_output_is_of_its_type() -> None:
    assert Agent("A").process_final_output("Hi") == "Hi"
    agent: Agent[Any, Verdict] = Agent("A", output_type=Verdict)
    assert agent.output_schema_name == "Verdict"
    assert agent.process_final_output('{"approved": true}').approved
    with pytest.raises(ModelBehaviorError, match="does not fit Verdict"):
        agent.process_final_output("yes")


def test_create_means_several_output_types() -> None:
    agent = Agent.create(name="A", handoffs=[Agent("B", output_type=int)])
    assert agent.handoff_output_type_warning_enabled is False


def test_listeners_come_and_go() -> None:
    heard: list[Any] = []
    agent = Agent("A", hooks=AgentHooks())
    assert agent.on("agent_start", heard.append).once("agent_start", heard.append) is agent
    assert agent.emit("agent_start", 1)
    assert agent.emit("agent_start", 2)
    agent.off("agent_start", heard.append)
    assert not agent.emit("agent_start", 3)
    assert heard == [1, 1, 2]
