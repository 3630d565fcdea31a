"""`MCPServer`: what an agent needs of an MCP server, whatever is behind it."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Self

from vivavoce.mcp.approval import RequireApproval, approval_policy

if TYPE_CHECKING:
    from types import TracebackType

    from mcp.types import CallToolResult, Tool

NeedsApproval = Callable[[Any, Mapping[str, Any], str], Awaitable[bool]]
"""``(run_context, arguments, call_id)``: the form in which a tool asks."""


class MCPServer(ABC):
    """A Model Context Protocol server whose tools agents can use.

    It is connected before an agent uses it and cleaned up afterwards, most easily with ``async with``. One
    server serves any number of agents, sessions and calls at a time.

    Args:
        require_approval: which calls a person must approve first, see `RequireApproval`; default none.

    Raises:
        ConfigurationError: `require_approval` is not accepted.
    """

    def __init__(self, require_approval: RequireApproval = None) -> None:
        self._approval = approval_policy(require_approval)

    @property
    @abstractmethod
    def name(self) -> str:
        """A readable name, without secrets."""

    @abstractmethod
    async def connect(self) -> None:
        """Connect to the server; does nothing when it is connected.

        Raises:
            ConfigurationError: the server cannot be started as configured.
            ConnectionLostError: it cannot be reached.
        """

    @abstractmethod
    async def cleanup(self) -> None:
        """Disconnect, and end a server that was started here. Takes less than a second; twice is fine."""

    @abstractmethod
    async def list_tools(self, ctx: Any = None, agent: Any = None) -> list[Tool]:
        """Return the server's tools that pass the filter.

        Args:
            ctx: the run's context, for a dynamic filter.
            agent: the agent that asks, for a dynamic filter.

        Raises:
            ToolError: the server did not say.
        """

    @abstractmethod
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
            ToolError: there is no result; the message is fit for the model.
        """

    def invalidate_tools_cache(self) -> None:  # noqa: B027 - a server without a cache has nothing to do
        """Ask the server for its tools again the next time, where the list is cached."""

    def needs_approval(self, tool: Tool, agent: Any = None) -> bool | NeedsApproval:
        """Return whether a person must approve calls of a tool, or the function that decides per call.

        Args:
            tool: one of this server's.
            agent: that uses it.
        """
        policy = self._approval
        if not callable(policy):
            return policy if isinstance(policy, bool) else policy.get(tool.name, False)

        async def ask(run_context: Any, _arguments: Mapping[str, Any], _call_id: str) -> bool:
            verdict = policy(run_context, agent, tool)
            return bool(await verdict if inspect.isawaitable(verdict) else verdict)

        return ask

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.cleanup()
