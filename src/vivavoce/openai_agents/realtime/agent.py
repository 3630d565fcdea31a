"""`RealtimeAgent` with the parameters' names of `openai-agents`."""

from __future__ import annotations

from typing import Any

from vivavoce import agents
from vivavoce.agents import RealtimeAgentHooks, RealtimeRunHooks, RunContextWrapper, Tool
from vivavoce.agents.context import TContext

__all__ = ["RealtimeAgent", "RealtimeAgentHooks", "RealtimeRunHooks"]


class RealtimeAgent(agents.RealtimeAgent[TContext]):
    """An agent that speaks: a `vivavoce.RealtimeAgent` whose methods call the run ``run_context``."""

    async def get_all_tools(self, run_context: RunContextWrapper[Any]) -> list[Tool]:
        """Return the tools that are enabled now.

        Raises:
            ConfigurationError: two of them share a name.
            Exception: an MCP server could not be asked.
        """
        return await super().get_all_tools(run_context)

    async def get_mcp_tools(self, run_context: RunContextWrapper[Any]) -> list[Tool]:
        """Ask the MCP servers for their tools.

        Raises:
            ConfigurationError: two servers have tools of the same name.
            Exception: a server could not be asked.
        """
        return await super().get_mcp_tools(run_context)

    async def get_system_prompt(self, run_context: RunContextWrapper[Any]) -> str:
        """Return the instructions.

        Raises:
            Exception: whatever the function raised that writes them.
        """
        return await super().get_system_prompt(run_context)
