"""`Agent` with the parameters' names of `openai-agents`."""

from __future__ import annotations

from vivavoce import RunContextWrapper, function_tool
from vivavoce.openai_agents import Agent
from vivavoce.testing import run


@function_tool
def look() -> str:
    """Look."""
    return "Nothing."


def test_methods_call_the_run_run_context() -> None:
    async def main() -> None:
        prompt = {"id": "pmpt_1"}
        agent: Agent[None] = Agent("Ada", instructions="Be kind.", tools=[look], prompt=prompt)
        context = RunContextWrapper(None)
        assert await agent.get_all_tools(run_context=context) == [look]
        assert await agent.get_mcp_tools(run_context=context) == []
        assert await agent.get_system_prompt(run_context=context) == "Be kind."
        assert await agent.get_prompt(run_context=context) == prompt

    run(main())


def test_a_clone_is_of_the_same_class() -> None:
    assert type(Agent("Ada").clone(name="Bea")) is Agent
