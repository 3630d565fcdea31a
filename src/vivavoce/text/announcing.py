"""Tells hooks and listeners what happens in a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vivavoce.agents.hooks import RunHooksBase
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from vivavoce.agents import FunctionTool, RunContextWrapper, RunHooks, ToolContext
    from vivavoce.protocol import FunctionCallItem
    from vivavoce.text.agent import Agent


class Announcer:
    """Calls the run's hooks, then the agent's own, then its listeners. What a hook raises ends the run.

    Args:
        hooks: the run's, or ``None``.
        context: the run.

    Raises:
        ConfigurationError: the hooks are none.
    """

    def __init__(self, hooks: RunHooks[Any] | None, context: RunContextWrapper[Any]) -> None:
        given: object = hooks
        if given is not None and not isinstance(given, RunHooksBase):
            raise ConfigurationError(f"hooks must be RunHooks or None, got {given!r}")
        self._hooks = hooks
        self._context = context

    async def started(self, agent: Agent[Any, Any]) -> None:
        """Say that an agent begins to work."""
        if self._hooks is not None:
            await self._hooks.on_agent_start(self._context, agent)
        if agent.hooks is not None:
            await agent.hooks.on_start(self._context, agent)
        agent.emit("agent_start", self._context, agent)

    async def ended(self, agent: Agent[Any, Any], output: Any) -> None:
        """Say that an agent has come to the final output."""
        if self._hooks is not None:
            await self._hooks.on_agent_end(self._context, agent, output)
        if agent.hooks is not None:
            await agent.hooks.on_end(self._context, agent, output)
        agent.emit("agent_end", self._context, output)

    async def handed_over(self, source: Agent[Any, Any], target: Agent[Any, Any]) -> None:
        """Say that one agent has handed the conversation to another."""
        if self._hooks is not None:
            await self._hooks.on_handoff(self._context, source, target)
        if target.hooks is not None:
            await target.hooks.on_handoff(self._context, target, source)
        source.emit("agent_handoff", self._context, target)

    async def tool_started(
        self, agent: Agent[Any, Any], tool: FunctionTool, context: ToolContext[Any], call: FunctionCallItem
    ) -> None:
        """Say that a tool is about to run."""
        if self._hooks is not None:
            await self._hooks.on_tool_start(context, agent, tool)
        if agent.hooks is not None:
            await agent.hooks.on_tool_start(context, agent, tool)
        agent.emit("agent_tool_start", context, tool, {"tool_call": call})

    async def tool_ended(
        self,
        agent: Agent[Any, Any],
        tool: FunctionTool,
        context: ToolContext[Any],
        call: FunctionCallItem,
        output: Any,
    ) -> None:
        """Say that a tool has run."""
        if self._hooks is not None:
            await self._hooks.on_tool_end(context, agent, tool, output)
        if agent.hooks is not None:
            await agent.hooks.on_tool_end(context, agent, tool, output)
        agent.emit("agent_tool_end", context, tool, output, {"tool_call": call})
