"""One MCP server of a session: found by either transport, its tools and results in the words of the wire."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from vivavoce.errors import ConnectionLostError, ToolError
from vivavoce.mcp import MCPServerSse, MCPServerStreamableHttp, is_error, result_text
from vivavoce.mcp.failures import failure_of
from vivavoce.protocol import (
    UNSET,
    McpCallError,
    McpHttpError,
    McpListedTool,
    McpProtocolError,
    McpTool,
    McpToolExecutionError,
    present,
)
from vivavoce.urls import shown_url

if TYPE_CHECKING:
    from mcp.types import Tool

    from vivavoce.mcp.remote import RemoteServer

T = TypeVar("T")

MAX_TOOLS = 256
"""Tools of one server; one with more is refused, and the client may choose some with `allowed_tools`."""

MAX_TOOLS_CHARS = 512 * 1024
"""What the descriptions and schemas of one server's tools may hold together, in characters."""

MAX_OUTPUT_CHARS = 64 * 1024
"""Longest output of a call, in characters; what is beyond it is cut off, and the output says so."""

_OTHER_TRANSPORT = frozenset({400, 404, 405, 406, 415, 501})
"""How a server of one transport answers to the other."""

_KINDS: Mapping[str, Callable[..., RemoteServer]] = {"http": MCPServerStreamableHttp, "sse": MCPServerSse}


class McpFailedError(Exception):
    """There is no result.

    Attributes:
        error: why, as the item of the call says it.
    """

    def __init__(self, error: McpCallError) -> None:
        super().__init__(error.message)
        self.error = error


class McpLink:
    """A session's connection to one MCP server, made when it is first needed.

    Args:
        declared: where the server is, with its secrets.
        timeout_s: for each of its steps.
        private_addresses: whether it may be at an address that is not public.
    """

    def __init__(self, declared: McpTool, timeout_s: float, *, private_addresses: bool) -> None:
        self._declared = declared
        self._timeout_s = timeout_s
        self._private_addresses = private_addresses
        self._server: RemoteServer | None = None
        self._opening = asyncio.Lock()
        self._busy = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def leads_to(self, declared: McpTool) -> bool:
        """Whether a declaration means this very server, with the same secrets."""
        return _place(self._declared) == _place(declared)

    async def list_tools(self) -> list[McpListedTool]:
        """Ask the server for its tools.

        Raises:
            McpFailedError: it did not say.
        """
        return await self._within_time(self._list)

    async def call_tool(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Call a tool and return its output.

        Raises:
            McpFailedError: there is none.
        """
        return await self._within_time(lambda: self._call(name, arguments))

    async def leave(self) -> None:
        """Disconnect once nothing is under way."""
        await self._idle.wait()
        await self.aclose()

    async def aclose(self) -> None:
        """Disconnect now; safe to call twice."""
        if self._server is not None:
            await self._server.cleanup()

    # --- inside -------------------------------------------------------------------------------------------

    async def _within_time(self, work: Callable[[], Awaitable[T]]) -> T:
        from vivavoce.mcp.guarded_http import FAILED_STATUSES

        statuses: list[int] = []
        FAILED_STATUSES.set(statuses)  # of this task, and of what it starts
        self._busy += 1
        self._idle.clear()
        try:
            async with asyncio.timeout(self._timeout_s):
                return await work()
        except McpFailedError:
            raise
        except TimeoutError as error:
            words = f"No answer within {self._timeout_s:g} s."
            raise McpFailedError(McpToolExecutionError(message=words)) from error
        except Exception as error:
            raise McpFailedError(_as_error(error, statuses)) from error
        finally:
            self._busy -= 1
            if not self._busy:
                self._idle.set()

    async def _list(self) -> list[McpListedTool]:
        tools = [_listed(tool) for tool in await (await self._open()).list_tools()]
        size = sum(len(tool.description) + len(json.dumps(tool.input_schema)) for tool in tools)
        if len(tools) > MAX_TOOLS or size > MAX_TOOLS_CHARS:
            raise ToolError(
                f"it has {len(tools)} tools with {size} characters of description; at most {MAX_TOOLS} with "
                f"{MAX_TOOLS_CHARS} are possible"
            )
        return tools

    async def _call(self, name: str, arguments: Mapping[str, Any]) -> str:
        result = await (await self._open()).call_tool(name, dict(arguments))
        text = result_text(result)
        if len(text) > MAX_OUTPUT_CHARS:
            cut = len(text) - MAX_OUTPUT_CHARS
            text = f"{text[:MAX_OUTPUT_CHARS]}\n[{cut} more characters were cut off]"
        if is_error(result):
            raise McpFailedError(McpToolExecutionError(message=text or "The tool failed."))
        return text

    async def _open(self) -> RemoteServer:
        async with self._opening:
            if self._server is None:
                self._server = await self._found()
            return self._server

    async def _found(self) -> RemoteServer:
        """Return the server, connected by the transport that it speaks.

        Raises:
            ConnectionLostError: it speaks neither, or cannot be reached.
        """
        from vivavoce.mcp.guarded_http import FAILED_STATUSES

        first, second = ("sse", "http") if self._looks_like_sse() else ("http", "sse")
        try:
            return await self._connected(first)
        except ConnectionLostError:
            statuses = FAILED_STATUSES.get() or [0]
            if statuses[-1] not in _OTHER_TRANSPORT:
                raise
            try:
                server = await self._connected(second)
            except ConnectionLostError:
                # What the transport that it may not speak said of it would mislead.
                del statuses[1:]
            else:
                statuses.clear()
                return server
            raise

    def _looks_like_sse(self) -> bool:
        return urlsplit(str(self._declared.server_url)).path.rstrip("/").endswith("/sse")

    async def _connected(self, kind: str) -> RemoteServer:
        from vivavoce.mcp.guarded_http import client_factory

        declared = self._declared
        url = str(declared.server_url)
        params = {
            "url": shown_url(url),
            "headers": _headers(declared),
            "timeout": self._timeout_s,
            "connect_timeout": self._timeout_s,
            "httpx_client_factory": client_factory(url, private_addresses=self._private_addresses),
        }
        server = _KINDS[kind](
            params, name=declared.server_label, client_session_timeout_seconds=self._timeout_s
        )
        try:
            await server.connect()
        except BaseException:
            await server.cleanup()
            raise
        return server


def _place(declared: McpTool) -> tuple[object, ...]:
    return declared.server_url, _headers(declared)


def _headers(declared: McpTool) -> dict[str, str]:
    """Return the headers of every request: the client's own, and who it says that it is."""
    headers = dict(declared.headers) if isinstance(declared.headers, Mapping) else {}
    if token := present(declared.authorization, None):
        headers["Authorization"] = token if token.lower().startswith("bearer ") else f"Bearer {token}"
    elif not any(name.lower() == "authorization" for name in headers):
        parts = urlsplit(str(declared.server_url))
        if parts.username is not None:
            named = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers["Authorization"] = f"Basic {b64encode(named.encode()).decode()}"
    return headers


def _listed(tool: Tool) -> McpListedTool:
    hints = tool.annotations
    return McpListedTool(
        name=tool.name,
        description=tool.description or "",
        input_schema=tool.input_schema,
        annotations=UNSET if hints is None else hints.model_dump(by_alias=True, exclude_none=True),
    )


def _as_error(error: Exception, statuses: list[int]) -> McpCallError:
    failure = failure_of(error, statuses)
    if failure.kind == "protocol":
        return McpProtocolError(code=failure.code, message=failure.message)
    if failure.kind == "http":
        return McpHttpError(code=failure.code, message=failure.message)
    return McpToolExecutionError(message=failure.message)
