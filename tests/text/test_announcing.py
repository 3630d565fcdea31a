from __future__ import annotations

from typing import Any

import pytest

from vivavoce.agents import (
    AgentHooksBase,
    FunctionTool,
    RunContextWrapper,
    RunHooks,
    RunHooksBase,
    ToolContext,
)
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import FunctionCallItem
from vivavoce.testing import run
from vivavoce.text import Agent
from vivavoce.text.announcing import Announcer

CALL = FunctionCallItem(name="look", arguments="{}", call_id="c")
CONTEXT: RunContextWrapper[Any] = RunContextWrapper(None)
TOOL_CONTEXT: ToolContext[Any] = ToolContext(None, call_id="c")


async def nothing(context: Any, arguments: str) -> None:
    """Do nothing."""


TOOL = FunctionTool("look", "", on_invoke_tool=nothing)


def recording(base: Any, name: str, heard: list[Any]) -> Any:
    """Hooks that note each call: who heard it, which it was, and its arguments."""

    def noting(method: str) -> Any:
        async def note(self: Any, *args: Any) -> None:
            heard.append((name, method, args))

        return note

    methods = [method for method in dir(base) if method.startswith("on_")]
    return type(name, (base,), {method: noting(method) for method in methods})()


async def announce(announcer: Announcer, one: Agent[Any, Any], two: Agent[Any, Any]) -> None:
    await announcer.started(one)
    await announcer.tool_started(one, TOOL, TOOL_CONTEXT, CALL)
    await announcer.tool_ended(one, TOOL, TOOL_CONTEXT, CALL, 7)
    await announcer.handed_over(one, two)
    await announcer.ended(two, "done")


def test_the_run_the_agent_and_its_listeners_hear_of_everything() -> None:
    heard: list[Any] = []
    one = Agent("One", hooks=recording(AgentHooksBase, "one", heard))
    two = Agent("Two", hooks=recording(AgentHooksBase, "two", heard))
    events = ("agent_start", "agent_end", "agent_handoff", "agent_tool_start", "agent_tool_end")
    for agent in (one, two):
        for event in events:
            agent.on(event, lambda *args, at=(agent.name, event): heard.append((*at, args)))
    hooks = recording(RunHooksBase, "run", heard)
    run(announce(Announcer(hooks, CONTEXT), one, two))
    assert heard == [
        ("run", "on_agent_start", (CONTEXT, one)),
        ("one", "on_start", (CONTEXT, one)),
        ("One", "agent_start", (CONTEXT, one)),
        ("run", "on_tool_start", (TOOL_CONTEXT, one, TOOL)),
        ("one", "on_tool_start", (TOOL_CONTEXT, one, TOOL)),
        ("One", "agent_tool_start", (TOOL_CONTEXT, TOOL, {"tool_call": CALL})),
        ("run", "on_tool_end", (TOOL_CONTEXT, one, TOOL, 7)),
        ("one", "on_tool_end", (TOOL_CONTEXT, one, TOOL, 7)),
        ("One", "agent_tool_end", (TOOL_CONTEXT, TOOL, 7, {"tool_call": CALL})),
        ("run", "on_handoff", (CONTEXT, one, two)),
        ("two", "on_handoff", (CONTEXT, two, one)),
        ("One", "agent_handoff", (CONTEXT, two)),
        ("run", "on_agent_end", (CONTEXT, two, "done")),
        ("two", "on_end", (CONTEXT, two, "done")),
        ("Two", "agent_end", (CONTEXT, "done")),
    ]


def test_without_hooks_the_listeners_still_hear() -> None:
    heard: list[Any] = []
    one, two = Agent("One"), Agent("Two")
    one.on("agent_handoff", lambda *args: heard.append(args))
    run(announce(Announcer(None, CONTEXT), one, two))
    assert heard == [(CONTEXT, two)]


def test_what_a_hook_raises_reaches_the_run() -> None:
    class Strict(RunHooks[Any]):
        async def on_agent_start(self, context: Any, agent: Any) -> None:
            raise ValueError("not today")

    with pytest.raises(ValueError, match="not today"):
        run(Announcer(Strict(), CONTEXT).started(Agent("One")))


def test_hooks_must_be_hooks() -> None:
    with pytest.raises(ConfigurationError, match="hooks must be RunHooks or None, got 3"):
        Announcer(3, CONTEXT)  # type: ignore[arg-type]
