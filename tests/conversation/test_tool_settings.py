"""Which tools may stand side by side, and which of them may be chosen."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from vivavoce.conversation.mcp_rules import MAX_SERVERS
from vivavoce.conversation.tool_settings import check_tool_choice, check_tools
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import FunctionTool, McpTool, Tool, ToolChoice, ToolChoiceFunction, ToolChoiceMcp

LOOK, HEAR = FunctionTool(name="look"), FunctionTool(name="hear")


def server(label: str) -> McpTool:
    return McpTool(server_label=label, server_url="https://example.com/mcp")


def test_tools_of_both_kinds() -> None:
    check_tools([LOOK, server("look"), HEAR, server("hear")], "session.tools")


def test_as_many_servers_as_may_be() -> None:
    check_tools([server(f"s{number}") for number in range(MAX_SERVERS)], "session.tools")


@pytest.mark.parametrize(
    ("tools", "param", "words"),
    [
        ([LOOK, HEAR, LOOK], "session.tools[2].name", "Two tools are named 'look'"),
        ([server("s"), LOOK, server("s")], "session.tools[2].server_label", "have the label 's'"),
        ([LOOK, McpTool(server_label="s")], "session.tools[1].server_url", "give its server_url"),
        ([server(f"s{number}") for number in range(MAX_SERVERS + 1)], "session.tools", "at most 16"),
    ],
)
def test_tools_that_cannot_be(tools: Sequence[Tool], param: str, words: str) -> None:
    with pytest.raises(RemoteProtocolError, match=words) as refusal:
        check_tools(tools, "session.tools")
    assert refusal.value.param == param


@pytest.mark.parametrize(
    "choice",
    [
        "none",
        "auto",
        "required",
        ToolChoiceFunction(name="look"),
        ToolChoiceMcp(server_label="s"),
        # Whether the server has such a tool is known once it has listed them.
        ToolChoiceMcp(server_label="s", name="anything"),
    ],
)
def test_a_choice(choice: ToolChoice) -> None:
    check_tool_choice(choice, [LOOK, server("s")], "session.tool_choice")


@pytest.mark.parametrize(
    ("choice", "param", "words"),
    [
        (ToolChoiceFunction(name="hear"), "session.tool_choice", "named 'hear'. There are: 'look'."),
        (ToolChoiceMcp(server_label="t"), "session.tool_choice.server_label", "label 't'. There are: 's'."),
        (ToolChoiceFunction(name="s"), "session.tool_choice", "named 's'"),
    ],
)
def test_a_choice_of_what_is_not_there(choice: ToolChoice, param: str, words: str) -> None:
    with pytest.raises(RemoteProtocolError, match=words) as refusal:
        check_tool_choice(choice, [LOOK, server("s")], "session.tool_choice")
    assert refusal.value.param == param


def test_a_choice_among_nothing() -> None:
    with pytest.raises(RemoteProtocolError, match="There are: none"):
        check_tool_choice(ToolChoiceFunction(name="look"), [], "session.tool_choice")
