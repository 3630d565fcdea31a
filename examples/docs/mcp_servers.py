"""The blocks of docs/mcp.md as one program: an MCP server as a child process, and others.

python examples/docs/mcp_servers.py            (needs vivavoce[mcp])
"""

import asyncio
import sys
from typing import Any

from vivavoce import (
    HostedMCPTool,
    MCPServerStdio,
    MCPServerStreamableHttp,
    RealtimeAgent,
    RealtimeRunner,
    create_static_tool_filter,
)
from vivavoce.testing import ScriptedRealtimeModel, tool_call

CALCULATOR = """
from mcp.server.mcpserver import MCPServer

server = MCPServer("calculator")

@server.tool()
def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b

@server.tool()
def explode() -> str:
    "Nobody should call this."
    return "boom"

server.run()
"""

remote = MCPServerStreamableHttp(
    {"url": "https://tools.example.com/mcp", "headers": {"Authorization": "Bearer …"}, "timeout": 5},
    cache_tools_list=True,
    max_retry_attempts=2,
    require_approval={"always": {"tool_names": ["delete_booking"]}},
)


def allow_reading(request: Any) -> bool:
    """Approve what only reads."""
    return bool(request.name.startswith("get_"))


hosted = HostedMCPTool(
    server_label="bookings",
    server_url="https://tools.example.com/mcp",
    allowed_tools=["get_booking", "cancel_booking"],
    require_approval="always",
    on_approval_request=allow_reading,
)


async def main() -> None:
    """Let an agent add two numbers on the server."""
    params: Any = {"command": sys.executable, "args": ["-c", CALCULATOR]}
    chosen = create_static_tool_filter(blocked_tool_names=["explode"])
    async with MCPServerStdio(params, name="calculator", tool_filter=chosen) as server:
        agent = RealtimeAgent(name="Clerk", instructions="Do sums.", mcp_servers=[server])
        model = ScriptedRealtimeModel([tool_call("add", {"a": 2, "b": 3}), "That makes five."])
        async with await RealtimeRunner(agent, model=model).run() as session:
            await session.send_message("What is two and three?")
            async for event in session:
                if event.type == "tool_end":
                    print(f"[{event.tool.name}: {event.output}]")
                elif event.type == "response.output_audio_transcript.done":
                    print(f"Agent: {event.transcript}")
                    break


if __name__ == "__main__":
    asyncio.run(main())
