"""`Agent` with the parameters' names of `openai-agents`."""

from __future__ import annotations

from typing import Any

from vivavoce import text
from vivavoce.agents import AgentBase, RunContextWrapper, Tool
from vivavoce.agents.context import TContext
from vivavoce.text import AgentToolStreamEvent, StopAtTools, ToolsToFinalOutputResult
from vivavoce.text.agent import TOutput

__all__ = ["Agent", "AgentBase", "AgentToolStreamEvent", "StopAtTools", "ToolsToFinalOutputResult"]


class Agent(text.Agent[TContext, TOutput]):
    """An agent that writes: a `vivavoce.Agent` whose methods call the run ``run_context``."""

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

    async def get_prompt(self, run_context: RunContextWrapper[Any]) -> dict[str, Any] | None:
        """Return the stored prompt to use.

        Raises:
            Exception: whatever the function raised that names it.
        """
        return await super().get_prompt(run_context)
