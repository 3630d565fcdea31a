from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest
from mcp.types import CallToolResult, TextContent, Tool

from vivavoce.agents.context import ToolContext
from vivavoce.agents.mcp_tools import mcp_function_tools
from vivavoce.agents.tool import FunctionTool
from vivavoce.errors import ConfigurationError, ToolError
from vivavoce.mcp import MCPServer
from vivavoce.testing import run


class Server(MCPServer):
    """A server in memory: its tools by name, each with its schema."""

    def __init__(self, name: str, *tools: str | Tool, **settings: Any) -> None:
        super().__init__(**settings)
        self._name = name
        self.tools = [Tool(name=tool, input_schema={}) if isinstance(tool, str) else tool for tool in tools]
        self.asked: list[Any] = []
        self.calls: list[Any] = []
        self.answer = CallToolResult(content=[TextContent(type="text", text="done")])

    @property
    def name(self) -> str:
        return self._name

    async def connect(self) -> None: ...

    async def cleanup(self) -> None: ...

    async def list_tools(self, ctx: Any = None, agent: Any = None) -> list[Tool]:
        self.asked.append((ctx, agent))
        return self.tools

    async def call_tool(
        self, name: str, arguments: dict[str, Any] | None, meta: dict[str, Any] | None = None
    ) -> CallToolResult:
        self.calls.append((name, arguments))
        return self.answer


def listed(*servers: Any, **config: Any) -> list[FunctionTool]:
    return run(mcp_function_tools(servers, "the run", "the agent", config))


def names(*servers: Any, **config: Any) -> list[str]:
    return [tool.name for tool in listed(*servers, **config)]


def invoke(tool: FunctionTool, arguments: str) -> Any:
    context: ToolContext[Any] = ToolContext(None, tool_name=tool.name, call_id="call_1")
    return run(tool.invoke(context, arguments))


def test_a_tool_is_described_as_its_server_does() -> None:
    schema = {"type": "object", "properties": {"town": {"type": "string"}}, "required": ["town"]}
    weather = Tool(name="weather", description="Tell the weather.", title="Weather", input_schema=schema)
    server = Server("one", weather, Tool(name="news", title="News", input_schema={}), "rest")
    tools = listed(server)
    assert [(tool.name, tool.description) for tool in tools] == [
        ("weather", "Tell the weather."),
        ("news", "News"),
        ("rest", ""),
    ]
    assert tools[0].params_json_schema == schema
    assert tools[1].params_json_schema == {"type": "object", "properties": {}}
    assert not any(tool.strict_json_schema for tool in tools)
    assert server.asked == [("the run", "the agent")]


def test_a_call_goes_to_the_server_and_comes_back_as_text() -> None:
    server = Server("one", "look.around")
    [tool] = listed(server)
    assert tool.name == "look_around"
    assert invoke(tool, '{"at": "the sky"}') == "done"
    assert invoke(tool, "") == "done"
    assert server.calls == [("look.around", {"at": "the sky"}), ("look.around", {})]


@pytest.mark.parametrize(
    ("text", "words"), [("no such town", "no such town"), ("", "it failed without saying why")]
)
def test_a_tool_that_says_it_failed_is_a_tool_error(text: str, words: str) -> None:
    server = Server("one", "look")
    server.answer = CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)
    with pytest.raises(ToolError, match=words) as failed:
        invoke(listed(server)[0], "{}")
    assert failed.value.tool_name == "look"


@pytest.mark.parametrize(
    ("arguments", "words"), [("{", "bad arguments for look: not JSON"), ("[1]", "a JSON object is needed")]
)
def test_bad_arguments_do_not_reach_the_server(arguments: str, words: str) -> None:
    server = Server("one", "look")
    with pytest.raises(ToolError, match=words):
        invoke(listed(server)[0], arguments)
    assert server.calls == []


def test_two_servers_may_not_share_a_name() -> None:
    with pytest.raises(
        ConfigurationError, match="'one' and 'two' both have a tool named 'look'; set mcp_config"
    ):
        listed(Server("one", "look"), Server("two", "hear", "look"))


def test_names_can_carry_their_servers() -> None:
    servers = Server("stdio: npx", "look", "read.file"), Server("two", "look")
    assert names(*servers, include_server_in_tool_names=True) == [
        "mcp_stdio__npx__look",
        "mcp_stdio__npx__read_file",
        "mcp_two__look",
    ]


