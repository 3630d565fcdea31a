"""Which tools a session or a response may have, and which of them it may choose."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vivavoce.conversation.mcp_rules import MAX_SERVERS, check_mcp_tool
from vivavoce.conversation.refusal import refuse
from vivavoce.protocol import FunctionTool, McpTool, Tool, ToolChoice, ToolChoiceFunction, ToolChoiceMcp


def check_tools(tools: Sequence[Tool], param: str) -> None:
    """Refuse tools that this server cannot run, and two of one name.

    Raises:
        RemoteProtocolError: naming the tool.
    """
    names: set[str] = set()
    labels: set[str] = set()
    for index, tool in enumerate(tools):
        if isinstance(tool, McpTool):
            check_mcp_tool(tool, f"{param}[{index}]")
            if tool.server_label in labels:
                raise refuse(
                    f"Two MCP servers have the label '{tool.server_label}'.", f"{param}[{index}].server_label"
                )
            labels.add(tool.server_label)
            continue
        if tool.name in names:
            raise refuse(f"Two tools are named '{tool.name}'.", f"{param}[{index}].name")
        names.add(tool.name)
    if len(labels) > MAX_SERVERS:
        raise refuse(f"There are {len(labels)} MCP servers; at most {MAX_SERVERS} are possible.", param)


def check_tool_choice(choice: ToolChoice, tools: Sequence[Tool], param: str) -> None:
    """Refuse the choice of a tool that is not there.

    Which tools an MCP server has is known when it has listed them, so only its label is looked at.

    Raises:
        RemoteProtocolError: naming the tools that are.
    """
    if isinstance(choice, ToolChoiceMcp):
        labels = [tool.server_label for tool in tools if isinstance(tool, McpTool)]
        if choice.server_label not in labels:
            raise refuse(
                f"There is no MCP server with the label '{choice.server_label}'. There are: "
                f"{_listed(labels)}.",
                f"{param}.server_label",
            )
    if isinstance(choice, ToolChoiceFunction):
        names = [tool.name for tool in tools if isinstance(tool, FunctionTool)]
        if choice.name not in names:
            raise refuse(f"There is no tool named '{choice.name}'. There are: {_listed(names)}.", param)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "none"
