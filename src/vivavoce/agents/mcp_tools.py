"""From the tools of MCP servers to tools of an agent."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import json
import logging
import re
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vivavoce.agents.limits import TookTooLongError, within
from vivavoce.agents.tool import FunctionTool, default_tool_error
from vivavoce.errors import ConfigurationError, ToolError
from vivavoce.mcp import is_error, result_text

if TYPE_CHECKING:
    from vivavoce.agents.base import ToolServer
    from vivavoce.agents.context import ToolContext
    from vivavoce.agents.tool import Invoke

logger = logging.getLogger(__name__)

LISTING_S = 60.0
"""Seconds that a server may take to list its tools; those of `vivavoce.mcp` have shorter limits."""
_MAX_NAME = 64
_STRANGE = re.compile(r"[^A-Za-z0-9_-]")


async def mcp_function_tools(
    servers: Sequence[ToolServer], ctx: Any, agent: Any, config: Mapping[str, Any] | None = None
) -> list[FunctionTool]:
    """Ask MCP servers for their tools, all at the same time, and return them as function tools.

    A tool whose name no model may use (letters, digits, ``_`` and ``-``, at most 64) gets one that fits. A
    tool that cannot be described to a model is left out and logged.

    Args:
        servers: connected ones, as of `vivavoce.mcp` or anything with the same methods.
        ctx: the run's context, for the servers' filters.
        agent: the agent that asks, for the servers' filters.
        config: ``convert_schemas_to_strict`` (where a schema allows it), ``include_server_in_tool_names`` and
            ``failure_error_function``, all optional.

    Raises:
        ConfigurationError: two servers have a tool of the same name, or a server was never connected.
        ToolError: a server did not list its tools, or not within `LISTING_S`.
    """
    config = config or {}
    listings = await _listings(servers, ctx, agent)
    prefixed = bool(config.get("include_server_in_tool_names"))
    owners: dict[str, str] = {}
    tools: list[FunctionTool] = []
    for server, listed in zip(servers, listings, strict=True):
        names = _names(server.name, listed, owners if prefixed else (), prefixed=prefixed)
        for name, tool in names.items():
            if name in owners:
                raise ConfigurationError(
                    f"MCP servers {owners[name]!r} and {server.name!r} both have a tool named {name!r}; "
                    "set mcp_config={'include_server_in_tool_names': True}, or filter one of them out"
                )
            owners[name] = server.name
            if (made := _function_tool(name, tool, server, agent, config)) is not None:
                tools.append(made)
    return tools


async def _listings(servers: Sequence[ToolServer], ctx: Any, agent: Any) -> list[Sequence[Any]]:
    async def listing(server: ToolServer) -> Sequence[Any]:
        try:
            return await within(LISTING_S, server.list_tools(ctx, agent))
        except TookTooLongError as error:
            raise ToolError(f"MCP server {server.name!r} did not list its tools: {error}") from error

    try:
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(listing(server)) for server in servers]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [each.result() for each in asked]


def _names(
    server_name: str, tools: Sequence[Any], taken: Collection[str], *, prefixed: bool
) -> dict[str, Any]:
    """Return the tools of one server by the names under which a model calls them."""
    given = {tool.name for tool in tools}
    named: dict[str, Any] = {}
    for tool in tools:
        name = _safe(tool.name)
        if prefixed:
            name = f"mcp_{_safe(server_name)}__{name}"
        # A name that fits belongs to the tool that has it, not to one that was renamed.
        stolen = not prefixed and name != tool.name and name in given
        if name in named and named[name].name == tool.name:
            logger.warning("An MCP server lists a tool twice", extra={"server": server_name, "tool": name})
            continue
        if stolen or len(name) > _MAX_NAME or name in named or name in taken:
            name = _distinct(name, f"{server_name}\0{tool.name}", {*named, *taken})
        named[name] = tool
    return named


def _safe(name: str) -> str:
    return _STRANGE.sub("_", name) or "tool"


def _distinct(name: str, seed: str, taken: Collection[str]) -> str:
    """Return a name that is short enough and still free, the same for the same tools."""
    while True:
        mark = hashlib.sha256(seed.encode()).hexdigest()[:8]
        candidate = f"{name[: _MAX_NAME - 9]}_{mark}"
        if candidate not in taken:
            return candidate
        seed += "\0"


def _function_tool(
    name: str, tool: Any, server: ToolServer, agent: Any, config: Mapping[str, Any]
) -> FunctionTool | None:
    try:
        schema, strict = _schema(name, tool, wish_strict=bool(config.get("convert_schemas_to_strict")))
        asks = getattr(server, "needs_approval", None)
        return FunctionTool(
            name=name,
            description=tool.description or getattr(tool, "title", None) or "",
            params_json_schema=schema,
            on_invoke_tool=_invoke(name, tool.name, server),
            strict_json_schema=strict,
            needs_approval=asks(tool, agent) if callable(asks) else False,
            failure_error_function=config.get("failure_error_function", default_tool_error),
        )
    except ConfigurationError as error:
        logger.warning(
            "A tool of an MCP server cannot be described to a model: it is left out",
            extra={"server": server.name, "tool": tool.name, "reason": str(error)},
        )
        return None


def _schema(name: str, tool: Any, *, wish_strict: bool) -> tuple[dict[str, Any], bool]:
    """Return the schema of the arguments, and whether it is a strict one."""
    from vivavoce.agents.strict import strict_schema

    given = getattr(tool, "input_schema", None) or getattr(tool, "inputSchema", None) or {}
    # MCP asks for neither of these two; models do.
    schema = {"type": "object", "properties": {}, **copy.deepcopy(given)}
    if wish_strict:
        try:
            return strict_schema(schema, owner=f"tool {name!r}"), True
        except ConfigurationError as error:
            logger.info("A schema cannot be made strict", extra={"tool": name, "reason": str(error)})
    return schema, False


def _invoke(name: str, tool_name: str, server: ToolServer) -> Invoke:
    async def invoke(_context: ToolContext[Any], arguments: str) -> str:
        result = await server.call_tool(tool_name, _parsed(name, arguments))
        text = result_text(result)
        if is_error(result):
            raise ToolError(text or "it failed without saying why", tool_name=name)
        return text

    return invoke


def _parsed(name: str, arguments: str) -> dict[str, Any]:
    try:
        parsed = json.loads(arguments.strip() or "{}")
    except ValueError as error:
        raise ToolError(f"bad arguments for {name}: not JSON: {error}", tool_name=name) from error
    if not isinstance(parsed, dict):
        raise ToolError(f"bad arguments for {name}: a JSON object is needed", tool_name=name)
    return parsed
