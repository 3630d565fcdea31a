from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from vivavoce.agents import Handoff, RealtimeAgent, RunContextWrapper, function_tool, realtime_handoff
from vivavoce.agents.tool import Tool
from vivavoce.errors import ConfigurationError


@function_tool
def wave() -> str:
    """Wave."""
    return "waved"


class Greeter(RealtimeAgent[Any]):
    """A user's own kind of agent."""


def test_an_agent_needs_nothing_but_a_name() -> None:
    agent: RealtimeAgent[Any] = RealtimeAgent("Ada")
    assert (agent.name, agent.instructions, list(agent.tools), agent.voice) == ("Ada", "", [], None)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"name": ""}, "name must be a text that is not empty"),
        ({"name": 3}, "got 3"),
        ({"name": "A", "instructions": 7}, "instructions must be a text or a function"),
        ({"name": "A", "voice": 1}, "voice must be a text or None, got 1"),
        ({"name": "A", "prompt": "pmpt_1"}, "RealtimeAgent.prompt must be a dictionary"),
        (
            {"name": "A", "handoffs": ["B"]},
            "RealtimeAgent.handoffs[0] is not a RealtimeAgent or a Handoff: 'B'",
        ),
        (
            {"name": "A", "output_guardrails": [len]},
            "<built-in function len>; decorate it with @output_guardrail",
        ),
        ({"name": "A", "input_guardrails": "x"}, "input_guardrails must be a list, each an InputGuardrail"),
        ({"name": "A", "hooks": Greeter}, "hooks must be RealtimeAgentHooks or None"),
        ({"name": "A", "tools": "wave"}, "tools must be a list of tools"),
        ({"name": "A", "tools": [len]}, "decorate it with @function_tool"),
        ({"name": "A", "tools": [3]}, "tools[0] is not a FunctionTool: 3"),
        ({"name": "A", "tools": [wave, wave]}, "two tools named 'wave'"),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(complaint)):
        RealtimeAgent(**fields)


def test_an_agent_keeps_its_own_list_of_tools() -> None:
    tools: list[Tool] = [wave]
    agent: RealtimeAgent[Any] = RealtimeAgent("Ada", tools=tools)
    tools.clear()
    assert agent.tools == [wave]


def test_a_clone_is_of_the_same_class_and_shares_no_list() -> None:
    original = Greeter("Ada", "Be kind.", tools=[wave], voice="alloy")
    clone = original.clone(name="Bob")
    assert type(clone) is Greeter
    assert (clone.name, clone.instructions, clone.voice) == ("Bob", "Be kind.", "alloy")
    assert clone.tools == original.tools
    assert clone.tools is not original.tools


def test_a_clone_refuses_a_field_that_does_not_exist() -> None:
    with pytest.raises(
        ConfigurationError, match=r"no field 'color'; it has: name, handoff_description, tools"
    ):
        RealtimeAgent("Ada").clone(color="red")


def test_every_field_has_its_default() -> None:
    agent: RealtimeAgent[Any] = RealtimeAgent("Ada")
    assert (agent.prompt, agent.hooks, agent.handoff_description) == (None, None, None)
    assert [agent.handoffs, agent.output_guardrails, agent.input_guardrails] == [[], [], []]
    assert RealtimeAgent[Any]("Ada", None).instructions == ""  # type: ignore[arg-type]  # accepted from the Agents SDK


async def _async_instructions(context: RunContextWrapper[dict[str, str]], agent: RealtimeAgent[Any]) -> str:
    return f"{agent.name} helps {context.context['user']}"


@pytest.mark.parametrize(
    ("instructions", "written"), [("Be kind.", "Be kind."), (_async_instructions, "Ada helps Kim")]
)
def test_instructions_may_be_text_or_a_function(instructions: Any, written: str) -> None:
    agent = RealtimeAgent[Any]("Ada", instructions)
    context = RunContextWrapper({"user": "Kim"})
    assert asyncio.run(agent.resolve_instructions(context)) == written
    assert asyncio.run(agent.get_system_prompt(context)) == written


def test_a_prompt_may_be_given_or_written() -> None:
    agent = RealtimeAgent[Any]("Ada", prompt=lambda context, _agent: {"id": context.context})
    assert asyncio.run(agent.resolve_prompt(RunContextWrapper("pmpt_1"))) == {"id": "pmpt_1"}
    assert asyncio.run(RealtimeAgent[Any]("Ada").resolve_prompt(RunContextWrapper(None))) is None


def names_of_handoffs(agent: RealtimeAgent[Any], context: Any = None) -> list[str]:
    found = asyncio.run(agent.get_enabled_handoffs(RunContextWrapper(context)))
    assert all(isinstance(handoff, Handoff) for handoff in found)
    return [handoff.tool_name for handoff in found]


def test_plain_agents_become_handoffs() -> None:
    bob = RealtimeAgent[Any]("Bob")
    agent = RealtimeAgent[Any]("Ada", handoffs=[bob, realtime_handoff(bob, "to_bob_too")])
    assert names_of_handoffs(agent) == ["transfer_to_bob", "to_bob_too"]


def test_agents_may_hand_over_to_each_other_and_to_themselves() -> None:
    ada, bob = RealtimeAgent[Any]("Ada"), RealtimeAgent[Any]("Bob")
    ada.handoffs = [ada, bob]
    assert isinstance(bob.handoffs, list)
    bob.handoffs.append(ada)
    assert names_of_handoffs(ada) == ["transfer_to_ada", "transfer_to_bob"]
    assert names_of_handoffs(bob) == ["transfer_to_ada"]
    assert repr(ada) == "RealtimeAgent('Ada')"
    assert ada.clone(name="Eve").handoffs == [ada, bob]


def test_disabled_handoffs_are_not_offered() -> None:
    bob, eve = RealtimeAgent[Any]("Bob"), RealtimeAgent[Any]("Eve")
    open_to = realtime_handoff(bob, is_enabled=lambda context, agent: context.context == agent.name)
    agent = RealtimeAgent[Any]("Ada", handoffs=[open_to, realtime_handoff(eve, is_enabled=False)])
    assert names_of_handoffs(agent, "Ada") == ["transfer_to_bob"]
    assert names_of_handoffs(agent, "Kim") == []


def test_what_was_appended_is_checked_when_it_is_used() -> None:
    agent = RealtimeAgent[Any]("Ada", handoffs=[RealtimeAgent("Bob")])
    assert isinstance(agent.handoffs, list)
    agent.handoffs.append(RealtimeAgent("bob"))
    with pytest.raises(ConfigurationError, match="'Ada': handoffs has two handoffs named 'transfer_to_bob'"):
        names_of_handoffs(agent)
    agent.handoffs = ["Bob"]  # type: ignore[list-item]  # the mistake under test
    with pytest.raises(ConfigurationError, match=r"handoffs\[0\] is not a RealtimeAgent or a Handoff: 'Bob'"):
        names_of_handoffs(agent)
