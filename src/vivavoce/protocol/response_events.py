"""Server events about one response, its items and its content parts, and about MCP work."""

from collections.abc import Mapping
from typing import TypeAlias

from vivavoce.protocol.base import UNSET, Tagged, UnsetType
from vivavoce.protocol.items import Item, ResponsePart
from vivavoce.protocol.response import Response

__all__ = [
    "McpListToolsCompleted",
    "McpListToolsFailed",
    "McpListToolsInProgress",
    "ResponseContentPartAdded",
    "ResponseContentPartDone",
    "ResponseCreated",
    "ResponseDone",
    "ResponseEvent",
    "ResponseFunctionCallArgumentsDelta",
    "ResponseFunctionCallArgumentsDone",
    "ResponseMcpCallArgumentsDelta",
    "ResponseMcpCallArgumentsDone",
    "ResponseMcpCallCompleted",
    "ResponseMcpCallFailed",
    "ResponseMcpCallInProgress",
    "ResponseOutputAudioDelta",
    "ResponseOutputAudioDone",
    "ResponseOutputAudioTranscriptDelta",
    "ResponseOutputAudioTranscriptDone",
    "ResponseOutputItemAdded",
    "ResponseOutputItemDone",
    "ResponseOutputTextDelta",
    "ResponseOutputTextDone",
]


class FromServer(Tagged, frozen=True, kw_only=True, dict=True):
    """What every server event has but `input_audio_buffer.dtmf_event_received`."""

    event_id: str


class OfItem(FromServer, frozen=True, kw_only=True):
    """Where in a response an event belongs: to which item.

    Attributes:
        output_index: place of the item in the response's output.
    """

    response_id: str
    item_id: str
    output_index: int


class OfPart(OfItem, frozen=True, kw_only=True):
    """Where in a response an event belongs: to which content part.

    Attributes:
        content_index: place of the part in the item's content.
    """

    content_index: int


class ResponseCreated(FromServer, frozen=True, kw_only=True, tag="response.created"):
    """A response has begun."""

    response: Response


class ResponseDone(FromServer, frozen=True, kw_only=True, tag="response.done"):
    """A response is over, however it ended: nothing follows for it.

    Attributes:
        stage_times: an extension of vivavoce: when the stages of the turn were reached, in ms from the first.
    """

    response: Response
    stage_times: Mapping[str, float] | UnsetType = UNSET


class ResponseOutputItemAdded(FromServer, frozen=True, kw_only=True, tag="response.output_item.added"):
    """The response begins an item."""

    response_id: str
    output_index: int
    item: Item


class ResponseOutputItemDone(FromServer, frozen=True, kw_only=True, tag="response.output_item.done"):
    """An item of the response is final."""

    response_id: str
    output_index: int
    item: Item


class ResponseContentPartAdded(OfPart, frozen=True, kw_only=True, tag="response.content_part.added"):
    """An item begins a content part."""

    part: ResponsePart


class ResponseContentPartDone(OfPart, frozen=True, kw_only=True, tag="response.content_part.done"):
    """A content part is final."""

    part: ResponsePart


class ResponseOutputTextDelta(OfPart, frozen=True, kw_only=True, tag="response.output_text.delta"):
    """More text.

    Attributes:
        obfuscation: random padding that hides the length of the delta from eavesdroppers.
    """

    delta: str
    obfuscation: str | UnsetType = UNSET


class ResponseOutputTextDone(OfPart, frozen=True, kw_only=True, tag="response.output_text.done"):
    """The whole text of a part."""

    text: str


class ResponseOutputAudioDelta(OfPart, frozen=True, kw_only=True, tag="response.output_audio.delta"):
    """More speech, in the response's output format."""

    delta: bytes


class ResponseOutputAudioDone(OfPart, frozen=True, kw_only=True, tag="response.output_audio.done"):
    """All speech of a part has been sent."""


class ResponseOutputAudioTranscriptDelta(
    OfPart, frozen=True, kw_only=True, tag="response.output_audio_transcript.delta"
):
    """More of the words being spoken; runs ahead of the audio.

    Attributes:
        obfuscation: random padding that hides the length of the delta from eavesdroppers.
    """

    delta: str
    obfuscation: str | UnsetType = UNSET


class ResponseOutputAudioTranscriptDone(
    OfPart, frozen=True, kw_only=True, tag="response.output_audio_transcript.done"
):
    """All words of a part."""

    transcript: str


class ResponseFunctionCallArgumentsDelta(
    OfItem, frozen=True, kw_only=True, tag="response.function_call_arguments.delta"
):
    """More of a function call's arguments.

    Attributes:
        obfuscation: random padding that hides the length of the delta from eavesdroppers.
    """

    call_id: str
    delta: str
    obfuscation: str | UnsetType = UNSET


class ResponseFunctionCallArgumentsDone(
    OfItem, frozen=True, kw_only=True, tag="response.function_call_arguments.done"
):
    """All arguments of a function call, a JSON object in a string."""

    call_id: str
    name: str
    arguments: str


class ResponseMcpCallArgumentsDelta(
    OfItem, frozen=True, kw_only=True, tag="response.mcp_call_arguments.delta"
):
    """More of an MCP call's arguments.

    Attributes:
        obfuscation: random padding; always written here, because strict clients insist on it.
    """

    delta: str
    obfuscation: str = ""


class ResponseMcpCallArgumentsDone(OfItem, frozen=True, kw_only=True, tag="response.mcp_call_arguments.done"):
    """All arguments of an MCP call, a JSON object in a string."""

    arguments: str


class ResponseMcpCallInProgress(FromServer, frozen=True, kw_only=True, tag="response.mcp_call.in_progress"):
    """An MCP call is running."""

    item_id: str
    output_index: int


class ResponseMcpCallCompleted(FromServer, frozen=True, kw_only=True, tag="response.mcp_call.completed"):
    """An MCP call has its output."""

    item_id: str
    output_index: int


class ResponseMcpCallFailed(FromServer, frozen=True, kw_only=True, tag="response.mcp_call.failed"):
    """An MCP call failed; the item says why."""

    item_id: str
    output_index: int


class McpListToolsInProgress(FromServer, frozen=True, kw_only=True, tag="mcp_list_tools.in_progress"):
    """An MCP server is being asked for its tools."""

    item_id: str


class McpListToolsCompleted(FromServer, frozen=True, kw_only=True, tag="mcp_list_tools.completed"):
    """An MCP server has named its tools."""

    item_id: str


class McpListToolsFailed(FromServer, frozen=True, kw_only=True, tag="mcp_list_tools.failed"):
    """An MCP server could not be asked for its tools."""

    item_id: str


ResponseEvent: TypeAlias = (
    ResponseCreated
    | ResponseDone
    | ResponseOutputItemAdded
    | ResponseOutputItemDone
    | ResponseContentPartAdded
    | ResponseContentPartDone
    | ResponseOutputTextDelta
    | ResponseOutputTextDone
    | ResponseOutputAudioDelta
    | ResponseOutputAudioDone
    | ResponseOutputAudioTranscriptDelta
    | ResponseOutputAudioTranscriptDone
    | ResponseFunctionCallArgumentsDelta
    | ResponseFunctionCallArgumentsDone
    | ResponseMcpCallArgumentsDelta
    | ResponseMcpCallArgumentsDone
    | ResponseMcpCallInProgress
    | ResponseMcpCallCompleted
    | ResponseMcpCallFailed
    | McpListToolsInProgress
    | McpListToolsCompleted
    | McpListToolsFailed
)
