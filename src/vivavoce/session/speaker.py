"""`Speaker`: an agent made ready to speak: what it may call, and what the server must be told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vivavoce.agents import FunctionTool, RealtimeAgent, RunContextWrapper
from vivavoce.agents.handoff import Handoff, realtime_handoff
from vivavoce.agents.tool import HostedMCPTool
from vivavoce.protocol import (
    AudioOutput,
    RealtimeSession,
    SessionAudio,
    UnsetType,
    present,
    replace,
)
from vivavoce.session.settings import session_of

if TYPE_CHECKING:
    from vivavoce.agents.guardrails import InputGuardrail, OutputGuardrail
    from vivavoce.session.settings import RunSettings


@dataclass(frozen=True, slots=True)
class Speaker:
    """An agent with everything about it that was found out when it took over.

    Attributes:
        agent: the definition.
        tools: functions that it may call, by name.
        hosted: MCP servers that the server calls for it, by label.
        handoffs: handoffs that it may call, by name.
        output_guardrails: checks of what it says, its own and the run's.
        input_guardrails: checks of what the user says to it, its own and the run's.
        session: what the server is told.
    """

    agent: RealtimeAgent[Any]
    tools: Mapping[str, FunctionTool]
    hosted: Mapping[str, HostedMCPTool]
    handoffs: Mapping[str, Handoff[Any]]
    output_guardrails: Sequence[OutputGuardrail[Any]]
    input_guardrails: Sequence[InputGuardrail[Any]]
    session: RealtimeSession


async def prepare(
    agent: RealtimeAgent[Any],
    settings: RunSettings,
    context: RunContextWrapper[Any],
    *,
    replaces: RealtimeSession | None = None,
    voice_fixed: bool = False,
) -> Speaker:
    """Make an agent ready to speak.

    An agent without tools, handoffs or instructions of its own has those of the run's settings.

    Args:
        agent: who is to speak.
        settings: of the run.
        context: for instructions and conditions that are functions.
        replaces: what the server was told before, for another agent.
        voice_fixed: the user has heard a voice, which a server changes no more.

    Raises:
        ConfigurationError: the agent and the settings do not go together.
        Exception: what a function of the agent raised, or an MCP server that could not be asked.
    """
    tools = await agent.get_all_tools(context) or list(settings.model.tools or ())
    handoffs = await agent.get_enabled_handoffs(context)
    if not handoffs:
        given = settings.model.handoffs or ()
        wrapped = [entry if isinstance(entry, Handoff) else realtime_handoff(entry) for entry in given]
        handoffs = [handoff for handoff in wrapped if handoff.agent is not agent]
    inputs = _each_once([*agent.input_guardrails, *settings.input_guardrails])
    session = session_of(
        settings.model,
        instructions=await agent.resolve_instructions(context),
        voice=agent.voice,
        voice_fixed=voice_fixed,
        prompt=await agent.resolve_prompt(context),
        tools=[*(tool.to_wire() for tool in tools), *(handoff.to_wire() for handoff in handoffs)],
        gated=bool(inputs),
        replaces=replaces,
    )
    return Speaker(
        agent=agent,
        tools={tool.name: tool for tool in tools if isinstance(tool, FunctionTool)},
        hosted={tool.server_label: tool for tool in tools if isinstance(tool, HostedMCPTool)},
        handoffs={handoff.tool_name: handoff for handoff in handoffs},
        output_guardrails=_each_once([*agent.output_guardrails, *settings.output_guardrails]),
        input_guardrails=inputs,
        session=session,
    )


def _each_once(guardrails: Sequence[Any]) -> list[Any]:
    return list({id(guardrail): guardrail for guardrail in guardrails}.values())


def speaking_as(before: RealtimeSession, settings: RealtimeSession) -> RealtimeSession:
    """Return settings with the voice that a session had, as its server reported it."""
    spoken = present(before.audio, None)
    output = present(spoken.output, None) if spoken is not None else None
    if output is None or isinstance(output.voice, UnsetType):
        return settings
    audio = present(settings.audio, SessionAudio())
    speaking = replace(present(audio.output, AudioOutput()), voice=output.voice)
    return replace(settings, audio=replace(audio, output=speaking))
