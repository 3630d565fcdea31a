"""Items of a history as `openai-agents` spells them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from vivavoce import protocol
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    ItemStatus,
    MessageItem,
    UnsetType,
    present,
    to_builtins,
)


@dataclass(frozen=True)
class Dumped:
    """Something that can be had as a dictionary."""

    def model_dump(self) -> dict[str, Any]:
        """Return it as a dictionary."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class InputText(Dumped):
    """Text of a user or system message."""

    type: Literal["input_text"] = "input_text"
    text: str | None = None


@dataclass(frozen=True, kw_only=True)
class InputAudio(Dumped):
    """Speech of a user message; `audio` is in base64."""

    type: Literal["input_audio"] = "input_audio"
    audio: str | None = None
    transcript: str | None = None


@dataclass(frozen=True, kw_only=True)
class InputImage(Dumped):
    """Picture of a user message."""

    type: Literal["input_image"] = "input_image"
    image_url: str | None = None
    detail: str | None = None


@dataclass(frozen=True, kw_only=True)
class AssistantText(Dumped):
    """Text of an answer."""

    type: Literal["text"] = "text"
    text: str | None = None


@dataclass(frozen=True, kw_only=True)
class AssistantAudio(Dumped):
    """Speech of an answer; `audio` is in base64."""

    type: Literal["audio"] = "audio"
    audio: str | None = None
    transcript: str | None = None


@dataclass(frozen=True, kw_only=True)
class SystemMessageItem(Dumped):
    """A message of the system."""

    item_id: str
    previous_item_id: str | None = None
    type: Literal["message"] = "message"
    role: Literal["system"] = "system"
    content: list[Any]


@dataclass(frozen=True, kw_only=True)
class UserMessageItem(Dumped):
    """What the user said or wrote."""

    item_id: str
    previous_item_id: str | None = None
    type: Literal["message"] = "message"
    role: Literal["user"] = "user"
    content: list[Any]


@dataclass(frozen=True, kw_only=True)
class AssistantMessageItem(Dumped):
    """What the agent said or wrote."""

    item_id: str
    previous_item_id: str | None = None
    type: Literal["message"] = "message"
    role: Literal["assistant"] = "assistant"
    status: ItemStatus | None = None
    content: list[Any]


@dataclass(frozen=True, kw_only=True)
class RealtimeToolCallItem(Dumped):
    """A call of a tool, with its output when it has one."""

    item_id: str
    previous_item_id: str | None = None
    call_id: str | None
    type: Literal["function_call"] = "function_call"
    status: Literal["in_progress", "completed"]
    arguments: str
    name: str
    output: str | None = None


RealtimeItem: TypeAlias = SystemMessageItem | UserMessageItem | AssistantMessageItem | RealtimeToolCallItem


def item_from(item: protocol.Item, output: str | None = None) -> RealtimeItem | None:
    """Return an item in the spelling of `openai-agents`; ``None`` for a kind that it does not have.

    Args:
        item: as `vivavoce` has it.
        output: of the function that the item calls.
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
    if not isinstance(item, MessageItem):
        return None
    content = [_part_from(part) for part in item.content]
    match item.role:
        case "system":
            return SystemMessageItem(item_id=item_id, content=content)
        case "user":
            return UserMessageItem(item_id=item_id, content=content)
        case "assistant":
            status = None if isinstance(item.status, UnsetType) else item.status
            return AssistantMessageItem(item_id=item_id, status=status, content=content)


def history_from(items: Sequence[protocol.Item]) -> list[RealtimeItem]:
    """Return a history in the spelling of `openai-agents`: there an output is a part of its call."""
    outputs = {item.call_id: item.output for item in items if isinstance(item, FunctionCallOutputItem)}
    spelled = (
        item_from(item, outputs.get(str(item.call_id)) if isinstance(item, FunctionCallItem) else None)
        for item in items
    )
    return [item for item in spelled if item is not None]


def _part_from(part: protocol.ContentPart) -> Any:
    match part:
        case protocol.InputText(text=text):
            return InputText(text=text)
        case protocol.OutputText(text=text):
            return AssistantText(text=text)
        case protocol.InputImage(image_url=url, detail=detail):
            return InputImage(image_url=url, detail=present(detail, None))
        case protocol.InputAudio() | protocol.OutputAudio():
            spelled = InputAudio if isinstance(part, protocol.InputAudio) else AssistantAudio
            return spelled(audio=to_builtins(part).get("audio"), transcript=present(part.transcript, None))
