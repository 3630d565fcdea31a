from __future__ import annotations

from typing import Any

import pytest
from mcp.types import CallToolResult, TextContent, Tool

from vivavoce.errors import ConfigurationError
from vivavoce.mcp import MCPServer
from vivavoce.testing import run


class Homemade(MCPServer):
    """A server that is no more than its methods."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.steps: list[str] = []

    @property
    def name(self) -> str:
        return "homemade"

    async def connect(self) -> None:
        self.steps.append("connect")

    async def cleanup(self) -> None:
        self.steps.append("cleanup")

    async def list_tools(self, ctx: Any = None, agent: Any = None) -> list[Tool]:
        return [tool("look")]

    async def call_tool(
        self, name: str, arguments: dict[str, Any] | None, meta: dict[str, Any] | None = None
    ) -> CallToolResult:
        return CallToolResult(content=[TextContent(type="text", text=name)])


def tool(name: str) -> Tool:
    return Tool(name=name, input_schema={"type": "object"})


def test_it_is_connected_for_the_time_of_its_block() -> None:
    async def main() -> list[str]:
        server = Homemade()
        async with server as entered:
            assert entered is server
            server.invalidate_tools_cache()
            server.steps.append("use")
        return server.steps

    assert run(main()) == ["connect", "use", "cleanup"]


def test_approval_is_a_switch_per_server_or_per_tool() -> None:
    assert Homemade().needs_approval(tool("look")) is False
    assert Homemade(require_approval="always").needs_approval(tool("look")) is True
    some = Homemade(require_approval={"delete": "always", "look": "never"})
    assert [some.needs_approval(tool(name)) for name in ("look", "delete", "other")] == [False, True, False]


def test_approval_can_be_decided_per_call_by_a_plain_or_an_async_function() -> None:
    asked: list[Any] = []

    def plain(context: Any, agent: Any, asked_for: Tool) -> bool:
        asked.append((context, agent, asked_for.name))
        return asked_for.name == "delete"

    async def later(context: Any, agent: Any, asked_for: Tool) -> bool:
        return plain(context, agent, asked_for)

    async def main() -> None:
        for policy in (plain, later):
            server = Homemade(require_approval=policy)
            for name, verdict in (("look", False), ("delete", True)):
                decide = server.needs_approval(tool(name), "agent")
                assert callable(decide)
                assert await decide("run", {"a": 1}, "call_1") is verdict

    run(main())
    assert asked == [("run", "agent", "look"), ("run", "agent", "delete")] * 2


def test_a_bad_setting_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="require_approval is 'perhaps'"):
        Homemade(require_approval="perhaps")
