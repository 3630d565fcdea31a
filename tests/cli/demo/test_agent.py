from __future__ import annotations

import asyncio
import json

import pytest

from vivavoce.agents import FunctionTool, ToolContext
from vivavoce.cli.demo.agent import find_trains, get_weather, travel_desk


def use(tool: FunctionTool, city: str) -> str:
    async def invoke() -> str:
        context = ToolContext(None, tool_name=tool.name)
        return str(await tool.on_invoke_tool(context, json.dumps({"city": city})))

    return asyncio.run(invoke())


@pytest.mark.parametrize(
    ("tool", "city", "said"),
    [
        (get_weather, "London", "Tomorrow in London it will be cloudy"),
        (get_weather, "PARIS", "Tomorrow in PARIS it will be sunny"),
        (get_weather, "Atlantis", "There is no forecast for Atlantis."),
        (find_trains, "London", "There are four trains to London tomorrow."),
        (find_trains, "Atlantis", "There are no trains to Atlantis tomorrow."),
    ],
)
def test_the_tools_look_into_their_tables(tool: FunctionTool, city: str, said: str) -> None:
    assert use(tool, city).startswith(said)


def test_the_agent_has_two_tools_and_knows_its_trade() -> None:
    agent = travel_desk()
    assert [tool.name for tool in agent.tools] == ["get_weather", "find_trains"]
    assert isinstance(agent.instructions, str)
    assert "travel desk" in agent.instructions
