"""The ways to a server, each as a pair of message streams: a child's pipes, or HTTP.

For HTTP these are the package `mcp`'s own. For a child they are not: its own way of ending one may take four
seconds, stops reading at the first odd byte, and lets the child write over the terminal.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from vivavoce.errors import ConnectionLostError
from vivavoce.mcp.child import READ_BYTES, Child, Command, start_child
from vivavoce.mcp.connection import root_cause
from vivavoce.mcp.lines import LineSplitter
from vivavoce.mcp.params import HTTP_TIMEOUT_S, SSE_READ_TIMEOUT_S

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from mcp.shared.message import SessionMessage

logger = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 32 * 1024 * 1024
"""Longest message of a child; a longer one is dropped."""

WRITE_QUEUE = 64
"""Messages that wait for a child that does not read; whoever sends one more waits for its timeout at most."""

_EXIT_CODE_S = 0.1


@asynccontextmanager
async def stdio_streams(
    params: Mapping[str, Any], name: str, gone: Callable[[], None]
) -> AsyncGenerator[Any]:
    """Start a child process and give the streams of messages from and to it; end it on the way out.

    Args:
        params: checked `MCPServerStdioParams`.
        name: of the server, for messages and the log.
        gone: called at once when the child closes its output or ends.

    Raises:
        ConfigurationError: the child cannot be started.
        ConnectionLostError: within the block, when the child closes its output or ends.
    """
    import anyio
    from mcp.client.stdio import get_default_environment

    child = await start_child(
        Command(
            command=params["command"],
            args=params.get("args", ()),
            env=get_default_environment() | (params.get("env") or {}),
            cwd=params.get("cwd"),
        )
    )
    pipes = _Pipes(
        child, name, params.get("encoding", "utf-8"), params.get("encoding_error_handler", "strict")
    )
    try:
        into, incoming = anyio.create_memory_object_stream[Any](0)
        outgoing, out_of = anyio.create_memory_object_stream[Any](WRITE_QUEUE)
        async with incoming, outgoing, anyio.create_task_group() as group:
            group.start_soon(pipes.read, into, gone)
            group.start_soon(pipes.write, out_of)
            group.start_soon(child.log_stderr, name)
            try:
                yield incoming, outgoing
            finally:
                pipes.closing = True
                # Also when a dead child has cancelled what is inside: its pipes are still to be closed.
                with anyio.CancelScope(shield=True):
                    await child.stop()
                group.cancel_scope.cancel()
    finally:
        child.kill()


class _Pipes:
    """Messages from and to a child, a line each."""

    def __init__(self, child: Child, name: str, encoding: str, errors: str) -> None:
        self._child = child
        self._name = name
        self._encoding = encoding
        self._errors = errors
        self._answered = False
        self.closing = False

    async def read(self, into: MemoryObjectSendStream[Any], gone: Callable[[], None]) -> None:
        import anyio

        splitter = LineSplitter(MAX_MESSAGE_BYTES)
        async with into:
            while chunk := await self._child.stdout.read(READ_BYTES):
                for line in splitter.feed(chunk):
                    if (message := self._message(line)) is not None:
                        self._answered = True
                        try:
                            await into.send(message)
                        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                            return  # the session has ended first
            if self.closing:
                return
            gone()
        await self._child.wait(_EXIT_CODE_S)
        reason = f"the process ended with code {self._child.returncode}"
        # One that never worked says why on its standard error: a missing module, a wrong path.
        if not self._answered and (words := await self._child.last_words(_EXIT_CODE_S)):
            reason += f": {words}"
        raise ConnectionLostError(reason)

    def _message(self, line: bytes) -> SessionMessage | None:
        from mcp.shared.message import SessionMessage
        from mcp.types import jsonrpc_message_adapter

        try:
            text = line.decode(self._encoding, self._errors)
            return SessionMessage(jsonrpc_message_adapter.validate_json(text, by_name=False))
        except ValueError:
            # Many servers print a greeting; it is no reason to hang up.
            logger.debug(
                "An MCP server wrote something else than a message to its standard output",
                extra={"server": self._name, "bytes": len(line)},
            )
            return None

    async def write(self, out_of: MemoryObjectReceiveStream[Any]) -> None:
        async with out_of:
            async for message in out_of:
                text = message.message.model_dump_json(by_alias=True, exclude_unset=True)
                self._child.stdin.write((text + "\n").encode(self._encoding, self._errors))
                try:
                    await self._child.stdin.drain()
                except OSError:
                    return  # the reader sees the end too, and says how it came


@asynccontextmanager
async def http_streams(params: Mapping[str, Any]) -> AsyncGenerator[Any]:
    """Give the streams of messages from and to a server behind streamable HTTP.

    Args:
        params: checked `MCPServerStreamableHttpParams`.
    """
    from mcp.client.streamable_http import streamable_http_client

    async with await _http_client(params) as client:
        streams = streamable_http_client(
            params["url"], http_client=client, terminate_on_close=params.get("terminate_on_close", True)
        )
        async with streams as pair:
            yield pair


async def _http_client(params: Mapping[str, Any]) -> Any:
    import httpx2

    timeout = httpx2.Timeout(
        params.get("timeout", HTTP_TIMEOUT_S), read=params.get("sse_read_timeout", SSE_READ_TIMEOUT_S)
    )
    make = params.get("httpx_client_factory", httpx2.AsyncClient)
    # In a thread: it reads the certificates of the system.
    return await asyncio.to_thread(
        make, headers=params.get("headers"), timeout=timeout, auth=params.get("auth")
    )


@asynccontextmanager
async def sse_streams(params: Mapping[str, Any]) -> AsyncGenerator[Any]:
    """Give the streams of messages from and to a server behind HTTP with server-sent events.

    Args:
        params: checked `MCPServerSseParams`.

    Raises:
        ConnectionLostError: in a group, when the server refuses.
    """
    import httpx2
    from mcp.client.sse import sse_client

    client = await _http_client(params)

    def ready_made(**_: object) -> Any:
        return client

    streams = sse_client(
        params["url"],
        timeout=params.get("timeout", HTTP_TIMEOUT_S),
        sse_read_timeout=params.get("sse_read_timeout", SSE_READ_TIMEOUT_S),
        httpx_client_factory=cast("Any", ready_made),
    )
    try:
        async with streams as pair:
            yield pair
    except* httpx2.HTTPStatusError as refusals:
        answer = cast("httpx2.HTTPStatusError", root_cause(refusals)).response
        # The error itself names the whole address, and a key that is in it.
        raise ConnectionLostError(f"HTTP {answer.status_code} {answer.reason_phrase}".rstrip()) from None
