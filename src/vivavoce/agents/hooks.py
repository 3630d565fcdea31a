"""Hooks: methods that a session or a run calls as its agents work. Override those you need."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeAlias

from vivavoce.agents.context import RunContextWrapper, TContext

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from vivavoce.agents.agent import RealtimeAgent
    from vivavoce.agents.base import AgentBase
    from vivavoce.agents.tool import Tool

    TAgent = TypeVar("TAgent", bound=AgentBase[Any], default=AgentBase[Any])
else:
    from typing import TypeVar

    TAgent = TypeVar("TAgent")


class AgentHooksBase(Generic[TContext, TAgent]):
    """Hooks of one agent; set as its `hooks`. What a hook raises becomes an error event."""

    async def on_start(self, context: RunContextWrapper[TContext], agent: TAgent) -> None:
        """Called when the agent begins to work: at the start, and when it was handed to."""

    async def on_end(self, context: RunContextWrapper[TContext], agent: TAgent, output: Any) -> None:
        """Called when the agent has answered.

        Args:
            context: the run.
            agent: this agent.
            output: its answer; the text of what it said in a voice session.
        """

    async def on_handoff(self, context: RunContextWrapper[TContext], agent: TAgent, source: TAgent) -> None:
        """Called when the conversation is handed to this agent.

        Args:
            context: the run.
            agent: this agent.
            source: the one that handed it on.
        """

    async def on_tool_start(self, context: RunContextWrapper[TContext], agent: TAgent, tool: Tool) -> None:
        """Called before one of its tools runs; `context` is the call's `ToolContext`."""

    async def on_tool_end(
        self, context: RunContextWrapper[TContext], agent: TAgent, tool: Tool, result: Any
    ) -> None:
        """Called when one of its tools has ended.

        Args:
            context: the call's `ToolContext`.
            agent: this agent.
            tool: what ran.
            result: what it returned, or the text that the model got instead.
        """


class RunHooksBase(Generic[TContext, TAgent]):
    """Hooks of a whole session or run, whichever agent works. What a hook raises becomes an error event."""

    async def on_agent_start(self, context: RunContextWrapper[TContext], agent: TAgent) -> None:
        """Called when an agent begins to work: at the start, and when it was handed to."""

    async def on_agent_end(self, context: RunContextWrapper[TContext], agent: TAgent, output: Any) -> None:
        """Called when an agent has answered.

        Args:
            context: the run.
            agent: who answered.
            output: the answer; the text of what was said in a voice session.
        """

    async def on_handoff(
        self, context: RunContextWrapper[TContext], from_agent: TAgent, to_agent: TAgent
    ) -> None:
        """Called when one agent has handed the conversation to another."""

    async def on_tool_start(self, context: RunContextWrapper[TContext], agent: TAgent, tool: Tool) -> None:
        """Called before a tool runs; `context` is the call's `ToolContext`."""

    async def on_tool_end(
        self, context: RunContextWrapper[TContext], agent: TAgent, tool: Tool, result: Any
    ) -> None:
        """Called when a tool has ended.

        Args:
            context: the call's `ToolContext`.
            agent: whose tool it is.
            tool: what ran.
            result: what it returned, or the text that the model got instead.
        """


RealtimeAgentHooks: TypeAlias = AgentHooksBase[TContext, "RealtimeAgent[Any]"]
"""Hooks of a `RealtimeAgent`."""

RealtimeRunHooks: TypeAlias = RunHooksBase[TContext, "RealtimeAgent[Any]"]
"""Hooks of a voice session."""

AgentHooks: TypeAlias = AgentHooksBase[TContext, Any]
"""Hooks of a text agent."""

RunHooks: TypeAlias = RunHooksBase[TContext, Any]
"""Hooks of a text agent's run."""
