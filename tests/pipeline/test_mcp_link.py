"""One MCP server of a session, over real sockets of this machine; real time: the tests wait for events."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from tests.mcp.conftest import Web
from tests.mcp.plain_http import Answer, Heard, PlainHttp, mcp_server, plain_http, said

from vivavoce.pipeline import mcp_link
from vivavoce.pipeline.mcp_link import McpFailedError, McpLink
from vivavoce.protocol import (
    McpCallError,
    McpHttpError,
    McpProtocolError,
    McpTool,
    McpToolExecutionError,
)


def server(url: str, **fields: Any) -> McpTool:
    return McpTool(server_label="s", server_url=url, **fields)


@contextlib.asynccontextmanager
async def link_to(url: str, timeout_s: float = 5.0, **fields: Any) -> AsyncIterator[McpLink]:
    link = McpLink(server(url, **fields), timeout_s, private_addresses=True)
    try:
        yield link
    finally:
        await link.aclose()


async def failure(link: McpLink, name: str | None = None, **arguments: Any) -> McpCallError:
    """Why the list, or a call, came to nothing."""
    with pytest.raises(McpFailedError) as failed:
        await (link.list_tools() if name is None else link.call_tool(name, arguments))
    return failed.value.error


@pytest.mark.parametrize("kind", ["http", "sse"])
def test_a_real_server(kind: str) -> None:
    async def main() -> None:
        web = Web(kind)
        await web.start()
        async with link_to(web.url) as link:
            tools = {tool.name: tool for tool in await link.list_tools()}
            assert tools["add"].description == "Add two numbers."
            assert tools["add"].input_schema["required"] == ["a", "b"]
            assert await link.call_tool("add", {"a": 2, "b": 3}) == "5"
            assert await link.call_tool("picture", {}) == "[image, image/png, 3 bytes]"
            assert await failure(link, "fail") == McpToolExecutionError(message="Error executing tool fail")
            assert await failure(link, "nothing") == McpToolExecutionError(message="Unknown tool: nothing")
        await web.stop()

    asyncio.run(main())


def test_sse_at_an_address_that_does_not_say_so() -> None:
    from tests.mcp.real_server import real_server

    async def main() -> None:
        web = Web("sse")
        web._app = real_server().sse_app(sse_path="/events")
        await web.start()
        async with link_to(f"http://127.0.0.1:{web.port}/events") as link:
            assert await link.list_tools()
            assert await link.call_tool("add", {"a": 2, "b": 3}) == "5"
            assert (await failure(link, "nothing")).type == "tool_execution_error"
        await web.stop()

    asyncio.run(main())


def against(answer: Callable[[Heard], Answer], play: Callable[[PlainHttp], Any]) -> None:
    """Play with a plain server."""

    async def main() -> None:
        async with plain_http(answer) as plain:
            await play(plain)

    asyncio.run(main())


def test_streamable_http_at_an_address_that_looks_like_sse() -> None:
    async def play(plain: PlainHttp) -> None:
        async with link_to(plain.url.replace("/mcp", "/sse")) as link:
            assert [tool.name for tool in await link.list_tools()] == ["look"]
            assert plain.heard[0].method == "GET"

    against(mcp_server(), play)


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({}, None),
        ({"authorization": "secret"}, "Bearer secret"),
        ({"authorization": "bearer secret"}, "bearer secret"),
        ({"headers": {"Authorization": "Basic x", "X-Key": "1"}}, "Basic x"),
    ],
)
def test_secrets_are_sent_with_every_request(fields: dict[str, Any], sent: str | None) -> None:
    async def play(plain: PlainHttp) -> None:
        async with link_to(plain.url, **fields) as link:
            await link.list_tools()
            assert await link.call_tool("look", {}) == "a tree"
        assert {request.headers.get("authorization") for request in plain.heard} == {sent}
        if "headers" in fields:
            assert {request.headers.get("x-key") for request in plain.heard} == {"1"}

    against(mcp_server(said("a tree")), play)


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({}, "Basic bWU6YSB3b3Jk"),
        ({"authorization": "x"}, "Bearer x"),
        ({"headers": {"authorization": "y"}}, "y"),
    ],
)
def test_secrets_of_the_address(fields: dict[str, Any], sent: str, caplog: pytest.LogCaptureFixture) -> None:
    async def play(plain: PlainHttp) -> None:
        with caplog.at_level(logging.DEBUG):
            url = plain.url.replace("http://", "http://me:a%20word@") + "?key=hidden"
            async with link_to(url, **fields) as link:
                await link.list_tools()
        assert plain.heard[0].headers["authorization"] == sent
        assert plain.heard[0].path == "/mcp?key=hidden"
        assert "httpx2" in {record.name for record in caplog.records}
        assert "hidden" not in caplog.text
        assert "word" not in caplog.text

    against(mcp_server(), play)


def test_hints_of_a_tool() -> None:
    tool = {
        "name": "look",
        "description": "Look.",
        "inputSchema": {"type": "object"},
        "annotations": {"readOnlyHint": True, "title": "Look"},
    }

    async def play(plain: PlainHttp) -> None:
        async with link_to(plain.url) as link:
            (found,) = await link.list_tools()
            assert found.annotations == {"readOnlyHint": True, "title": "Look"}

    against(mcp_server(None, tool), play)


@pytest.mark.parametrize(
    ("max_tools", "max_chars", "well"), [(1, 1000, False), (2, 1000, True), (2, 30, False)]
)
def test_more_tools_than_a_model_can_take(
    monkeypatch: pytest.MonkeyPatch, max_tools: int, max_chars: int, *, well: bool
) -> None:
    monkeypatch.setattr(mcp_link, "MAX_TOOLS", max_tools)
    monkeypatch.setattr(mcp_link, "MAX_TOOLS_CHARS", max_chars)
    tools = [{"name": name, "inputSchema": {"type": "object"}} for name in ("look", "hear")]

    async def play(plain: PlainHttp) -> None:
        async with link_to(plain.url) as link:
            if well:
                assert len(await link.list_tools()) == 2
            else:
                assert "it has 2 tools" in (await failure(link)).message

    against(mcp_server(None, *tools), play)


def test_a_long_output_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp_link, "MAX_OUTPUT_CHARS", 10)

    async def play(plain: PlainHttp) -> None:
        async with link_to(plain.url) as link:
            assert await link.call_tool("look", {}) == "0123456789\n[6 more characters were cut off]"

    against(mcp_server(said("0123456789abcdef")), play)


def error(code: int, message: str) -> Callable[[Heard], Answer]:
    return lambda request: (
        200,
        {"jsonrpc": "2.0", "id": request.body["id"], "error": {"code": code, "message": message}},
    )


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (error(-32602, "odd arguments"), McpProtocolError(code=-32602, message="odd arguments")),
        (lambda _: (503, None), McpHttpError(code=503, message="HTTP status 503")),
        (lambda _: (401, None), McpHttpError(code=401, message="HTTP status 401")),
        (lambda _: None, McpToolExecutionError(message="No answer within 0.5 s.")),
    ],
)
def test_a_call_that_fails_and_the_next_that_does_not(
    call: Callable[[Heard], Answer], why: McpCallError
) -> None:
    async def play(plain: PlainHttp) -> None:
        async with link_to(plain.url, 0.5) as link:
            await link.list_tools()
            failed = await failure(link, "look")
            assert (type(failed), getattr(failed, "code", None)) == (type(why), getattr(why, "code", None))
            if isinstance(why, McpHttpError | McpProtocolError):
                assert failed == why
            plain.answer = mcp_server(said("a tree"))
            assert await link.call_tool("look", {}) == "a tree"

    against(mcp_server(call), play)


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_server_that_refuses(status: int) -> None:
    async def play(plain: PlainHttp) -> None:
        async with link_to(plain.url, authorization="secret") as link:
            assert await failure(link) == McpHttpError(code=status, message=f"HTTP status {status}")
        # Where another transport would not help, none is tried.
        assert ("GET" in [request.method for request in plain.heard]) == (status == 404)

    against(lambda _: (status, None), play)


def test_a_server_that_says_nothing() -> None:
    async def play(plain: PlainHttp) -> None:
        async with link_to(plain.url, 0.3) as link:
            assert "0.3 s" in (await failure(link)).message

    against(lambda _: None, play)


def test_nobody_there() -> None:
    async def main() -> None:
        async with plain_http(mcp_server()) as plain:
            url = plain.url
        async with link_to(url) as link:
            assert "'s' cannot be reached" in (await failure(link)).message

    asyncio.run(main())


def test_a_private_address() -> None:
    async def play(plain: PlainHttp) -> None:
        link = McpLink(server(plain.url), 5.0, private_addresses=False)
        assert "is not at a public address" in (await failure(link)).message
        await link.aclose()
        assert plain.heard == []

    against(mcp_server(), play)


def test_it_is_left_once_nothing_is_under_way() -> None:
    calls: list[Heard] = []
    asked = asyncio.Event()

    def late(request: Heard) -> Answer:
        calls.append(request)
        asked.set()
        return None

    async def play(plain: PlainHttp) -> None:
        link = McpLink(server(plain.url), 0.5, private_addresses=True)
        async with asyncio.TaskGroup() as tasks:
            calling = tasks.create_task(failure(link, "look"))
            await asked.wait()
            leaving = tasks.create_task(link.leave())
            await calling
            await leaving
        assert leaving.done()
        await link.aclose()  # twice is fine

    against(mcp_server(late), play)


@pytest.mark.parametrize(
    ("fields", "same"),
    [
        ({}, True),
        ({"require_approval": "never", "allowed_tools": ["a"]}, True),
        ({"headers": None}, True),
        ({"headers": {"K": "1"}}, False),
        ({"authorization": "x"}, False),
        ({"server_url": "https://other.example"}, False),
    ],
)
def test_where_it_leads(fields: dict[str, Any], *, same: bool) -> None:
    link = McpLink(server("https://example.com"), 5.0, private_addresses=False)
    declared = McpTool(**{"server_label": "s", "server_url": "https://example.com", **fields})
    assert link.leads_to(declared) == same
