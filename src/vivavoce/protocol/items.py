"""Conversation items and the parts of their content.

Optional strings are absent rather than ``null``: strict clients drop an item whose ``status`` or ``call_id``
is ``null``. The exceptions (a transcript that is not known yet, the output of a tool that has not run) are
``null`` on the wire of the reference server.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeAlias

from vivavoce.protocol.base import UNSET, Tagged, UnsetType, Wire

__all__ = [
    "AssistantPhase",
    "AudioPart",
    "ContentPart",
    "FunctionCallItem",
    "FunctionCallOutputItem",
    "ImageDetail",
    "InputAudio",
    "InputImage",
    "InputItem",
    "InputText",
    "Item",
    "ItemReference",
    "ItemStatus",
    "McpApprovalRequestItem",
    "McpApprovalResponseItem",
    "McpCallError",
    "McpCallItem",
    "McpHttpError",
    "McpListToolsItem",
    "McpListedTool",
    "McpProtocolError",
    "McpToolExecutionError",
    "MessageItem",
    "OutputAudio",
    "OutputText",
    "ResponsePart",
    "Role",
    "TextPart",
]

ItemStatus: TypeAlias = Literal["completed", "incomplete", "in_progress"]
Role: TypeAlias = Literal["system", "user", "assistant"]
ImageDetail: TypeAlias = Literal["auto", "low", "high"]
AssistantPhase: TypeAlias = Literal["commentary", "final_answer"]
ItemObject: TypeAlias = Literal["realtime.item"]


class InputText(Tagged, frozen=True, kw_only=True, tag="input_text"):
    """Text of a user or system message."""

    text: str


class InputAudio(Tagged, frozen=True, kw_only=True, tag="input_audio"):
    """Speech of a user message.

    Attributes:
        audio: bytes in the session's input format; left out of events except `conversation.item.retrieved`.
        transcript: what was said; ``None`` while it is not known.
    """

    audio: bytes | UnsetType = UNSET
    transcript: str | UnsetType | None = UNSET


class InputImage(Tagged, frozen=True, kw_only=True, tag="input_image"):
    """Picture of a user message.

    Attributes:
        image_url: a ``data:`` URI holding a PNG or JPEG.
        detail: how closely the model looks; ``auto`` means ``high``.
    """

    image_url: str
    detail: ImageDetail | UnsetType = UNSET


class OutputText(Tagged, frozen=True, kw_only=True, tag="output_text"):
    """Text of an assistant message."""

    text: str


class OutputAudio(Tagged, frozen=True, kw_only=True, tag="output_audio"):
    """Speech of an assistant message.

    Attributes:
        audio: bytes in the session's output format; left out of events except `conversation.item.retrieved`.
        transcript: what is said, so far.
    """

    audio: bytes | UnsetType = UNSET
    transcript: str | UnsetType | None = UNSET


ContentPart: TypeAlias = InputText | InputAudio | InputImage | OutputText | OutputAudio


class TextPart(Tagged, frozen=True, kw_only=True, tag="text"):
    """A text part as `response.content_part.*` writes it: with the short type name."""

    text: str | UnsetType = UNSET


class AudioPart(Tagged, frozen=True, kw_only=True, tag="audio"):
    """An audio part as `response.content_part.*` writes it: with the short type name."""

    audio: bytes | UnsetType = UNSET
    transcript: str | UnsetType = UNSET


ResponsePart: TypeAlias = TextPart | AudioPart


class MessageItem(Tagged, frozen=True, kw_only=True, tag="message"):
    """Something said or written by the system, the user or the assistant.

    Attributes:
        phase: of an assistant message: a remark on the way, or the final answer.
    """

    id: str | UnsetType = UNSET
    object: ItemObject | UnsetType = UNSET
    status: ItemStatus | UnsetType = UNSET
    role: Role
    content: Sequence[ContentPart]
    phase: AssistantPhase | UnsetType = UNSET


class FunctionCallItem(Tagged, frozen=True, kw_only=True, tag="function_call"):
    """The model's wish to have a function called.

    Attributes:
        call_id: joins the call to its output.
        arguments: a JSON object in a string.
    """

    id: str | UnsetType = UNSET
    object: ItemObject | UnsetType = UNSET
    status: ItemStatus | UnsetType = UNSET
    call_id: str | UnsetType = UNSET
    name: str
    arguments: str


class FunctionCallOutputItem(Tagged, frozen=True, kw_only=True, tag="function_call_output"):
    """What the function returned, as free text or JSON."""

    id: str | UnsetType = UNSET
    object: ItemObject | UnsetType = UNSET
    status: ItemStatus | UnsetType = UNSET
    call_id: str
    output: str


class McpListedTool(Wire, frozen=True, kw_only=True):
    """One tool of an MCP server.

    Attributes:
        description: always written, because strict clients insist on a string.
    """

    name: str
    description: str = ""
    input_schema: Mapping[str, Any]
    annotations: Mapping[str, Any] | UnsetType | None = UNSET


class McpListToolsItem(Tagged, frozen=True, kw_only=True, tag="mcp_list_tools"):
    """The tools that an MCP server offers; empty while it is being asked."""

    id: str | UnsetType = UNSET
    object: ItemObject | UnsetType = UNSET
    server_label: str
    tools: Sequence[McpListedTool]


class McpProtocolError(Tagged, frozen=True, kw_only=True, tag="protocol_error"):
    """The MCP server broke its protocol."""

    code: int
    message: str


class McpToolExecutionError(Tagged, frozen=True, kw_only=True, tag="tool_execution_error"):
    """The MCP tool ran and failed."""

    message: str


class McpHttpError(Tagged, frozen=True, kw_only=True, tag="http_error"):
    """The MCP server answered with an HTTP status that is a failure."""

    code: int
    message: str


McpCallError: TypeAlias = McpProtocolError | McpToolExecutionError | McpHttpError


class McpCallItem(Tagged, frozen=True, kw_only=True, tag="mcp_call"):
    """A call of an MCP tool, made by the server.

    Attributes:
        arguments: a JSON object in a string.
        output: the tool's answer; ``None`` until it ran, and always written.
    """

    id: str
    object: ItemObject | UnsetType = UNSET
    server_label: str
    name: str
    arguments: str
    output: str | None = None
    error: McpCallError | UnsetType | None = UNSET
    approval_request_id: str | UnsetType | None = UNSET


class McpApprovalRequestItem(Tagged, frozen=True, kw_only=True, tag="mcp_approval_request"):
    """The server asks whether it may make this MCP call."""

    id: str
    object: ItemObject | UnsetType = UNSET
    server_label: str
    name: str
    arguments: str


class McpApprovalResponseItem(Tagged, frozen=True, kw_only=True, tag="mcp_approval_response"):
    """The client's answer to an approval request.

    Attributes:
        id: a client may leave it out; the server then gives one before it shows the item.
    """

    id: str | UnsetType = UNSET
    object: ItemObject | UnsetType = UNSET
    approval_request_id: str
    approve: bool
    reason: str | UnsetType | None = UNSET


class ItemReference(Tagged, frozen=True, kw_only=True, tag="item_reference"):
    """Stands for an item of the conversation in the input of a response."""

    id: str


Item: TypeAlias = (
    MessageItem
    | FunctionCallItem
    | FunctionCallOutputItem
    | McpListToolsItem
    | McpCallItem
    | McpApprovalRequestItem
    | McpApprovalResponseItem
)
InputItem: TypeAlias = Item | ItemReference
