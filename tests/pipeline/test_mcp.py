"""Whole sessions with MCP servers of this machine. Real time: the tests wait for events only."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
from tests.mcp.plain_http import Answer, Heard, PlainHttp, mcp_server, plain_http, said
from tests.pipeline.conftest import Client

from vivavoce.engines.base import FunctionCallDelta
from vivavoce.engines.scripted import scripted_engines
from vivavoce.pipeline import SessionOptions
from vivavoce.pipeline.mcp import AT_ONCE
from vivavoce.protocol import (
    ConversationItemDone,
    McpApprovalRequestItem,
    McpCallItem,
    McpListToolsCompleted,
    McpListToolsFailed,
    McpListToolsItem,
    ResponseDone,
    ResponseMcpCallCompleted,
    ResponseMcpCallFailed,
    ResponseMcpCallInProgress,
    ResponseOutputTextDone,
    to_builtins,
)
from vivavoce.protocol.codec import client_event_from

HERE = SessionOptions(mcp_private_addresses=True, mcp_timeout_s=5.0)


def calls(*names: str) -> list[FunctionCallDelta]:
    """An answer that calls these tools."""
    return [FunctionCallDelta(index, name, "{}") for index, name in enumerate(names)]


@contextlib.asynccontextmanager
async def session(*script: Sequence[Any], options: SessionOptions = HERE) -> AsyncIterator[Client]:
    client = Client(scripted_engines(answers=script), options)
    try:
        yield client
    finally:
        await client.session.aclose()


def send(client: Client, kind: str, **fields: Any) -> None:
    client.do(client_event_from({"type": kind, **fields}))


def declare(client: Client, *urls: str, **fields: Any) -> None:
    """Use the servers at these addresses, and answer in writing."""
    tools = [
        {"type": "mcp", "server_label": f"s{at}", "server_url": url, "require_approval": "never", **fields}
        for at, url in enumerate(urls)
    ]
    send(
        client, "session.update", session={"type": "realtime", "output_modalities": ["text"], "tools": tools}
    )


def items(client: Client, kind: type) -> list[Any]:
    done = [event.item for event in client.of(ConversationItemDone)]
    return [item for item in done if isinstance(item, kind)]


def against(answer: Callable[[Heard], Answer], play: Callable[[PlainHttp], Any]) -> None:
    async def main() -> None:
        async with plain_http(answer) as plain:
            await play(plain)

    asyncio.run(main())


def test_tools_are_listed_called_and_answered() -> None:
    async def play(plain: PlainHttp) -> None:
        async with session(calls("look"), ["A tree."]) as client:
            declare(client, plain.url)
            await client.wait(McpListToolsCompleted)
            assert [tool.name for tool in items(client, McpListToolsItem)[0].tools] == ["look"]
            send(client, "response.create")
            await client.wait(ResponseMcpCallCompleted)
            assert items(client, McpCallItem)[-1].output == "a tree"
            send(client, "response.create")
            await client.response(2)
            assert client.of(ResponseOutputTextDone)[0].text == "A tree."

    against(mcp_server(said("a tree")), play)


def test_a_call_is_approved_and_answered_by_the_server_itself() -> None:
    options = SessionOptions(mcp_private_addresses=True, mcp_follow_up=True)

    async def play(plain: PlainHttp) -> None:
        async with session(calls("look"), ["A tree."], options=options) as client:
            declare(client, plain.url, require_approval="always")
            await client.wait(McpListToolsCompleted)
            send(client, "response.create")
            await client.wait(ResponseDone)
            (request,) = items(client, McpApprovalRequestItem)
            item = {"type": "mcp_approval_response", "approval_request_id": request.id, "approve": True}
            send(client, "conversation.item.create", item=item)
            await client.response(2)
            assert client.of(ResponseOutputTextDone)[0].text == "A tree."

    against(mcp_server(said("a tree")), play)


def test_one_server_of_two_is_deaf(caplog: pytest.LogCaptureFixture) -> None:
    async def play(plain: PlainHttp) -> None:
        async with session(calls("look")) as client:
            with caplog.at_level(logging.DEBUG, "vivavoce"):
                declare(client, "http://127.0.0.1:9/mcp?key=word", plain.url, authorization="secret")
                await client.wait(McpListToolsFailed)
                await client.wait(McpListToolsCompleted)
            send(client, "response.create")
            await client.wait(ResponseMcpCallCompleted)
        (warning,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
        assert "'s0' did not list its tools" in warning.message
        assert warning.__dict__["session_id"] == client.session.id

    against(mcp_server(said("a tree")), play)
    written = " ".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert "secret" not in written
    assert "word" not in written


def test_a_private_address_is_refused() -> None:
    async def play(plain: PlainHttp) -> None:
        async with session(options=SessionOptions()) as client:
            declare(client, plain.url)
            await client.wait(McpListToolsFailed)
        assert plain.heard == []

    against(mcp_server(), play)


def test_secrets_are_not_shown() -> None:
    async def play(plain: PlainHttp) -> None:
        async with session() as client:
            declare(client, f"{plain.url}?key=word", headers={"X-Key": "hidden"})
            await client.wait(McpListToolsCompleted)
            declare(client, f"{plain.url}?key=word", authorization="secret")
            await client.wait(McpListToolsCompleted, 2)
        written = str([to_builtins(event) for _, event in client.events])
        for secret in ("word", "hidden", "secret"):
            assert secret not in written
        assert "?key=word" in plain.heard[0].path

    against(mcp_server(), play)


def test_a_call_that_fails() -> None:
    async def play(plain: PlainHttp) -> None:
        async with session(calls("look")) as client:
            declare(client, plain.url)
            await client.wait(McpListToolsCompleted)
            send(client, "response.create")
            await client.wait(ResponseMcpCallFailed)
            assert items(client, McpCallItem)[-1].error.code == 503

    against(mcp_server(lambda _: (503, None)), play)


def test_so_many_at_once_and_the_others_wait() -> None:
    release: list[Heard] = []
    full = asyncio.Event()

    def late(request: Heard) -> Answer:
        release.append(request)
        if len(release) == AT_ONCE:
            full.set()
        return None if len(release) <= AT_ONCE else said("a tree")(request)

    async def play(plain: PlainHttp) -> None:
        options = SessionOptions(mcp_private_addresses=True, mcp_timeout_s=0.5)
        async with session(calls(*["look"] * (AT_ONCE + 1)), options=options) as client:
            declare(client, plain.url)
            await client.wait(McpListToolsCompleted)
            send(client, "response.create")
            await full.wait()
            assert len(client.of(ResponseMcpCallInProgress)) == AT_ONCE + 1
            await client.wait(ResponseMcpCallFailed, AT_ONCE)
            await client.wait(ResponseMcpCallCompleted)

    against(mcp_server(late), play)


def test_a_deleted_call_is_given_up() -> None:
    asked = asyncio.Event()

    def never(_request: Heard) -> Answer:
        asked.set()
        return None

    async def play(plain: PlainHttp) -> None:
        async with session(calls("look")) as client:
            declare(client, plain.url)
            await client.wait(McpListToolsCompleted)
            send(client, "response.create")
            await asked.wait()
            running = await client.wait(ResponseMcpCallInProgress)
            await client.response()
            send(client, "conversation.item.delete", item_id=running.item_id)
            await client.wait(ResponseMcpCallFailed)
            assert items(client, McpCallItem)[-1].error.message == "The call was deleted."

    against(mcp_server(never), play)


def test_a_server_is_left_and_found_again() -> None:
    async def play(plain: PlainHttp) -> None:
        async with session(calls("look")) as client:
            declare(client, plain.url)
            await client.wait(McpListToolsCompleted)
            declare(client)
            declare(client, plain.url)
            await client.wait(McpListToolsCompleted, 2)
            declare(client, plain.url, headers={"X-Key": "1"})
            await client.wait(McpListToolsCompleted, 3)
            send(client, "response.create")
            await client.wait(ResponseMcpCallCompleted)
        assert plain.heard[-1].headers["x-key"] == "1"

    against(mcp_server(said("a tree")), play)


def test_a_session_with_a_call_under_way_ends_at_once() -> None:
    asked = asyncio.Event()

    def never(_request: Heard) -> Answer:
        asked.set()
        return None

    async def play(plain: PlainHttp) -> None:
        async with session(calls("look")) as client:
            declare(client, plain.url)
            await client.wait(McpListToolsCompleted)
            send(client, "response.create")
            await asked.wait()
            async with asyncio.timeout(1):
                await client.session.aclose()
            await client.session.aclose()

    against(mcp_server(never), play)


def test_what_nobody_has_foreseen_fails_the_call_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from vivavoce.pipeline import mcp

    class Odd:
        def __init__(self, *_: Any, **__: Any) -> None:
            pass

        async def list_tools(self) -> Any:
            raise ZeroDivisionError

        async def aclose(self) -> None:
            pass

    monkeypatch.setattr(mcp, "McpLink", Odd)

    async def main() -> None:
        async with session() as client:
            declare(client, "https://example.com")
            await client.wait(McpListToolsFailed)

    asyncio.run(main())
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info is not None
