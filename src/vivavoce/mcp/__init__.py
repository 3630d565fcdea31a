"""MCP servers, as their client: connect, list their tools, call them, clean up.

What lives here: one class per transport, the connection that is made again after a server was lost, and what
a result says to a model. What may not: agents and their tools (`vivavoce.agents.mcp_tools` turns what is
listed here into those), sessions. The package `mcp` (the extra ``mcp``) is imported when a server is
connected, not before.
Who may import it: `agents`, `server` and the rooms above them.
"""

from vivavoce.mcp.approval import RequireApproval
from vivavoce.mcp.filters import (
    ToolFilter,
    ToolFilterCallable,
    ToolFilterContext,
    ToolFilterStatic,
    create_static_tool_filter,
)
from vivavoce.mcp.params import MCPServerSseParams, MCPServerStdioParams, MCPServerStreamableHttpParams
from vivavoce.mcp.results import is_error, result_text
from vivavoce.mcp.server import MCPServer
from vivavoce.mcp.servers import MCPServerSse, MCPServerStdio, MCPServerStreamableHttp

__all__ = [
    "MCPServer",
    "MCPServerSse",
    "MCPServerSseParams",
    "MCPServerStdio",
    "MCPServerStdioParams",
    "MCPServerStreamableHttp",
    "MCPServerStreamableHttpParams",
    "RequireApproval",
    "ToolFilter",
    "ToolFilterCallable",
    "ToolFilterContext",
    "ToolFilterStatic",
    "create_static_tool_filter",
    "is_error",
    "result_text",
]
