"""`ToolContext`, made with the words of `openai-agents`."""

from __future__ import annotations

from typing import Any

from vivavoce.agents import AgentBase, Usage
from vivavoce.agents import ToolContext as OurToolContext
from vivavoce.agents.context import TContext


class ToolContext(OurToolContext[TContext]):
    """The context of one call of a tool, for hints, and for tests that call a tool themselves.

    A session gives its tools a `vivavoce.ToolContext`, which has the same attributes.

    Args:
        context: the application's own object.
        usage: tokens so far.
        tool_name: name by which the model called.
        tool_call_id: the model's id of the call.
        tool_arguments: the JSON text that the model sent.
        agent: the agent that holds the tool.
    """

    def __init__(
        self,
        context: TContext,
        usage: Usage | None = None,
        tool_name: str = "",
        tool_call_id: str = "",
        tool_arguments: str = "{}",
        *,
        agent: AgentBase[Any] | None = None,
    ) -> None:
        super().__init__(context, usage or Usage(), tool_call_id, tool_name, tool_arguments, agent)
