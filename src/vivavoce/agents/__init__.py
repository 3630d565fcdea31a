"""Definitions: agents, tools and the context that tools receive.

Nothing here connects, listens or speaks: a definition is made once and used by any number of sessions. May
be imported by `vivavoce.session` and above; knows neither connections nor lines. Pydantic is imported only
when a tool is defined from a function.
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
