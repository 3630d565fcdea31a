"""The servers a user names: a program to start, or an address."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vivavoce.mcp.params import (
    CONNECT_TIMEOUT_S,
    MCPServerSseParams,
    MCPServerStdioParams,
    MCPServerStreamableHttpParams,
    checked,
)
from vivavoce.mcp.remote import RemoteServer, RemoteSettings
from vivavoce.mcp.transports import http_streams, sse_streams, stdio_streams

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from vivavoce.mcp.approval import RequireApproval
    from vivavoce.mcp.filters import ToolFilter
from vivavoce.urls import shown_url


def _settings(
    params: dict[str, Any],
    cache_tools_list: bool,
    timeout_s: float | None,
    tool_filter: ToolFilter,
    max_retry_attempts: int,
    retry_backoff_s: float,
) -> RemoteSettings:
    return RemoteSettings(
        connect_timeout_s=params.pop("connect_timeout", CONNECT_TIMEOUT_S),
        cache_tools_list=cache_tools_list,
        # 0 is no limit, too, as in the Agents SDK.
        timeout_s=None if timeout_s == 0 else timeout_s,
        tool_filter=tool_filter,
        max_retry_attempts=max_retry_attempts,
        retry_backoff_s=retry_backoff_s,
    )


class MCPServerStdio(RemoteServer):
    """An MCP server that is started here and spoken to through its standard input and output.

    It runs in a process group of its own, which is ended with it. What it writes on its standard error goes
    to the log at level debug.

        async with MCPServerStdio({"command": "npx", "args": ["-y", "@example/server"]}) as server:
            agent = RealtimeAgent("Assistant", mcp_servers=[server])

    Args:
        params: what to start, see `MCPServerStdioParams`.
        cache_tools_list: list the tools once, until the server says that they changed.
        name: readable; default from the command.
        client_session_timeout_seconds: for one request; ``None`` or 0 is no limit.
        tool_filter: which tools to offer, see `create_static_tool_filter` and `ToolFilterContext`.
        max_retry_attempts: how often a request is sent again after a timeout or a lost connection; a tool may
            then run twice.
        retry_backoff_seconds_base: seconds before the first of these, doubled each time.
        require_approval: which calls a person must approve first, see `RequireApproval`.

    Raises:
        ConfigurationError: a value is not accepted.
    """

    def __init__(
        self,
        params: MCPServerStdioParams,
        cache_tools_list: bool = False,
        name: str | None = None,
        client_session_timeout_seconds: float | None = 5,
        tool_filter: ToolFilter = None,
        max_retry_attempts: int = 0,
        retry_backoff_seconds_base: float = 1.0,
        require_approval: RequireApproval = None,
    ) -> None:
        given = checked(params, MCPServerStdioParams, "command")
        settings = _settings(
            given,
            cache_tools_list,
            client_session_timeout_seconds,
            tool_filter,
            max_retry_attempts,
            retry_backoff_seconds_base,
        )
        called = name or f"stdio: {Path(given['command']).name}"
        super().__init__(called, partial(stdio_streams, given, called), settings, require_approval)


class MCPServerStreamableHttp(RemoteServer):
    """An MCP server behind streamable HTTP.

    Args:
        params: where it is, see `MCPServerStreamableHttpParams`.
        cache_tools_list: list the tools once, until the server says that they changed.
        name: readable; default from the address, without what may be secret in it.
        client_session_timeout_seconds: for one request; ``None`` or 0 is no limit.
        tool_filter: which tools to offer, see `create_static_tool_filter` and `ToolFilterContext`.
        max_retry_attempts: how often a request is sent again after a timeout or a lost connection; a tool may
            then run twice.
        retry_backoff_seconds_base: seconds before the first of these, doubled each time.
        require_approval: which calls a person must approve first, see `RequireApproval`.

    Raises:
        ConfigurationError: a value is not accepted.
    """

    def __init__(
        self,
        params: MCPServerStreamableHttpParams,
        cache_tools_list: bool = False,
        name: str | None = None,
        client_session_timeout_seconds: float | None = 5,
        tool_filter: ToolFilter = None,
        max_retry_attempts: int = 0,
        retry_backoff_seconds_base: float = 1.0,
        require_approval: RequireApproval = None,
    ) -> None:
        given = checked(params, MCPServerStreamableHttpParams, "url")
        settings = _settings(
            given,
            cache_tools_list,
            client_session_timeout_seconds,
            tool_filter,
            max_retry_attempts,
            retry_backoff_seconds_base,
        )
        called = name or f"streamable_http: {shown_url(given['url'])}"

        def streams(_gone: Callable[[], None]) -> AbstractAsyncContextManager[Any]:
            return http_streams(given)

        super().__init__(called, streams, settings, require_approval)


class MCPServerSse(RemoteServer):
    """An MCP server behind HTTP with server-sent events, the transport before streamable HTTP.

    Args:
        params: where it is, see `MCPServerSseParams`.
        cache_tools_list: list the tools once, until the server says that they changed.
        name: readable; default from the address, without what may be secret in it.
        client_session_timeout_seconds: for one request; ``None`` or 0 is no limit.
        tool_filter: which tools to offer, see `create_static_tool_filter` and `ToolFilterContext`.
        max_retry_attempts: how often a request is sent again after a timeout or a lost connection; a tool may
            then run twice.
        retry_backoff_seconds_base: seconds before the first of these, doubled each time.
        require_approval: which calls a person must approve first, see `RequireApproval`.

    Raises:
        ConfigurationError: a value is not accepted.
    """

    def __init__(
        self,
        params: MCPServerSseParams,
        cache_tools_list: bool = False,
        name: str | None = None,
        client_session_timeout_seconds: float | None = 5,
        tool_filter: ToolFilter = None,
        max_retry_attempts: int = 0,
        retry_backoff_seconds_base: float = 1.0,
        require_approval: RequireApproval = None,
    ) -> None:
        given = checked(params, MCPServerSseParams, "url")
        settings = _settings(
            given,
            cache_tools_list,
            client_session_timeout_seconds,
            tool_filter,
            max_retry_attempts,
            retry_backoff_seconds_base,
        )
        called = name or f"sse: {shown_url(given['url'])}"

        def streams(_gone: Callable[[], None]) -> AbstractAsyncContextManager[Any]:
            return sse_streams(given)

        super().__init__(called, streams, settings, require_approval)
