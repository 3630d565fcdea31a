"""Which tools a session or a response may have, and which of them it may choose."""

from __future__ import annotations

from collections.abc import Sequence

from vivavoce.conversation.refusal import refuse
from vivavoce.protocol import FunctionTool, McpTool, Tool, ToolChoice, ToolChoiceFunction, ToolChoiceMcp


def check_tools(tools: Sequence[Tool], param: str) -> None:
    """Refuse tools that this server cannot run, and two of one name.

    Raises:
        RemoteProtocolError: naming the tool.
    """
    names: set[str] = set()
    for index, tool in enumerate(tools):
        if isinstance(tool, McpTool):
            raise refuse("MCP tools are not supported by this server yet.", f"{param}[{index}]")
        if tool.name in names:
            raise refuse(f"Two tools are named '{tool.name}'.", f"{param}[{index}].name")
        names.add(tool.name)


def check_tool_choice(choice: ToolChoice, tools: Sequence[Tool], param: str) -> None:
    """Refuse the choice of a tool that is not there.

    Raises:
        RemoteProtocolError: naming the tools that are.
    """
    if isinstance(choice, ToolChoiceMcp):
        raise refuse("MCP tools are not supported by this server yet.", param)
    if isinstance(choice, ToolChoiceFunction):
        names = [tool.name for tool in tools if isinstance(tool, FunctionTool)]
        if choice.name not in names:
            listed = ", ".join(f"'{name}'" for name in names) or "none"
            raise refuse(f"There is no tool named '{choice.name}'. There are: {listed}.", param)
