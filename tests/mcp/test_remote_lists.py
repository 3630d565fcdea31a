"""Listing a server's tools: cached, changed, paged, filtered. On the virtual clock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.errors import ToolError
from vivavoce.mcp import create_static_tool_filter
from vivavoce.mcp.remote import MAX_PAGES, RemoteServer, RemoteSettings
from vivavoce.testing import run

if TYPE_CHECKING:
    from tests.mcp.conftest import Far


def server_at(far: Far, **settings: Any) -> RemoteServer:
    return RemoteServer("far", far.streams, RemoteSettings(**{"connect_timeout_s": 3.0, **settings}))


async def names(server: RemoteServer) -> list[str]:
    return [tool.name for tool in await server.list_tools()]


@pytest.mark.parametrize("cache", [False, True])
def test_the_list_is_cached_on_request_until_it_changes(far: Far, cache: bool) -> None:
    async def main() -> int:
        async with server_at(far, cache_tools_list=cache) as server:
            first = await server.list_tools()
            first.clear()
            assert await names(server) == ["one", "two"]
            asked = far.methods().count("tools/list")
            told = asyncio.Event()
            forget = server.add_tools_listener(told.set)
            far.tools.append("three")
            await far.change_tools()
            await told.wait()
            assert await names(server) == ["one", "two", "three"]
            forget()
            forget()
            far.tools.clear()
            server.invalidate_tools_cache()
            assert await names(server) == []
            return asked

    assert run(main()) == (1 if cache else 2)


def test_a_listener_that_raises_stops_nobody(far: Far, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with server_at(far) as server:
            told = asyncio.Event()

            def broken() -> None:
                raise RuntimeError("no")

            server.add_tools_listener(broken)
            server.add_tools_listener(told.set)
            await far.change_tools()
            await told.wait()

    run(main())
    assert [record.message for record in caplog.records] == ["A listener failed"]


def test_a_list_that_changed_on_its_way_is_not_kept(far: Far) -> None:
    async def main() -> None:
        async with server_at(far, cache_tools_list=True) as server:
            far.answers["tools/list"] = None
            asked = asyncio.create_task(names(server))
            await asyncio.sleep(1)
            server.invalidate_tools_cache()
            request = far.seen[-1]
            tools = [{"name": "old", "inputSchema": {"type": "object"}}]
            await far.say(id=request["id"], result={"tools": tools})
            assert await asked == ["old"]
            del far.answers["tools/list"]
            assert await names(server) == ["one", "two"]

    run(main())


def test_all_pages_are_fetched_but_not_without_end(far: Far) -> None:
    def page(request: dict[str, Any]) -> dict[str, Any]:
        at = int((request.get("params") or {}).get("cursor", 0))
        tools = [{"name": f"tool{at}", "inputSchema": {"type": "object"}}]
        return {"result": {"tools": tools, **({"nextCursor": str(at + 1)} if at + 1 < pages else {})}}

    far.answers["tools/list"] = page

    async def main() -> list[str]:
        async with server_at(far) as server:
            return await names(server)

    pages = 3
    assert run(main()) == ["tool0", "tool1", "tool2"]
    pages = MAX_PAGES + 1
    with pytest.raises(ToolError, match="'far' did not list its tools: its list has more than 100 pages"):
        run(main())


def test_a_list_has_an_end_in_tools_as_well(far: Far) -> None:
    tools = [{"name": f"tool{number}", "inputSchema": {"type": "object"}} for number in range(1000)]
    far.answers["tools/list"] = {"result": {"tools": tools, "nextCursor": "on"}}

    async def main() -> None:
        async with server_at(far) as server:
            await names(server)

    with pytest.raises(ToolError, match="its list has more than 5000 tools"):
        run(main())


def test_the_filter_knows_who_asks(far: Far) -> None:
    async def main() -> None:
        async with server_at(far, tool_filter=create_static_tool_filter(["two"])) as server:
            assert await names(server) == ["two"]
        seen: list[Any] = []
        async with server_at(far, tool_filter=lambda context, _: seen.append(context)) as server:
            assert await server.list_tools("the run", "the agent") == []
        assert {(each.run_context, each.agent, each.server_name) for each in seen} == {
            ("the run", "the agent", "far")
        }

    run(main())


def test_a_list_under_way_is_asked_for_again(far: Far) -> None:
    far.answers["tools/list"] = None

    async def main() -> None:
        async with server_at(far) as server:
            listing = asyncio.create_task(names(server))
            await asyncio.sleep(1)
            far.answers.clear()
            far.cut()
            assert await listing == ["one", "two"]
            assert far.opened == 2

    run(main())