def test_names_stay_distinct_short_and_the_same() -> None:
    twins = Server("x" * 80, "look", "listen"), Server("x" * 80, "look")
    prefixed = names(*twins, include_server_in_tool_names=True)
    assert len(set(prefixed)) == 3
    assert all(len(name) <= 64 for name in prefixed)
    assert prefixed == names(*twins, include_server_in_tool_names=True)
    several = names(Server("one", "a.b", "a_b", "a/b", "n" * 100))
    assert several[1] == "a_b"
    assert len(set(several)) == 4
    assert all(name.startswith("a_b_") for name in (several[0], several[2]))
    assert names(Server("one", "äöü")) == ["___"]
    assert names(Server("one", "")) == ["tool"]


def test_a_tool_that_is_listed_twice_is_there_once(caplog: pytest.LogCaptureFixture) -> None:
    assert names(Server("one", "look", "look")) == ["look"]
    assert [record.message for record in caplog.records] == ["An MCP server lists a tool twice"]


def test_a_tool_that_no_model_understands_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    odd = Tool(name="odd", input_schema={"type": "string"})
    assert names(Server("one", odd, "look")) == ["look"]
    [record] = caplog.records
    assert vars(record)["tool"] == "odd"


def test_schemas_become_strict_where_they_can() -> None:
    simple = Tool(
        name="simple",
        input_schema={"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
    )
    any_key = Tool(
        name="any_key", input_schema={"type": "object", "additionalProperties": {"type": "string"}}
    )
    strict, loose = listed(Server("one", simple, any_key), convert_schemas_to_strict=True)
    assert strict.strict_json_schema
    assert strict.params_json_schema["additionalProperties"] is False
    assert not loose.strict_json_schema
    assert loose.params_json_schema["additionalProperties"] == {"type": "string"}
    assert simple.input_schema == {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
    }


def test_approval_and_failures_are_as_configured() -> None:
    def write(_context: Any, error: Exception) -> str:
        return f"failed: {error}"

    server = Server("one", "look", "delete", require_approval={"delete": "always"})
    look, delete = listed(server, failure_error_function=write)
    assert (look.needs_approval, delete.needs_approval) == (False, True)
    assert look.failure_error_function is write
    [silent] = listed(Server("one", "look"), failure_error_function=None)
    assert silent.failure_error_function is None


def test_a_function_decides_on_approval_per_call() -> None:
    server = Server("one", "look", require_approval=lambda ctx, agent, tool: (ctx, agent, tool.name))
    [tool] = listed(server)
    assert callable(tool.needs_approval)


def test_any_object_with_the_methods_will_do() -> None:
    class Foreign:
        name = "foreign"

        async def list_tools(self, _context: Any, _agent: Any) -> list[Any]:
            return [SimpleNamespace(name="look", description=None, inputSchema={"type": "object"})]

        async def call_tool(self, _name: str, _arguments: Any) -> Any:
            return SimpleNamespace(content=[], structuredContent={"seen": True}, isError=False)

    [tool] = listed(Foreign())
    assert invoke(tool, "{}") == '{"seen": true}'
    assert tool.needs_approval is False


def test_a_server_that_cannot_be_asked_is_told_as_it_is() -> None:
    class Broken(Server):
        async def list_tools(self, ctx: Any = None, agent: Any = None) -> list[Tool]:
            raise ToolError("MCP server 'broken' did not list its tools")

    with pytest.raises(ToolError, match="'broken' did not list its tools"):
        listed(Server("one", "look"), Broken("broken"))


def test_no_servers_no_tools(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        assert run(mcp_function_tools([], None, None)) == []
    assert not [record for record in caplog.records if record.name.startswith("vivavoce")]


def test_a_server_that_never_lists_its_tools_is_given_up_by_name() -> None:
    class Hanging(Server):
        async def list_tools(self, ctx: Any = None, agent: Any = None) -> list[Tool]:
            await asyncio.Event().wait()
            return []

    with pytest.raises(ToolError, match="MCP server 'slow' did not list its tools: it took longer than 60 s"):
        listed(Server("quick", "one"), Hanging("slow"))
