"""A server at the other end of a connection: reconnected, timed, cached, filtered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from vivavoce.errors import ConfigurationError, ConnectionLostError, ToolError
from vivavoce.mcp.connection import Connection, Streams, describe
from vivavoce.mcp.filters import ToolFilter, ToolFilterContext, apply_tool_filter, check_tool_filter
from vivavoce.mcp.params import check_seconds
from vivavoce.mcp.server import MCPServer

if TYPE_CHECKING:
    from mcp.client.client import Client
    from mcp.shared.exceptions import MCPError
    from mcp.types import CallToolResult, Tool

    from vivavoce.mcp.approval import RequireApproval

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_PAGES = 100
"""Pages of one listing; a server whose list never ends is refused."""

MAX_LISTED = 5000
"""Tools of one listing; a server with more is refused."""

_END_S = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteSettings:
    """How a connected server behaves.

    Attributes:
        connect_timeout_s: seconds for one connection with its handshake.
        cache_tools_list: list the tools once, until the server says that they changed.
        timeout_s: seconds for one request, or ``None`` for no limit of its own.
        tool_filter: see `ToolFilter`.
        max_retry_attempts: how often a request is sent again after a timeout or a lost connection.
        retry_backoff_s: seconds before the first of these, doubled each time.
    """

    connect_timeout_s: float
    cache_tools_list: bool = False
    timeout_s: float | None = 5.0
    tool_filter: ToolFilter = None
    max_retry_attempts: int = 0
    retry_backoff_s: float = 1.0

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ConfigurationError: one is not accepted.
        """
        check_tool_filter(self.tool_filter)
        if self.timeout_s is not None:
            check_seconds("client_session_timeout_seconds", self.timeout_s)
        attempts: object = self.max_retry_attempts
        if not isinstance(attempts, int) or attempts < 0:
            raise ConfigurationError(
                f"max_retry_attempts must be a number of times from 0 on, got {attempts!r}"
            )
        check_seconds("retry_backoff_seconds_base", self.retry_backoff_s)


