"""Responses: what a client asks for, and what the server reports about one."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, TypeAlias

from vivavoce.protocol.base import UNSET, UnsetType, Wire, at_most
from vivavoce.protocol.formats import AudioFormat
from vivavoce.protocol.items import InputItem, Item
from vivavoce.protocol.session import (
    Instructions,
    MaxOutputTokens,
    Modality,
    Prompt,
    Reasoning,
    Temperature,
    Voice,
)
from vivavoce.protocol.tools import Tool, ToolChoice

__all__ = [
    "CachedTokensDetails",
    "InputTokenDetails",
    "Metadata",
    "OutputTokenDetails",
    "Response",
    "ResponseAudio",
    "ResponseAudioOutput",
    "ResponseCreateAudio",
    "ResponseCreateAudioOutput",
    "ResponseCreateParams",
    "ResponseStatus",
    "StatusDetails",
    "StatusError",
    "StatusReason",
    "Usage",
]

Metadata: TypeAlias = Annotated[
    Mapping[Annotated[str, at_most(64)], Annotated[str, at_most(512)]], at_most(16)
]
ResponseStatus: TypeAlias = Literal["in_progress", "completed", "cancelled", "failed", "incomplete"]
StatusReason: TypeAlias = Literal["turn_detected", "client_cancelled", "max_output_tokens", "content_filter"]


class CachedTokensDetails(Wire, frozen=True, kw_only=True):
    """Cached input tokens by modality; each is part of its figure in `InputTokenDetails`."""

    text_tokens: int = 0
    audio_tokens: int = 0
    image_tokens: int = 0


class InputTokenDetails(Wire, frozen=True, kw_only=True):
    """Input tokens by modality, and how many of them were cached."""

    text_tokens: int = 0
    audio_tokens: int = 0
    image_tokens: int = 0
    cached_tokens: int = 0
    cached_tokens_details: CachedTokensDetails = CachedTokensDetails()


class OutputTokenDetails(Wire, frozen=True, kw_only=True):
    """Output tokens by modality."""

    text_tokens: int = 0
    audio_tokens: int = 0


class Usage(Wire, frozen=True, kw_only=True):
    """Tokens that a response took; all zero for one that never began to speak."""

    total_tokens: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    input_token_details: InputTokenDetails = InputTokenDetails()
    output_token_details: OutputTokenDetails = OutputTokenDetails()


class StatusError(Wire, frozen=True, kw_only=True):
    """Why a response failed."""

    type: str | UnsetType = UNSET
    code: str | UnsetType | None = UNSET
    message: str | UnsetType | None = UNSET


class StatusDetails(Wire, frozen=True, kw_only=True):
    """Why a response did not complete.

    Attributes:
        reason: of a cancelled or incomplete response.
        error: of a failed response.
    """

    type: Literal["completed", "cancelled", "incomplete", "failed"]
    reason: StatusReason | UnsetType = UNSET
    error: StatusError | UnsetType | None = UNSET


class ResponseAudioOutput(Wire, frozen=True, kw_only=True):
    """Format and voice that a response was spoken in; a custom voice is given by its id."""

    format: AudioFormat | UnsetType = UNSET
    voice: str | UnsetType = UNSET


class ResponseAudio(Wire, frozen=True, kw_only=True):
    """Audio settings of a response."""

    output: ResponseAudioOutput | UnsetType = UNSET


class Response(Wire, frozen=True, kw_only=True):
    """A response as the server reports it.

    Attributes:
        status_details: ``None`` while in progress and when completed.
        output: the items it has produced so far, without audio bytes.
        conversation_id: ``None`` for a response outside the conversation.
        temperature: how freely the model chose its words; only where the beta dialect set it.
        usage: ``None`` until it is done.
    """

    object: Literal["realtime.response"] = "realtime.response"
    id: str
    status: ResponseStatus
    status_details: StatusDetails | None = None
    output: Sequence[Item] = ()
    conversation_id: str | None = None
    output_modalities: Sequence[Modality] | UnsetType = UNSET
    max_output_tokens: MaxOutputTokens | UnsetType = UNSET
    temperature: Temperature | UnsetType | None = UNSET
    audio: ResponseAudio | UnsetType = UNSET
    usage: Usage | None = None
    metadata: Metadata | None = None


class ResponseCreateAudioOutput(Wire, frozen=True, kw_only=True):
    """Format and voice that a client wishes for one response."""

    format: AudioFormat | UnsetType = UNSET
    voice: Voice | UnsetType = UNSET


class ResponseCreateAudio(Wire, frozen=True, kw_only=True):
    """Audio settings that a client wishes for one response."""

    output: ResponseCreateAudioOutput | UnsetType = UNSET


class ResponseCreateParams(Wire, frozen=True, kw_only=True):
    """Settings of one response; what is absent comes from the session.

    Attributes:
        conversation: ``"none"`` keeps the response out of the conversation.
        input: replaces the conversation as context; empty is no context at all.
        temperature: how freely the model chooses its words; only the beta dialect sets it.
    """

    conversation: Literal["auto", "none"] | UnsetType = UNSET
    input: Sequence[InputItem] | UnsetType = UNSET
    instructions: Instructions | UnsetType = UNSET
    output_modalities: Sequence[Modality] | UnsetType = UNSET
    audio: ResponseCreateAudio | UnsetType = UNSET
    tools: Sequence[Tool] | UnsetType = UNSET
    tool_choice: ToolChoice | UnsetType = UNSET
    parallel_tool_calls: bool | UnsetType = UNSET
    max_output_tokens: MaxOutputTokens | UnsetType = UNSET
    temperature: Temperature | UnsetType | None = UNSET
    reasoning: Reasoning | UnsetType | None = UNSET
    prompt: Prompt | UnsetType | None = UNSET
    metadata: Metadata | UnsetType | None = UNSET
