"""`RealtimeAgent`: who speaks in a session."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vivavoce.agents.base import AgentBase, check_text
from vivavoce.agents.context import RunContextWrapper, TContext
from vivavoce.agents.guarding import check_input_guardrails, check_output_guardrails
from vivavoce.agents.guardrails import InputGuardrail, OutputGuardrail
from vivavoce.agents.handoff import Handoff, check_handoffs, enabled_handoffs, realtime_handoff
from vivavoce.agents.hooks import AgentHooksBase
from vivavoce.agents.instructions import (
    Instructions,
    Prompt,
    check_instructions,
    check_prompt,
    write_instructions,
    write_prompt,
)
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from vivavoce.agents.hooks import RealtimeAgentHooks


@dataclass(eq=False, repr=False)
class RealtimeAgent(AgentBase[TContext]):
    """An agent that speaks. One definition serves any number of sessions.

    Lists may be changed after the agent was made, for example to let two agents hand over to each other.

    Attributes:
        name: how events and traces call it.
        instructions: the system prompt, or a function ``(context, agent) -> str``, plain or async, that
            writes it when the session starts and whenever the agent takes over; a plain one runs on the
            event loop. Empty leaves the server's own default, as does ``None``.
        handoff_description: what it is for, in words for the model that may hand the conversation to it.
        tools: what the agent can do; made by `function_tool`, or as `FunctionTool` or `HostedMCPTool`.
        mcp_servers: MCP servers whose tools it has too. Whoever makes them connects and closes them.
        mcp_config: see `AgentBase`.
        prompt: a prompt stored at the provider, ``{"id": …, "version": …, "variables": {…}}``, or a function
            ``(context, agent)``, plain or async, that returns one.
        handoffs: agents that the model may hand the conversation to; `realtime_handoff` says how.
        output_guardrails: checks of what the agent says.
        input_guardrails: checks of what the user said, before it is answered.
        hooks: methods that the session calls as this agent works.
        voice: name of the voice; goes before the voice of the run's settings. A server fixes the voice of a
            session at its first audio.

    Raises:
        ConfigurationError: a field has a value of the wrong type, or two tools share a name.
    """

    instructions: Instructions = ""
    _: dataclasses.KW_ONLY
    prompt: Prompt | None = None
    handoffs: Sequence[RealtimeAgent[Any] | Handoff[Any]] = ()
    output_guardrails: Sequence[OutputGuardrail[Any]] = ()
    input_guardrails: Sequence[InputGuardrail[Any]] = ()
    hooks: RealtimeAgentHooks[Any] | None = None
    voice: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        self.instructions = check_instructions(self.instructions, "RealtimeAgent.instructions")
        check_prompt(self.prompt, "RealtimeAgent.prompt")
        self.handoffs = check_handoffs(self.handoffs, "RealtimeAgent.handoffs", RealtimeAgent)
        self.output_guardrails = check_output_guardrails(
            self.output_guardrails, "RealtimeAgent.output_guardrails"
        )
        self.input_guardrails = check_input_guardrails(
            self.input_guardrails, "RealtimeAgent.input_guardrails"
        )
        hooks: object = self.hooks
        if hooks is not None and not isinstance(hooks, AgentHooksBase):
            raise ConfigurationError(f"RealtimeAgent.hooks must be RealtimeAgentHooks or None, got {hooks!r}")
        check_text(self.voice, "RealtimeAgent.voice")

    async def resolve_instructions(self, context: RunContextWrapper[Any]) -> str:
        """Return the system prompt, calling the function that writes it if there is one.

        Raises:
            ConfigurationError: the function returned something that is not a text.
            Exception: whatever the function raised.
        """
        return await write_instructions(self.instructions, context, self)

    async def get_system_prompt(self, context: RunContextWrapper[Any]) -> str:
        """Return the system prompt; the same as `resolve_instructions`.

        Raises:
            ConfigurationError: the function that writes it returned something that is not a text.
            Exception: whatever that function raised.
        """
        return await self.resolve_instructions(context)

    async def resolve_prompt(self, context: RunContextWrapper[Any]) -> dict[str, Any] | None:
        """Return the stored prompt to use, calling the function that names it if there is one.

        Raises:
            ConfigurationError: the function returned something that is not a prompt.
            Exception: whatever the function raised.
        """
        return await write_prompt(self.prompt, context, self)

    async def get_enabled_handoffs(self, context: RunContextWrapper[Any]) -> list[Handoff[Any]]:
        """Return the handoffs that are enabled now; plain agents are wrapped by `realtime_handoff`.

        Raises:
            ConfigurationError: one is neither an agent nor a handoff, or two share a name.
        """
        return await enabled_handoffs(self, self.handoffs, context, RealtimeAgent, realtime_handoff)
