"""`AgentBase`: what agents that speak and agents that write have in common."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeAlias

from vivavoce.agents.context import RunContextWrapper, TContext
from vivavoce.agents.emitter import Emitter, Listener
from vivavoce.agents.tool import FunctionTool, HostedMCPTool, Tool
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

MCPConfig: TypeAlias = Mapping[str, Any]
"""``convert_schemas_to_strict``, ``include_server_in_tool_names`` and ``failure_error_function``."""


class ToolServer(Protocol):
    """An MCP server as agents use one; `vivavoce.mcp` has them."""

    @property
    def name(self) -> str:
        """How errors call it."""

    async def list_tools(self, ctx: Any = None, agent: Any = None) -> Sequence[Any]:
        """Return the server's tools."""

    async def call_tool(self, name: str, arguments: dict[str, Any] | None) -> Any:
        """Run one of them."""


@dataclass(eq=False, repr=False)
class AgentBase(Generic[TContext]):
    """Who works: a name, tools, and MCP servers with more tools.

    Attributes:
        name: how events and traces call it.
        handoff_description: what it is for, in words for the model that may hand the conversation to it.
        tools: what the agent can do; made by `function_tool`, or as `FunctionTool` or `HostedMCPTool`.
        mcp_servers: MCP servers whose tools it has too. Whoever makes them connects and closes them.
        mcp_config: ``convert_schemas_to_strict`` and ``include_server_in_tool_names``, both ``False`` by
            default, and ``failure_error_function``, as of a `FunctionTool`.

    Raises:
        ConfigurationError: a field has a value of the wrong type, or two tools share a name.
    """

    name: str
    _: dataclasses.KW_ONLY
    handoff_description: str | None = None
    tools: Sequence[Tool] = ()
    mcp_servers: Sequence[ToolServer] = ()
    mcp_config: MCPConfig = field(default_factory=dict)
    _emitter: Emitter = field(default_factory=Emitter, init=False, repr=False)

    def __post_init__(self) -> None:
        owner = type(self).__name__
        name: object = self.name
        if not isinstance(name, str) or not name.strip():
            raise ConfigurationError(f"{owner}.name must be a text that is not empty, got {name!r}")
        check_text(self.handoff_description, f"{owner}.handoff_description")
        self.tools = check_tools(self.tools, owner=f"{owner}.tools")
        self.mcp_servers = check_list(
            self.mcp_servers, f"{owner}.mcp_servers", "an MCP server", fits=_is_tool_server
        )
        config: object = self.mcp_config
        if not isinstance(config, Mapping) or not set(config) <= _MCP_CONFIG:
            raise ConfigurationError(
                f"{owner}.mcp_config must be a dictionary with {', '.join(sorted(_MCP_CONFIG))}, "
                f"got {config!r}"
            )
        self.mcp_config = dict(config)

    def __repr__(self) -> str:
        """Return its class and name: whoever prints an event does not want everybody's instructions."""
        return f"{type(self).__name__}({self.name!r})"

    def clone(self, **changes: Any) -> Self:
        """Return a copy of the same class with some fields changed; its lists and listeners are its own.

        Raises:
            ConfigurationError: a change names no field of the agent, or has a wrong value.
        """
        accepted = [one.name for one in dataclasses.fields(self) if one.init]
        for name in changes:
            if name not in accepted:
                raise ConfigurationError(
                    f"{type(self).__name__} has no field {name!r}; it has: {', '.join(accepted)}"
                )
        return dataclasses.replace(self, **changes)

    async def get_mcp_tools(self, context: RunContextWrapper[Any]) -> list[Tool]:
        """Ask the MCP servers for their tools.

        Raises:
            ConfigurationError: two servers have tools of the same name.
            Exception: a server could not be asked.
        """
        if not self.mcp_servers:
            return []
        from vivavoce.agents.mcp_tools import mcp_function_tools

        return [*await mcp_function_tools(self.mcp_servers, context, self, self.mcp_config)]

    async def get_all_tools(self, context: RunContextWrapper[Any]) -> list[Tool]:
        """Return the tools that are enabled now: those of the MCP servers first, then the agent's own.

        Raises:
            ConfigurationError: two of them share a name.
            Exception: an MCP server could not be asked.
        """
        from vivavoce.agents.calling import enabled

        owner = f"{type(self).__name__} {self.name!r}"
        # Asked anew: tools may have been appended or replaced since the agent was made.
        own = await enabled(check_tools(self.tools, owner=f"{owner}: tools"), context, self)
        return check_tools([*await self.get_mcp_tools(context), *own], owner=f"{owner}: all tools")

    def on(self, event: str, listener: Listener) -> Self:
        """Call `listener`, plain or async, at every `event` of this agent; returns the agent.

        Events and what listeners receive: ``agent_start`` (context, agent), ``agent_end`` (context, output),
        ``agent_handoff`` (context, next agent), ``agent_tool_start`` (context, tool, details),
        ``agent_tool_end`` (context, tool, result, details).

        Raises:
            ConfigurationError: the listener cannot be called.
        """
        self._emitter.on(event, listener)
        return self

    def once(self, event: str, listener: Listener) -> Self:
        """Call `listener` at the next `event` only; returns the agent.

        Raises:
            ConfigurationError: the listener cannot be called.
        """
        self._emitter.once(event, listener)
        return self

    def off(self, event: str, listener: Listener) -> Self:
        """Call `listener` no more; returns the agent."""
        self._emitter.off(event, listener)
        return self

    def emit(self, event: str, *args: Any) -> bool:
        """Call the listeners of `event` with `args`; returns whether there are any.

        What a listener raises is logged.
        """
        return self._emitter.emit(event, *args)


