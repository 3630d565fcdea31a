from __future__ import annotations

import asyncio
import re
from types import SimpleNamespace
from typing import Any

import pytest

from vivavoce.agents import AgentBase, FunctionTool, HostedMCPTool, RunContextWrapper, function_tool
from vivavoce.agents.base import check_list, check_text, check_tools
from vivavoce.errors import ConfigurationError

CONTEXT = RunContextWrapper(None)


@function_tool
def wave() -> str:
    """Wave."""
    return "waved"


@function_tool(is_enabled=False)
def bow() -> str:
    """Bow."""
    return "bowed"


class Server:
    """An MCP server that lives here."""

    name = "here"

    def __init__(self, *tools: str) -> None:
        self._tools = tools

    async def list_tools(self, ctx: Any = None, agent: Any = None) -> list[Any]:
        schema = {"type": "object", "properties": {}}
        return [
            SimpleNamespace(
                name=name,
                description="",
                inputSchema=schema,
                input_schema=schema,
                title=None,
                annotations=None,
            )
            for name in self._tools
        ]

    async def call_tool(self, name: str, arguments: dict[str, Any] | None) -> Any:
        raise NotImplementedError


class Nameless(Server):
    """A server that errors could not name."""

    name = None  # type: ignore[assignment]  # the mistake under test


def names(agent: AgentBase[Any]) -> list[str]:
    return [tool.name for tool in asyncio.run(agent.get_all_tools(CONTEXT))]


def test_an_agent_needs_nothing_but_a_name() -> None:
    agent = AgentBase[Any]("Ada")
    assert (agent.name, agent.handoff_description, agent.tools) == ("Ada", None, [])
    assert (agent.mcp_servers, agent.mcp_config) == ([], {})
    assert names(agent) == []


def test_disabled_tools_are_not_offered() -> None:
    assert names(AgentBase("Ada", tools=[bow, wave])) == ["wave"]


def test_tools_of_servers_come_first() -> None:
    agent = AgentBase[Any]("Ada", tools=[wave], mcp_servers=[Server("look", "listen")])
    assert names(agent) == ["look", "listen", "wave"]
    assert [tool.name for tool in asyncio.run(agent.get_mcp_tools(CONTEXT))] == ["look", "listen"]


def test_a_tool_of_a_server_may_not_share_a_name() -> None:
    agent = AgentBase[Any]("Ada", tools=[wave], mcp_servers=[Server("wave")])
    with pytest.raises(ConfigurationError, match="AgentBase 'Ada': all tools has two tools named 'wave'"):
        names(agent)


def test_a_hosted_server_may_be_called_like_a_tool() -> None:
    agent = AgentBase[Any]("Ada", tools=[wave, HostedMCPTool("wave", "https://example.org")])
    assert names(agent) == ["wave", "wave"]


def test_tools_may_come_and_go_after_the_agent_was_made() -> None:
    agent = AgentBase[Any]("Ada")
    assert isinstance(agent.tools, list)
    agent.tools.append(wave)
    assert names(agent) == ["wave"]
    agent.tools = ()
    assert names(agent) == []
    agent.tools = [len]  # type: ignore[list-item]  # the mistake under test
    with pytest.raises(
        ConfigurationError, match=re.escape("AgentBase 'Ada': tools[0] is not a FunctionTool")
    ):
        names(agent)


def test_lists_and_dictionaries_are_its_own() -> None:
    tools: list[FunctionTool | HostedMCPTool] = [wave]
    servers = [Server()]
    config = {"include_server_in_tool_names": True}
    agent = AgentBase[Any]("Ada", tools=tools, mcp_servers=servers, mcp_config=config)
    tools.clear()
    servers.clear()
    config.clear()
    assert (len(agent.tools), len(agent.mcp_servers), len(agent.mcp_config)) == (1, 1, 1)


def test_a_clone_hears_nothing_of_the_originals_listeners() -> None:
    heard: list[str] = []
    original = AgentBase[Any]("Ada", tools=[wave]).on("tick", heard.append)
    clone = original.clone(name="Bob")
    assert clone.emit("tick", "b") is False
    assert original.emit("tick", "a") is True
    assert heard == ["a"]
    assert clone.tools == original.tools
    assert clone.tools is not original.tools


def test_listeners_come_and_go() -> None:
    heard: list[str] = []
    agent = (
        AgentBase[Any]("Ada").once("tick", heard.append).on("tock", heard.append).off("tock", heard.append)
    )
    assert [agent.emit("tick", "1"), agent.emit("tick", "2"), agent.emit("tock", "3")] == [True, False, False]
    assert heard == ["1"]


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"name": " "}, "AgentBase.name must be a text that is not empty, got ' '"),
        ({"handoff_description": 3}, "AgentBase.handoff_description must be a text or None, got 3"),
        ({"tools": {wave.name: wave}}, "AgentBase.tools must be a list of tools"),
        ({"tools": [wave, wave]}, "AgentBase.tools has two tools named 'wave'; give one a name_override"),
        ({"mcp_servers": [wave]}, "AgentBase.mcp_servers[0] is not an MCP server"),
        ({"mcp_servers": [Nameless()]}, "AgentBase.mcp_servers[0] is not an MCP server"),
        ({"mcp_servers": Server()}, "AgentBase.mcp_servers must be a list, each an MCP server"),
        ({"mcp_config": {"strict": True}}, "AgentBase.mcp_config must be a dictionary with convert_schemas"),
        ({"mcp_config": None}, "AgentBase.mcp_config must be a dictionary"),
    ],
)
def test_a_field_of_the_wrong_kind_is_refused(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(complaint)):
        AgentBase(**{"name": "Ada", **fields})


def test_the_checks_name_what_they_check() -> None:
    check_text(None, "it")
    check_text("a", "it")
    assert check_list((1, 2), "it", "a number", fits=lambda value: isinstance(value, int)) == [1, 2]
    assert check_tools((wave,), owner="it") == [wave]
    with pytest.raises(ConfigurationError, match="it must be a list, each a number, got 'ab'"):
        check_list("ab", "it", "a number", fits=bool)
