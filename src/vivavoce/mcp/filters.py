"""Which of a server's tools an agent gets to see."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from mcp.types import Tool

logger = logging.getLogger(__name__)

_STATIC_KEYS = ("allowed_tool_names", "blocked_tool_names")


@dataclass(frozen=True, slots=True)
class ToolFilterContext:
    """What a dynamic tool filter knows beside the tool.

    Attributes:
        run_context: the run's context, or ``None`` when the tools are listed outside a run.
        agent: the agent that asks, or ``None``.
        server_name: name of the MCP server.
    """

    run_context: Any
    agent: Any
    server_name: str


class ToolFilterStatic(TypedDict, total=False):
    """A filter by name; a tool must be allowed (where that is given) and not be blocked.

    Attributes:
        allowed_tool_names: only these.
        blocked_tool_names: not these.
    """

    allowed_tool_names: list[str]
    blocked_tool_names: list[str]


ToolFilterCallable: TypeAlias = "Callable[[ToolFilterContext, Tool], bool | Awaitable[bool]]"
ToolFilter: TypeAlias = "ToolFilterCallable | ToolFilterStatic | None"


def create_static_tool_filter(
    allowed_tool_names: list[str] | None = None, blocked_tool_names: list[str] | None = None
) -> ToolFilterStatic | None:
    """Return a filter by name, or ``None`` when neither list is given.

    Args:
        allowed_tool_names: only these tools; ``None`` is all.
        blocked_tool_names: not these tools; ``None`` is none.
    """
    names: ToolFilterStatic = {}
    if allowed_tool_names is not None:
        names["allowed_tool_names"] = allowed_tool_names
    if blocked_tool_names is not None:
        names["blocked_tool_names"] = blocked_tool_names
    return names or None


def check_tool_filter(tool_filter: object) -> None:
    """Refuse what is no filter.

    Args:
        tool_filter: a callable, a dictionary of names, or ``None``.

    Raises:
        ConfigurationError: it is something else, or has an unknown key or a value that is no list of names.
    """
    if tool_filter is None or callable(tool_filter):
        return
    if not isinstance(tool_filter, Mapping):
        raise ConfigurationError(
            f"tool_filter must be a function (context, tool) or create_static_tool_filter(…), "
            f"got {tool_filter!r}"
        )
    for key, names in tool_filter.items():
        if key not in _STATIC_KEYS:
            raise ConfigurationError(f"tool_filter: unknown key {key!r}, accepted: {', '.join(_STATIC_KEYS)}")
        if isinstance(names, str) or not isinstance(names, Iterable):
            raise ConfigurationError(f"tool_filter[{key!r}] must be a list of tool names, got {names!r}")


async def apply_tool_filter(
    tool_filter: ToolFilter, tools: Iterable[Tool], context: ToolFilterContext
) -> list[Tool]:
    """Return the tools that pass, in their order.

    Args:
        tool_filter: by name, a plain or async function, or ``None`` for all. A function that raises leaves
            that tool out; the error is logged.
        tools: what the server offers.
        context: handed to a function.
    """
    if tool_filter is None:
        return list(tools)
    if callable(tool_filter):
        return [tool for tool in tools if await _passes(tool_filter, tool, context)]
    allowed = tool_filter.get("allowed_tool_names")
    blocked = tool_filter.get("blocked_tool_names") or ()
    return [tool for tool in tools if (allowed is None or tool.name in allowed) and tool.name not in blocked]


async def _passes(tool_filter: ToolFilterCallable, tool: Tool, context: ToolFilterContext) -> bool:
    try:
        # A copy: what a filter does to it must not reach the cache.
        verdict = tool_filter(context, tool.model_copy(deep=True))
        return bool(await verdict if inspect.isawaitable(verdict) else verdict)
    except Exception:
        logger.exception(
            "A tool filter failed: the tool is left out",
            extra={"server": context.server_name, "tool": tool.name},
        )
        return False
