"""An MCP server made with the package `mcp`, which the tests start as a child process or behind HTTP."""

from __future__ import annotations

import asyncio

from mcp.server.mcpserver import Context, MCPServer
from mcp.types import ImageContent


def real_server() -> MCPServer:
    server = MCPServer("real")

    @server.tool()
    def add(a: int, b: int) -> int:
        """Add two numbers."""
        return a + b

    @server.tool()
    async def hang() -> str:
        """Never answer."""
        return str(await asyncio.Event().wait())

    @server.tool()
    def fail() -> str:
        """Fail."""
        raise ValueError("no luck today")

    @server.tool()
    def picture() -> ImageContent:
        """Return a picture."""
        return ImageContent(type="image", data="QUJD", mime_type="image/png")

    @server.tool()
    async def learn(ctx: Context) -> str:
        """Learn something new."""

        def added() -> str:
            return "new"

        server.add_tool(added)
        await ctx.notify_tools_changed()
        return "learnt"

    return server


if __name__ == "__main__":
    real_server().run()
