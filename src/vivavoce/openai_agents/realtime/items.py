"""Items of a history in the spelling of `agents.realtime.items`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from vivavoce import protocol
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    MessageItem,
    UnsetType,
    present,
    to_builtins,
)


class _Spelled(BaseModel):
    model_config = ConfigDict(extra="allow")


class InputText(_Spelled):
    """Text of a user or system message."""

    type: Literal["input_text"] = "input_text"
    text: str | None = None


class InputAudio(_Spelled):
    """Speech of a user message; `audio` is in base64."""

    type: Literal["input_audio"] = "input_audio"
    audio: str | None = None
    transcript: str | None = None


class InputImage(_Spelled):
    """Picture of a user message."""

    type: Literal["input_image"] = "input_image"
    image_url: str | None = None
    detail: str | None = None


class AssistantText(_Spelled):
    """Text of an answer."""

    type: Literal["text"] = "text"
    text: str | None = None


class AssistantAudio(_Spelled):
    """Speech of an answer; `audio` is in base64."""

    type: Literal["audio"] = "audio"
    audio: str | None = None
    transcript: str | None = None


class SystemMessageItem(_Spelled):
    """A message of the system."""

    item_id: str
    previous_item_id: str | None = None
    type: Literal["message"] = "message"
    role: Literal["system"] = "system"
    content: list[InputText]


class UserMessageItem(_Spelled):
    """What the user said or wrote."""

    item_id: str
    previous_item_id: str | None = None
    type: Literal["message"] = "message"
    role: Literal["user"] = "user"
    content: list[Annotated[InputText | InputAudio | InputImage, Field(discriminator="type")]]


class AssistantMessageItem(_Spelled):
    """What the agent said or wrote."""

    item_id: str
    previous_item_id: str | None = None
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"
    status: Literal["in_progress", "completed", "incomplete"] | None = None
    content: list[Annotated[AssistantText | AssistantAudio, Field(discriminator="type")]]


RealtimeMessageItem: TypeAlias = Annotated[
    SystemMessageItem | UserMessageItem | AssistantMessageItem, Field(discriminator="role")
]
"""Something said or written."""


class RealtimeToolCallItem(_Spelled):
    """A call of a tool, with its output when it has one."""

    item_id: str
    previous_item_id: str | None = None
    call_id: str | None
    type: Literal["function_call"] = "function_call"
    status: Literal["in_progress", "completed"]
    arguments: str
    name: str
    output: str | None = None


RealtimeItem: TypeAlias = RealtimeMessageItem | RealtimeToolCallItem
"""What a history is made of."""


class RealtimeResponse(BaseModel):
    """An answer with its messages."""

    id: str
    output: list[RealtimeMessageItem]


def item_from(item: protocol.Item, output: str | None = None) -> RealtimeItem | None:
    """Return an item in the spelling of `openai-agents`; ``None`` for a kind that it does not have.

    Args:
        item: as `vivavoce` has it.
        output: of the function that the item calls, when there is one.
    """
    item_id = present(item.id, None) or ""
    if isinstance(item, FunctionCallItem):
        return RealtimeToolCallItem(
            item_id=item_id,
            call_id=present(item.call_id, None),
            status="in_progress" if output is None else "completed",
            arguments=item.arguments,
            name=item.name,
            output=output,
        )
    return message_from(item) if isinstance(item, MessageItem) else None


def message_from(item: MessageItem) -> RealtimeMessageItem:
    """Return a message in the spelling of `openai-agents`."""
    item_id = present(item.id, None) or ""
    content = [_part_from(part) for part in item.content]
    match item.role:
        case "system":
            return SystemMessageItem(
                item_id=item_id, content=[part for part in content if isinstance(part, InputText)]
            )
        case "user":
            said = [part for part in content if isinstance(part, InputText | InputAudio | InputImage)]
            return UserMessageItem(item_id=item_id, content=said)
        case "assistant":
            status = None if isinstance(item.status, UnsetType) else item.status
            answered = [part for part in content if isinstance(part, AssistantText | AssistantAudio)]
            return AssistantMessageItem(item_id=item_id, status=status, content=answered)


def history_from(items: Sequence[protocol.Item]) -> list[RealtimeItem]:
    """Return a history in the spelling of `openai-agents`: there an output is a part of its call."""
    outputs = {item.call_id: item.output for item in items if isinstance(item, FunctionCallOutputItem)}
    spelled = (
        item_from(item, outputs.get(str(item.call_id)) if isinstance(item, FunctionCallItem) else None)
        for item in items
    )
    return [item for item in spelled if item is not None]


def _part_from(
    part: protocol.ContentPart,
) -> InputText | InputAudio | InputImage | AssistantText | AssistantAudio:
    match part:
        case protocol.InputText(text=text):
            return InputText(text=text)
        case protocol.OutputText(text=text):
            return AssistantText(text=text)
        case protocol.InputImage(image_url=url, detail=detail):
            return InputImage(image_url=url, detail=present(detail, None))
        case protocol.InputAudio(transcript=transcript):
            return InputAudio(audio=to_builtins(part).get("audio"), transcript=present(transcript, None))
        case protocol.OutputAudio(transcript=transcript):
            return AssistantAudio(audio=to_builtins(part).get("audio"), transcript=present(transcript, None))
