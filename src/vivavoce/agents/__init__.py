"""Definitions: agents, tools and the context that tools receive.

A definition is made once and used by any number of sessions. What may not live here: anything that connects,
listens, speaks or waits for a model. Pydantic is imported only when a tool is defined from a function.
Who may import it: `session` and the rooms above it; `connections` and `lines` do not know it.
"""

from vivavoce.agents.agent import Instructions, RealtimeAgent
from vivavoce.agents.context import RunContextWrapper, ToolContext
from vivavoce.agents.functions import function_tool
from vivavoce.agents.results import to_text
from vivavoce.agents.tool import FunctionTool, default_tool_error
from vivavoce.agents.usage import Usage

__all__ = [
    "FunctionTool",
    "Instructions",
    "RealtimeAgent",
    "RunContextWrapper",
    "ToolContext",
    "Usage",
    "default_tool_error",
    "function_tool",
    "to_text",
]