class RemoteServer(MCPServer):
    """An MCP server behind a connection.

    A connection that was lost is made again by the next request. A call that was under way when it was lost
    fails, because its effect may have happened; listing tools has none and is repeated.

    Args:
        name: readable, without secrets.
        streams: makes the transport, see `Connection`.
        settings: how it behaves.
        require_approval: see `MCPServer`.
    """

    def __init__(
        self, name: str, streams: Streams, settings: RemoteSettings, require_approval: RequireApproval = None
    ) -> None:
        super().__init__(require_approval)
        self._name = name
        self._streams = streams
        self._settings = settings
        self._wanted = False
        self._connection: Connection | None = None
        self._connecting = asyncio.Lock()
        self._attempts = 0
        self._tools: list[Tool] | None = None
        self._changes = 0
        self._listeners: list[Callable[[], None]] = []

    @property
    def name(self) -> str:
        """A readable name, without secrets."""
        return self._name

    @property
    def connected(self) -> bool:
        """Whether there is a connection now; a lost one is made again when it is needed."""
        return self._connection is not None and self._connection.alive

    async def connect(self) -> None:
        """Connect to the server; does nothing when it is connected.

        Raises:
            ConfigurationError: the server cannot be started as configured.
            ConnectionLostError: it cannot be reached, refused the handshake or took too long.
        """
        if not self.connected:
            self._wanted = True
            try:
                await self._open()
            except BaseException:
                # Another may be connecting it at the same time: what that comes to is not ours to undo.
                if not self._connecting.locked() and not self.connected:
                    self._wanted = False
                raise

    async def cleanup(self) -> None:
        """Disconnect, and end a server that was started here. Takes less than a second; twice is fine."""
        self._wanted = False
        self._tools = None
        if self._connection is not None:
            await self._connection.aclose()

    async def _open(self) -> Connection:
        """Return the connection, made anew where it was lost. All who wait for an attempt share its end."""
        attempts = self._attempts
        async with self._connecting:
            last = self._connection
            if last is not None and self._wanted and last.alive:
                return last
            if last is not None and self._attempts != attempts:
                raise ConnectionLostError(
                    f"MCP server {self._name!r} cannot be reached: {describe(last.cause)}"
                )
            if last is not None:
                await last.aclose()
            if not self._wanted:
                raise ConfigurationError(
                    f"MCP server {self._name!r} is not connected: await connect() first, or use 'async with'"
                )
            self.invalidate_tools_cache()
            # From here on `cleanup` finds it, and closes it also while it opens.
            self._connection = Connection(self._name, self._streams, self._tools_changed)
            try:
                await self._connection.open(self._settings.connect_timeout_s)
            finally:
                self._attempts += 1
            return self._connection

    def _tools_changed(self) -> None:
        self.invalidate_tools_cache()
        for listener in list(self._listeners):
            try:
                listener()
            except Exception:
                logger.exception("A listener failed", extra={"server": self._name})

    def add_tools_listener(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call a function whenever the server says that its tools have changed.

        Args:
            listener: plain and quick; called on the event loop.

        Returns:
            A function that takes the listener away again.
        """
        self._listeners.append(listener)

        def remove() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return remove

    def invalidate_tools_cache(self) -> None:
        """Ask the server for its tools again the next time."""
        self._tools = None
        self._changes += 1

    async def list_tools(self, ctx: Any = None, agent: Any = None) -> list[Tool]:
        """Return the server's tools that pass the filter.

        Args:
            ctx: the run's context, for a dynamic filter.
            agent: the agent that asks, for a dynamic filter.

        Raises:
            ConfigurationError: the server was never connected, or was cleaned up.
            ToolError: the server did not answer, also not over a new connection.
        """
        tools = self._tools
        if tools is None:
            tools = await self._listed()
        context = ToolFilterContext(ctx, agent, self._name)
        return await apply_tool_filter(self._settings.tool_filter, tools, context)

    async def _listed(self) -> list[Tool]:
        try:
            tools, changes = await self._request(self._all_pages, repeatable=True)
        except _NO_RESULT as error:
            raise ToolError(f"MCP server {self._name!r} did not list its tools: {describe(error)}") from error
        # What changed while the list was on its way is not in it for certain.
        if self._settings.cache_tools_list and changes == self._changes:
            self._tools = tools
        return tools

    async def _all_pages(self, client: Client) -> tuple[list[Tool], int]:
        changes = self._changes
        tools: list[Tool] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await client.list_tools(cursor=cursor)
            tools += page.tools
            if len(tools) > MAX_LISTED:
                raise _RefusedError(f"its list has more than {MAX_LISTED} tools")
            cursor = page.next_cursor
            if cursor is None:
                return tools, changes
        raise _RefusedError(f"its list has more than {MAX_PAGES} pages")

    async def call_tool(
        self, name: str, arguments: dict[str, Any] | None, meta: dict[str, Any] | None = None
    ) -> CallToolResult:
        """Call a tool.

        Args:
            name: of the tool, as the server calls it.
            arguments: JSON object, or ``None`` for none.
            meta: sent as the request's ``_meta``.

        Returns:
            What the tool returned, also when it says that it failed (`is_error`).

        Raises:
            ConfigurationError: the server was never connected, or was cleaned up.
            ToolError: the server refused the call, did not answer in time or went away.
        """

        async def call(client: Client) -> CallToolResult:
            return await client.call_tool(name, arguments, meta=meta or None)  # type: ignore[arg-type]

        try:
            return await self._request(call, repeatable=False)
        except _NO_RESULT as error:
            raise ToolError(f"{name!r} failed: {describe(error)}", tool_name=name) from error

    async def _request(self, ask: Callable[[Client], Awaitable[T]], *, repeatable: bool) -> T:
        delay_s = self._settings.retry_backoff_s
        for _ in range(self._settings.max_retry_attempts):
            try:
                return await self._reconnecting(ask, repeatable=repeatable)
            except (ConnectionLostError, TimeoutError):
                await asyncio.sleep(delay_s)
                delay_s *= 2
        return await self._reconnecting(ask, repeatable=repeatable)

    async def _reconnecting(self, ask: Callable[[Client], Awaitable[T]], *, repeatable: bool) -> T:
        """Send one request; once more over a new connection, where that can do no harm."""
        connection = await self._reopen()
        try:
            return await self._once(connection, ask)
        except ConnectionLostError as error:
            if not self._wanted or not (repeatable or isinstance(error, _NotDeliveredError)):
                raise
        return await self._once(await self._reopen(), ask)

    async def _reopen(self) -> Connection:
        try:
            return await self._open()
        except ConfigurationError as error:
            if not self._wanted:
                raise
            # It could be started once: to whoever calls a tool now, the server is just gone.
            raise ConnectionLostError(str(error)) from error

    async def _once(self, connection: Connection, ask: Callable[[Client], Awaitable[T]]) -> T:
        from mcp.shared.exceptions import MCPError

        try:
            async with asyncio.timeout(self._settings.timeout_s):
                return await ask(connection.client)
        except TimeoutError as error:
            limit_s = self._settings.timeout_s
            # Without a limit of ours it was one of the transport's own.
            words = "no answer in time" if limit_s is None else f"no answer within {limit_s:g} s"
            raise TimeoutError(words) from error
        except (ConnectionLostError, _RefusedError):
            raise
        except MCPError as error:
            raise await self._sorted(connection, error) from error
        except Exception as error:
            # An answer that fits no schema, a client that is just being closed: no result either way.
            raise _RefusedError(describe(error)) from error

    async def _sorted(self, connection: Connection, error: MCPError) -> Exception:
        """Return what an error of the protocol means for the request: lost, not delivered or refused."""
        from mcp.types import CONNECTION_CLOSED, INVALID_REQUEST

        if error.code == CONNECTION_CLOSED:
            # Over HTTP it may be this one answer that was cut off, so the connection stays if it stays.
            await connection.wait_ended(_END_S)
            return ConnectionLostError(f"the server went away: {describe(connection.cause or error)}")
        # So the package tells of HTTP 404 for a session: the server was started anew and does not know it.
        if (error.code, error.message) == (INVALID_REQUEST, "Session terminated"):
            connection.lose()
            return _NotDeliveredError("the server has ended the session")
        return _RefusedError(error.message)


class _RefusedError(Exception):
    """The server answered, but not with a result."""


class _NotDeliveredError(ConnectionLostError):
    """The connection is lost, and the request certainly did nothing."""


_NO_RESULT = (ConnectionLostError, TimeoutError, _RefusedError)
