from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest
from mcp.types import Tool

from vivavoce.errors import ConfigurationError
from vivavoce.mcp import ToolFilterContext, create_static_tool_filter
from vivavoce.mcp.filters import apply_tool_filter, check_tool_filter
from vivavoce.testing import run

if TYPE_CHECKING:
    from vivavoce.mcp import ToolFilter

CONTEXT = ToolFilterContext(run_context="the run", agent="the agent", server_name="the server")


def passing(tool_filter: ToolFilter) -> list[str]:
    tools = [Tool(name=name, input_schema={"type": "object"}) for name in ("read", "write", "delete")]
    return [tool.name for tool in run(apply_tool_filter(tool_filter, tools, CONTEXT))]


def test_without_lists_there_is_no_filter() -> None:
    assert create_static_tool_filter() is None
    assert passing(None) == ["read", "write", "delete"]


@pytest.mark.parametrize(
    ("allowed", "blocked", "left"),
    [
        (["write", "read"], None, ["read", "write"]),
        ([], None, []),
        (None, ["write"], ["read", "delete"]),
        (None, [], ["read", "write", "delete"]),
        (["read", "write"], ["write", "other"], ["read"]),
    ],
)
def test_names_are_allowed_and_blocked(
    allowed: list[str] | None, blocked: list[str] | None, left: list[str]
) -> None:
    assert passing(create_static_tool_filter(allowed, blocked)) == left


def test_a_function_sees_the_context_and_a_copy_of_the_tool() -> None:
    seen: list[ToolFilterContext] = []

    def spoil(context: ToolFilterContext, tool: Tool) -> bool:
        seen.append(context)
        tool.name = tool.name.upper()
        return tool.name != "WRITE"

    assert passing(spoil) == ["read", "delete"]
    assert seen == [CONTEXT] * 3


def test_an_async_function_is_awaited_and_one_that_raises_leaves_the_tool_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def choosy(_context: ToolFilterContext, tool: Tool) -> bool:
        if tool.name == "write":
            raise RuntimeError("cannot decide")
        return tool.name == "read"

    with caplog.at_level(logging.ERROR):
        assert passing(choosy) == ["read"]
    assert [record.message for record in caplog.records] == ["A tool filter failed: the tool is left out"]


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        (["read"], "tool_filter must be a function"),
        ({"allowed": ["read"]}, "unknown key 'allowed', accepted: allowed_tool_names, blocked_tool_names"),
        ({"allowed_tool_names": "read"}, r"tool_filter\['allowed_tool_names'\] must be a list"),
        ({"blocked_tool_names": 3}, r"tool_filter\['blocked_tool_names'\] must be a list"),
    ],
)
def test_what_is_no_filter_is_refused(bad: Any, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        check_tool_filter(bad)


def test_every_form_of_a_filter_is_accepted() -> None:
    check_tool_filter(None)
    check_tool_filter(create_static_tool_filter(["read"], ["write"]))
    check_tool_filter(lambda _context, _tool: True)
