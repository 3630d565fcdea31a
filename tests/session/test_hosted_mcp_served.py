"""MCP tools that the model's server calls, on this project's own: in memory and over a socket."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from tests.mcp.plain_http import mcp_server, plain_http, said

from vivavoce.agents import RealtimeAgent
from vivavoce.agents.tool import HostedMCPTool
from vivavoce.connections.memory import LocalRealtimeModel
from vivavoce.engines.base import Engines, FunctionCallDelta
from vivavoce.engines.scripted import scripted_engines
from vivavoce.pipeline import SessionOptions
from vivavoce.server import ServerConfig, serve
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.testing import run

CALL = FunctionCallDelta(0, "look", "{}")
ALLOWED = replace(ServerConfig(), port=0, session=SessionOptions(mcp_private_addresses=True))
BOTH = pytest.mark.parametrize("served", [False, True], ids=["local", "websocket"])


@contextlib.asynccontextmanager
async def model(engines: Engines, *, served: bool) -> AsyncIterator[Any]:
    """What a runner takes for its model: one in memory, or the address of a server."""
    if not served:
        yield LocalRealtimeModel(engines)
        return
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        server = tasks.create_task(serve(ALLOWED, engines=engines, on_ready=ready.set_result))
        try:
            yield await ready
        finally:
            server.cancel()


def agent(url: str) -> RealtimeAgent[Any]:
    tool = HostedMCPTool("docs", url, require_approval="always")
    return RealtimeAgent[Any]("Ada", "Be kind.", tools=[tool])


async def until(session: RealtimeSession, kind: str, count: int = 1) -> list[Any]:
    events: list[Any] = []
    async with asyncio.timeout(20):
        async for event in session:
            events.append(event)
            if [str(seen.type) for seen in events].count(kind) == count:
                break
    return events


@BOTH
def test_a_denied_call_is_answered_once(served: bool) -> None:
    engines = scripted_engines(answers=[[CALL], ["As you wish."], ["Too much."]], word_ms=1)

    async def main() -> None:
        async with (
            plain_http(mcp_server(said("a tree"))) as plain,
            model(engines, served=served) as choice,
            await RealtimeRunner(agent(plain.url), model=choice).run() as session,
        ):
            await until(session, "mcp_tools_changed")
            await session.send_message("Look.")
            (*_, question) = await until(session, "tool_approval_required")
            await session.reject_tool_call(question)
            reader = asyncio.ensure_future(until(session, "nothing more"))
            await asyncio.sleep(5)
            await session.close()
            events = await reader
            assert [event.type for event in events].count("mcp_tool_call_completed") == 1
            ends = [event.output.strip() for event in events if event.type == "agent_end"]
            assert [words for words in ends if words] == ["As you wish."]
            assert "tools/call" not in [request.body["method"] for request in plain.heard if request.body]

    run(main())


@BOTH
def test_a_server_that_cannot_be_reached_is_told_and_the_agent_goes_on(served: bool) -> None:
    async def main() -> None:
        async with plain_http(mcp_server()) as plain:
            nowhere = plain.url
        engines = scripted_engines(answers=[["Good day."]], word_ms=1)
        async with (
            model(engines, served=served) as choice,
            await RealtimeRunner(agent(nowhere), model=choice).run() as session,
        ):
            (*_, told) = await until(session, "error")
            assert "MCP server 'docs' could not be listed" in str(told.error)
            await session.send_message("Hello.")
            (*_, end) = await until(session, "agent_end")
            assert end.output.strip() == "Good day."

    run(main())
