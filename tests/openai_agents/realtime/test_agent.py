"""`RealtimeAgent` with the parameters' names of `openai-agents`."""

from __future__ import annotations

import vivavoce
from vivavoce import RunContextWrapper, function_tool
from vivavoce.openai_agents.realtime import RealtimeAgent
from vivavoce.testing import run


@function_tool
def look() -> str:
    """Look."""
    return "Nothing."


def test_methods_call_the_run_run_context() -> None:
    async def main() -> None:
        agent: RealtimeAgent[None] = RealtimeAgent("Ada", instructions="Be kind.", tools=[look])
        context = RunContextWrapper(None)
        assert await agent.get_all_tools(run_context=context) == [look]
        assert await agent.get_mcp_tools(run_context=context) == []
        assert await agent.get_system_prompt(run_context=context) == "Be kind."

    run(main())


def test_a_clone_is_of_the_same_class() -> None:
    assert type(RealtimeAgent("Ada").clone(name="Bea")) is RealtimeAgent


def test_agents_of_both_kinds_hand_off_to_each_other() -> None:
    ours: vivavoce.RealtimeAgent[None] = vivavoce.RealtimeAgent("Bea")
    theirs: RealtimeAgent[None] = RealtimeAgent("Ada", handoffs=[ours])
    ours.handoffs = [theirs]
    context = RunContextWrapper(None)
    [handoff] = run(ours.get_enabled_handoffs(context))
    assert handoff.agent is theirs