_MCP_CONFIG = frozenset(
    {"convert_schemas_to_strict", "include_server_in_tool_names", "failure_error_function"}
)


def check_text(value: object, owner: str) -> None:
    """Check a setting that is a text or nothing.

    Raises:
        ConfigurationError: it is something else.
    """
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(f"{owner} must be a text or None, got {value!r}")


def check_list(
    values: object, owner: str, kind: str, *, fits: Callable[[Any], bool], decorator: str = ""
) -> list[Any]:
    """Return the values of a setting as a list of one's own.

    Args:
        values: what the user gave.
        owner: the setting that holds them, for the message.
        kind: what each must be, with its article.
        fits: tells whether one is.
        decorator: makes one of a function.

    Raises:
        ConfigurationError: it is no list, or one of them does not fit.
    """
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise ConfigurationError(f"{owner} must be a list, each {kind}, got {values!r}")
    for index, value in enumerate(values):
        if not fits(value):
            hint = f"; decorate it with @{decorator}" if decorator and callable(value) else ""
            raise ConfigurationError(f"{owner}[{index}] is not {kind}: {value!r}{hint}")
    return list(values)


def check_tools(tools: object, *, owner: str) -> list[Tool]:
    """Return the tools as a list of one's own.

    Args:
        tools: what the user gave.
        owner: the setting that holds them, for the message.

    Raises:
        ConfigurationError: one of them is not a tool, or two share a name.
    """
    if isinstance(tools, str) or not isinstance(tools, Sequence):
        raise ConfigurationError(f"{owner} must be a list of tools, got {tools!r}")
    names: set[tuple[bool, str]] = set()
    checked: list[Tool] = []
    for index, tool in enumerate(tools):
        if not isinstance(tool, FunctionTool | HostedMCPTool):
            hint = "; decorate it with @function_tool" if callable(tool) else ""
            raise ConfigurationError(f"{owner}[{index}] is not a FunctionTool: {tool!r}{hint}")
        if (key := (isinstance(tool, FunctionTool), tool.name)) in names:
            raise ConfigurationError(f"{owner} has two tools named {tool.name!r}; give one a name_override")
        names.add(key)
        checked.append(tool)
    return checked


def _is_tool_server(value: Any) -> bool:
    methods = ("list_tools", "call_tool")
    return isinstance(getattr(value, "name", None), str) and all(
        callable(getattr(value, method, None)) for method in methods
    )
