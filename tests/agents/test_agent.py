from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from vivavoce.agents import FunctionTool, RealtimeAgent, RunContextWrapper, function_tool
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
    tools: list[FunctionTool] = [wave]
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
    with pytest.raises(ConfigurationError, match=r"no field 'color'; it has: name, handoff_description, tools"):
        RealtimeAgent("Ada").clone(color="red")


async def _async_instructions(context: RunContextWrapper[dict[str, str]], agent: RealtimeAgent[Any]) -> str:
    return f"{agent.name} helps {context.context['user']}"


def _plain_instructions(context: RunContextWrapper[dict[str, str]], agent: RealtimeAgent[Any]) -> str:
    return f"{context.context['user']} talks to {agent.name}"


@pytest.mark.parametrize(
    ("instructions", "written"),
    [
        ("Be kind.", "Be kind."),
        (_async_instructions, "Ada helps Kim"),
        (_plain_instructions, "Kim talks to Ada"),
    ],
)
def test_instructions_may_be_text_or_a_function(instructions: Any, written: str) -> None:
    agent = RealtimeAgent[Any]("Ada", instructions)
    assert asyncio.run(agent.resolve_instructions(RunContextWrapper({"user": "Kim"}))) == written


def test_instructions_that_are_not_text_are_refused() -> None:
    agent = RealtimeAgent[Any]("Ada", lambda _context, _agent: 5)  # type: ignore[arg-type, return-value]  # the mistake under test
    with pytest.raises(ConfigurationError, match="must return a text, got 5"):
        asyncio.run(agent.resolve_instructions(RunContextWrapper(None)))
