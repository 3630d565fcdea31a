from __future__ import annotations

import asyncio
import inspect
import types
from typing import Any

import pytest

from vivavoce.agents import (
    AgentHooks,
    AgentHooksBase,
    RealtimeAgent,
    RealtimeAgentHooks,
    RealtimeRunHooks,
    RunContextWrapper,
    RunHooks,
    RunHooksBase,
    function_tool,
)

ADA, BOB = RealtimeAgent[Any]("Ada"), RealtimeAgent[Any]("Bob")


@function_tool
def wave() -> None:
    """Wave."""


class Greeter(RealtimeAgentHooks[dict[str, str]]):
    """Overrides one method."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def on_start(self, context: RunContextWrapper[dict[str, str]], agent: RealtimeAgent[Any]) -> None:
        self.seen.append(f"{agent.name} for {context.context['user']}")


class Counter(RealtimeRunHooks):
    """Overrides nothing, and says nothing of the context."""


def test_only_what_is_overridden_does_something() -> None:
    async def main() -> list[str]:
        hooks = Greeter()
        context = RunContextWrapper({"user": "Kim"})
        await hooks.on_start(context, ADA)
        await hooks.on_handoff(context, ADA, BOB)
        await hooks.on_tool_start(context, ADA, wave)
        await hooks.on_tool_end(context, ADA, wave, None)
        await hooks.on_end(context, ADA, "Bye.")
        return hooks.seen

    assert asyncio.run(main()) == ["Ada for Kim"]


def test_the_hooks_of_a_run_do_nothing_by_themselves() -> None:
    async def main() -> None:
        hooks = Counter()
        context = RunContextWrapper[Any](None)
        await hooks.on_agent_start(context, ADA)
        await hooks.on_handoff(context, ADA, BOB)
        await hooks.on_tool_start(context, ADA, wave)
        await hooks.on_tool_end(context, ADA, wave, None)
        await hooks.on_agent_end(context, ADA, "Bye.")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("alias", "base"),
    [
        (RealtimeAgentHooks, AgentHooksBase),
        (AgentHooks, AgentHooksBase),
        (RealtimeRunHooks, RunHooksBase),
        (RunHooks, RunHooksBase),
    ],
)
def test_every_kind_of_hooks_can_be_derived_from(alias: Any, base: type[Any]) -> None:
    own = types.new_class("Own", (alias,))
    assert issubclass(own, base)


@pytest.mark.parametrize(
    ("hooks", "method", "parameters"),
    [
        (AgentHooksBase, "on_start", ["context", "agent"]),
        (AgentHooksBase, "on_end", ["context", "agent", "output"]),
        (AgentHooksBase, "on_handoff", ["context", "agent", "source"]),
        (AgentHooksBase, "on_tool_start", ["context", "agent", "tool"]),
        (AgentHooksBase, "on_tool_end", ["context", "agent", "tool", "result"]),
        (RunHooksBase, "on_agent_start", ["context", "agent"]),
        (RunHooksBase, "on_agent_end", ["context", "agent", "output"]),
        (RunHooksBase, "on_handoff", ["context", "from_agent", "to_agent"]),
    ],
)
def test_parameters_are_named_as_in_the_agents_sdk(
    hooks: type[Any], method: str, parameters: list[str]
) -> None:
    assert list(inspect.signature(getattr(hooks, method)).parameters) == ["self", *parameters]
