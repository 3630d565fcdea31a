"""The streams to a child; those over HTTP are the package's, seen at work in `test_servers`."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import traceback
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter

from vivavoce.errors import ConfigurationError, ConnectionLostError
from vivavoce.mcp import MCPServerSse, MCPServerStreamableHttp
from vivavoce.mcp.transports import stdio_streams

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vivavoce.mcp import MCPServerStdioParams


def message(**fields: Any) -> SessionMessage:
    return SessionMessage(jsonrpc_message_adapter.validate_python({"jsonrpc": "2.0", **fields}))


def calling(name: str, **arguments: Any) -> SessionMessage:
    return message(id=1, method="tools/call", params={"name": name, "arguments": arguments})


def said(answer: SessionMessage) -> str:
    return str(answer.message.result["content"][0]["text"])  # type: ignore[union-attr]


async def asked(params: MCPServerStdioParams, *requests: SessionMessage) -> list[str]:
    """Start the child and return what it answers to each request."""
    answers = []
    async with stdio_streams(params, "raw", lambda: None) as (incoming, outgoing):
        for request in requests:
            await outgoing.send(request)
            answers.append(said(await incoming.receive()))
    return answers


def test_messages_pass_both_ways_at_any_size(raw: Callable[..., MCPServerStdioParams]) -> None:
    long = "ä\n" * 300_000
    assert asyncio.run(asked(raw(), calling("echo", text="hi"), calling("echo", text=long))) == ["hi", long]


def test_what_is_no_message_is_skipped(
    raw: Callable[..., MCPServerStdioParams], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "vivavoce"):
        assert asyncio.run(asked(raw("--garbage"), calling("echo", text="hi"))) == ["hi"]
    odd = "An MCP server wrote something else than a message to its standard output"
    assert [vars(record)["bytes"] for record in caplog.records if record.message == odd] == [
        8,
        3,
        2,
        5,
        0,
        200_000,
    ]


def test_the_child_gets_a_few_safe_variables_and_its_own(
    raw: Callable[..., MCPServerStdioParams], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_SECRET", "a key")
    params: MCPServerStdioParams = {**raw(), "env": {"HELLO": "you"}, "cwd": tmp_path}
    [text] = asyncio.run(asked(params, calling("environment")))
    found = json.loads(text)
    assert found["cwd"] == str(tmp_path.resolve())
    assert found["HELLO"] == "you"
    assert "PATH" in found["all"]
    assert "A_SECRET" not in found["all"]


def test_a_child_that_dies_ends_the_streams_and_says_how(raw: Callable[..., MCPServerStdioParams]) -> None:
    gone: list[bool] = []

    async def main() -> None:
        async with stdio_streams(raw(), "raw", lambda: gone.append(True)) as (incoming, outgoing):
            await outgoing.send(calling("die"))
            with pytest.raises(anyio.EndOfStream):
                await incoming.receive()
            assert gone == [True]
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as failed:
        asyncio.run(main())
    assert failed.group_contains(ConnectionLostError, match="the process ended with code -9")


def test_a_server_that_cannot_begin_says_why() -> None:
    params = {"command": sys.executable, "args": ["-Sc", "import no_such_module"]}

    async def main() -> None:
        async with stdio_streams(params, "broken", lambda: None) as (incoming, _):
            with pytest.raises(anyio.EndOfStream):
                await incoming.receive()
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as failed:
        asyncio.run(main())
    reason = "ended with code 1: ModuleNotFoundError: No module named 'no_such_module'"
    assert failed.group_contains(ConnectionLostError, match=reason)


async def flood(outgoing: Any) -> None:
    while True:
        await outgoing.send(calling("echo", text="x" * 100_000))


def test_a_child_that_does_not_read_stops_only_those_who_write(
    raw: Callable[..., MCPServerStdioParams], processes: Callable[..., Any]
) -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        async with AsyncExitStack() as stack:
            streams = stdio_streams(raw("--deaf"), "raw", lambda: None)
            incoming, outgoing = await stack.enter_async_context(streams)
            await outgoing.send(calling("pid"))
            pid = int(said(await incoming.receive()).split()[0])
            # It answers all it hears and nobody takes the answers, so the pipes fill up.
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(flood(outgoing), 0.3)
            with processes(pid) as ended:
                began = loop.time()
                await stack.aclose()
                took = loop.time() - began
                assert await asyncio.to_thread(ended)
        return took

    assert asyncio.run(main()) < 1


def test_what_cannot_be_started_is_said(raw: Callable[..., MCPServerStdioParams]) -> None:
    with pytest.raises(ConfigurationError, match="'no-such-program' was not found"):
        asyncio.run(asked({"command": "no-such-program"}, calling("pid")))


@pytest.mark.parametrize("kind", [MCPServerSse, MCPServerStreamableHttp])
def test_a_refusal_does_not_show_what_the_address_holds(
    kind: type[MCPServerSse | MCPServerStreamableHttp], caplog: pytest.LogCaptureFixture
) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    async def main() -> BaseException:
        async with await asyncio.start_server(refuse, "127.0.0.1", 0) as door:
            port = door.sockets[0].getsockname()[1]
            server = kind({"url": f"http://me:hush@127.0.0.1:{port}/mcp?key=hush"})
            with pytest.raises(ConnectionLostError, match="cannot be reached") as refused:
                await server.connect()
            return refused.value

    with caplog.at_level(logging.DEBUG, "vivavoce"):
        error = asyncio.run(main())
    assert "hush" not in "".join(traceback.format_exception(error))
    assert "hush" not in "".join(
        record.exc_text or "" for record in caplog.records if "vivavoce" in record.name
    )
