"""What a response will be: the session's settings with the wishes for this one response laid over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from vivavoce.conversation.prompts import prompted
from vivavoce.conversation.refusal import voice_is_locked
from vivavoce.conversation.settings import Settings, modality_of
from vivavoce.conversation.tool_settings import check_tool_choice, check_tools
from vivavoce.conversation.wishes import check_reasoning, check_voice, effort_of, name_of, temperature_of
from vivavoce.protocol import (
    AudioFormat,
    AudioOutput,
    InputItem,
    Modality,
    Prompt,
    RealtimeSession,
    ResponseCreateParams,
    Tool,
    ToolChoice,
    UnsetType,
    Voice,
    present,
)


@dataclass(frozen=True, slots=True)
class ResponsePlan:
    """The settings of one response, all of them known.

    Attributes:
        in_conversation: `False` for an out-of-band response, which leaves the conversation as it is.
        input: what replaces the conversation as context, or `None`.
        max_output_tokens: as reported: a number or `"inf"`.
        effort: how hard the model is to reason, or `None`.
        temperature: how freely the model chooses its words, or `None`.
        metadata: the client's labels, repeated in `response.created` and `response.done`.
    """

    in_conversation: bool
    input: tuple[InputItem, ...] | None
    modality: Modality
    instructions: str
    tools: tuple[Tool, ...]
    tool_choice: ToolChoice
    parallel_tool_calls: bool
    max_output_tokens: int | Literal["inf"]
    effort: str | None
    temperature: float | None
    voice: str
    speed: float
    fmt: AudioFormat
    metadata: Mapping[str, str] | None


def plan_response(params: ResponseCreateParams, settings: Settings, *, voice_locked: bool) -> ResponsePlan:
    """Resolve the settings of a response.

    Args:
        params: what the client wishes; empty for a response that turn detection starts.
        settings: the session's.
        voice_locked: whether the conversation holds assistant audio.

    Raises:
        RemoteProtocolError: a wish cannot be met.
    """
    session = settings.session
    assert isinstance(session, RealtimeSession)
    check_reasoning(params.reasoning, settings.options, "response.reasoning")
    tools = _chosen(params.tools, session.tools, ())
    check_tools(tools, "response.tools")
    tool_choice = _chosen(params.tool_choice, session.tool_choice, "auto")
    check_tool_choice(tool_choice, tools, "response.tool_choice")
    output = settings.output_of(session)
    fmt, voice = _audio(params, output)
    if name_of(voice) != name_of(output.voice):
        if voice_locked:
            raise voice_is_locked()
        check_voice(voice, settings.options, "response.audio.output.voice")
    wished_input = params.input
    return ResponsePlan(
        in_conversation=present(params.conversation, "auto") == "auto",
        input=None if isinstance(wished_input, UnsetType) else tuple(wished_input),
        modality=modality_of(_chosen(params.output_modalities, session.output_modalities, ("audio",))),
        instructions=_instructions(params, session, settings),
        tools=tuple(tools),
        tool_choice=tool_choice,
        parallel_tool_calls=_chosen(params.parallel_tool_calls, session.parallel_tool_calls, True),
        max_output_tokens=_chosen(params.max_output_tokens, session.max_output_tokens, "inf"),
        effort=effort_of(params.reasoning) or effort_of(session.reasoning),
        temperature=temperature_of(params.temperature, session.temperature, settings.options),
        voice=name_of(voice),
        speed=cast(float, output.speed),
        fmt=fmt,
        metadata=present(params.metadata, None),
    )


def _chosen(wish: Any, setting: Any, default: Any) -> Any:
    return present(wish, present(setting, default))


def _instructions(params: ResponseCreateParams, session: RealtimeSession, settings: Settings) -> str:
    """Return the instructions of this response, or those of its stored prompt, or the session's."""
    words: str | None = present(params.instructions, None)
    if isinstance(params.prompt, Prompt):
        stored = prompted(params.prompt, settings.options.stored_prompt, "response.prompt")
        words = words or stored
    return str(present(session.instructions, "")) if words is None else words


def _audio(params: ResponseCreateParams, output: AudioOutput) -> tuple[AudioFormat, Voice | UnsetType]:
    fmt: AudioFormat | UnsetType = output.format
    voice: Voice | UnsetType = output.voice
    if not isinstance(params.audio, UnsetType) and not isinstance(params.audio.output, UnsetType):
        wished = params.audio.output
        fmt = fmt if isinstance(wished.format, UnsetType) else wished.format
        voice = voice if isinstance(wished.voice, UnsetType) else wished.voice
    assert not isinstance(fmt, UnsetType)
    return fmt, voice
