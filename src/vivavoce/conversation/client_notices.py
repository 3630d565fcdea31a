"""What the client's conversation tells its driver, beside the events it wants sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from vivavoce.conversation.held_audio import Withheld
from vivavoce.protocol import ErrorDetail, Response


@dataclass(frozen=True, slots=True)
class ItemAdded:
    """An item is new in the history."""

    item_id: str


@dataclass(frozen=True, slots=True)
class ItemChanged:
    """An item of the history has changed, or is gone."""

    item_id: str


@dataclass(frozen=True, slots=True)
class AudioReceived:
    """Speech to play: bytes in the session's output format."""

    item_id: str
    content_index: int
    response_id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class AudioFinished:
    """All speech of a part has been received; it may still be playing."""

    item_id: str
    content_index: int


@dataclass(frozen=True, slots=True)
class PlaybackInterrupted:
    """Stop playing and throw away what is queued; `heard_ms` of this part were heard."""

    item_id: str
    content_index: int
    heard_ms: int


@dataclass(frozen=True, slots=True)
class PlaybackEnded:
    """A spoken part was heard to its end."""

    item_id: str
    content_index: int


@dataclass(frozen=True, slots=True)
class ResponseBegan:
    """The model begins to answer."""

    response: Response


@dataclass(frozen=True, slots=True)
class ResponseEnded:
    """The model's answer is over, however it ended."""

    response: Response


@dataclass(frozen=True, slots=True)
class ToolCalled:
    """The model wants a function called; said once per `call_id`. Answer with `tool_output`."""

    call_id: str
    name: str
    arguments: str
    item_id: str
    response_id: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """The server reported an error that this side did not expect."""

    error: ErrorDetail


Notice: TypeAlias = (
    ItemAdded
    | ItemChanged
    | AudioReceived
    | AudioFinished
    | PlaybackInterrupted
    | PlaybackEnded
    | ResponseBegan
    | ResponseEnded
    | ToolCalled
    | Withheld
    | Failed
)
