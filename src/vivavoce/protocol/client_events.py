"""The 11 events that a client sends."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias, get_args

from vivavoce.protocol.base import UNSET, Tagged, UnsetType
from vivavoce.protocol.items import Item
from vivavoce.protocol.response import ResponseCreateParams
from vivavoce.protocol.session import Session

__all__ = [
    "CLIENT_EVENT_TYPES",
    "ClientEvent",
    "ConversationItemCreate",
    "ConversationItemDelete",
    "ConversationItemRetrieve",
    "ConversationItemTruncate",
    "InputAudioBufferAppend",
    "InputAudioBufferClear",
    "InputAudioBufferCommit",
    "OutputAudioBufferClear",
    "ResponseCancel",
    "ResponseCreate",
    "SessionUpdate",
]


class FromClient(Tagged, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every client event has.

    Attributes:
        event_id: the client's own id; the server repeats it only in an error about this event.
    """

    event_id: str | UnsetType = UNSET


class SessionUpdate(FromClient, frozen=True, kw_only=True, tag="session.update"):
    """Change the fields of the session that are present."""

    session: Session


class InputAudioBufferAppend(FromClient, frozen=True, kw_only=True, tag="input_audio_buffer.append"):
    """Add audio, in the session's input format, to the input buffer."""

    audio: bytes


class InputAudioBufferCommit(FromClient, frozen=True, kw_only=True, tag="input_audio_buffer.commit"):
    """Make a user message of the input buffer."""


class InputAudioBufferClear(FromClient, frozen=True, kw_only=True, tag="input_audio_buffer.clear"):
    """Throw the input buffer away."""


class OutputAudioBufferClear(FromClient, frozen=True, kw_only=True, tag="output_audio_buffer.clear"):
    """Stop playing the current response (WebRTC and SIP, where the server plays)."""


class ConversationItemCreate(FromClient, frozen=True, kw_only=True, tag="conversation.item.create"):
    """Put an item into the conversation.

    Attributes:
        previous_item_id: the item to insert it after; absent is at the end, ``"root"`` at the start.
    """

    previous_item_id: str | UnsetType | None = UNSET
    item: Item


class ConversationItemRetrieve(FromClient, frozen=True, kw_only=True, tag="conversation.item.retrieve"):
    """Ask for an item, with its audio."""

    item_id: str


class ConversationItemDelete(FromClient, frozen=True, kw_only=True, tag="conversation.item.delete"):
    """Take an item out of the conversation."""

    item_id: str


class ConversationItemTruncate(FromClient, frozen=True, kw_only=True, tag="conversation.item.truncate"):
    """Cut an assistant message down to what the user heard.

    Attributes:
        audio_end_ms: length of the audio to keep.
    """

    item_id: str
    content_index: int
    audio_end_ms: int


class ResponseCreate(FromClient, frozen=True, kw_only=True, tag="response.create"):
    """Have the model answer now."""

    response: ResponseCreateParams | UnsetType = UNSET


class ResponseCancel(FromClient, frozen=True, kw_only=True, tag="response.cancel"):
    """Stop a response.

    Attributes:
        response_id: absent is the running response of the conversation.
    """

    response_id: str | UnsetType = UNSET


ClientEvent: TypeAlias = (
    SessionUpdate
    | InputAudioBufferAppend
    | InputAudioBufferCommit
    | InputAudioBufferClear
    | OutputAudioBufferClear
    | ConversationItemCreate
    | ConversationItemRetrieve
    | ConversationItemDelete
    | ConversationItemTruncate
    | ResponseCreate
    | ResponseCancel
)

CLIENT_EVENT_TYPES: Mapping[str, type[ClientEvent]] = MappingProxyType(
    {event.type: event for event in get_args(ClientEvent)}
)
"""Wire name -> class, of every client event."""
