"""The 46 events that a server sends: here the session, the conversation and the buffers.

Those about responses are in `response_events`; the union and the table of all of them are here.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

from vivavoce.protocol.base import UNSET, Tagged, UnsetType, Wire
from vivavoce.protocol.error import ErrorDetail
from vivavoce.protocol.items import Item
from vivavoce.protocol.response_events import FromServer, ResponseEvent
from vivavoce.protocol.session import Session

__all__ = [
    "SERVER_EVENT_TYPES",
    "Conversation",
    "ConversationCreated",
    "ConversationItemAdded",
    "ConversationItemCreated",
    "ConversationItemDeleted",
    "ConversationItemDone",
    "ConversationItemInputAudioTranscriptionCompleted",
    "ConversationItemInputAudioTranscriptionDelta",
    "ConversationItemInputAudioTranscriptionFailed",
    "ConversationItemInputAudioTranscriptionSegment",
    "ConversationItemRetrieved",
    "ConversationItemTruncated",
    "ErrorEvent",
    "InputAudioBufferCleared",
    "InputAudioBufferCommitted",
    "InputAudioBufferDtmfEventReceived",
    "InputAudioBufferSpeechStarted",
    "InputAudioBufferSpeechStopped",
    "InputAudioBufferTimeoutTriggered",
    "LogProb",
    "OutputAudioBufferCleared",
    "OutputAudioBufferStarted",
    "OutputAudioBufferStopped",
    "RateLimit",
    "RateLimitsUpdated",
    "ServerEvent",
    "SessionCreated",
    "SessionUpdated",
    "TranscriptionDurationUsage",
    "TranscriptionError",
    "TranscriptionLanguage",
    "TranscriptionTokenDetails",
    "TranscriptionTokenUsage",
    "TranscriptionUsage",
    "Unknown",
]


class ErrorEvent(FromServer, frozen=True, kw_only=True, tag="error"):
    """Something went wrong; the session goes on."""

    error: ErrorDetail


class SessionCreated(FromServer, frozen=True, kw_only=True, tag="session.created"):
    """The first event of a session, with all its settings."""

    session: Session


class SessionUpdated(FromServer, frozen=True, kw_only=True, tag="session.updated"):
    """A `session.update` was accepted, or the session is about to end; all settings as they are now.

    Attributes:
        expires_in_s: an extension of vivavoce: the session ends in so many seconds (`session.expires_at`);
            only on the one event of a session that tells of its end beforehand.
    """

    session: Session
    expires_in_s: float | UnsetType = UNSET


class Conversation(Wire, frozen=True, kw_only=True):
    """A conversation, by its id."""

    id: str | UnsetType = UNSET
    object: Literal["realtime.conversation"] | UnsetType = UNSET


class ConversationCreated(FromServer, frozen=True, kw_only=True, tag="conversation.created"):
    """Older servers announce the conversation after the session."""

    conversation: Conversation


class ConversationItemCreated(FromServer, frozen=True, kw_only=True, tag="conversation.item.created"):
    """Older servers send this in place of `conversation.item.added` and `.done`."""

    previous_item_id: str | UnsetType | None = UNSET
    item: Item


class ConversationItemAdded(FromServer, frozen=True, kw_only=True, tag="conversation.item.added"):
    """An item entered the conversation; one of the model's is still empty."""

    previous_item_id: str | UnsetType | None = UNSET
    item: Item


class ConversationItemDone(FromServer, frozen=True, kw_only=True, tag="conversation.item.done"):
    """An item of the conversation is final."""

    previous_item_id: str | UnsetType | None = UNSET
    item: Item


class ConversationItemDeleted(FromServer, frozen=True, kw_only=True, tag="conversation.item.deleted"):
    """An item left the conversation."""

    item_id: str


class ConversationItemRetrieved(FromServer, frozen=True, kw_only=True, tag="conversation.item.retrieved"):
    """An item that the client asked for, with its audio."""

    item: Item


class ConversationItemTruncated(FromServer, frozen=True, kw_only=True, tag="conversation.item.truncated"):
    """An assistant message was cut down to `audio_end_ms` of audio."""

    item_id: str
    content_index: int
    audio_end_ms: int


class LogProb(Wire, frozen=True, kw_only=True):
    """Log probability of one token of a transcript."""

    token: str
    logprob: float
    bytes: Sequence[int]


class TranscriptionTokenDetails(Wire, frozen=True, kw_only=True):
    """Input tokens of a transcription by modality."""

    text_tokens: int = 0
    audio_tokens: int = 0


class TranscriptionTokenUsage(Tagged, frozen=True, kw_only=True, tag="tokens"):
    """Usage of a transcription that is billed by token."""

    total_tokens: int
    input_tokens: int
    output_tokens: int
    input_token_details: TranscriptionTokenDetails = TranscriptionTokenDetails()


class TranscriptionDurationUsage(Tagged, frozen=True, kw_only=True, tag="duration"):
    """Usage of a transcription that is billed by the second."""

    seconds: float


TranscriptionUsage: TypeAlias = TranscriptionTokenUsage | TranscriptionDurationUsage


class TranscriptionLanguage(Wire, frozen=True, kw_only=True):
    """A language that was heard, by its ISO 639-1 code."""

    code: str


class TranscriptionError(Wire, frozen=True, kw_only=True):
    """Why an utterance could not be transcribed."""

    type: str | UnsetType = UNSET
    code: str | UnsetType | None = UNSET
    message: str | UnsetType | None = UNSET
    param: str | UnsetType | None = UNSET


class ConversationItemInputAudioTranscriptionDelta(
    FromServer, frozen=True, kw_only=True, tag="conversation.item.input_audio_transcription.delta"
):
    """More of what the user said.

    Attributes:
        obfuscation: random padding that hides the length of the delta from eavesdroppers.
    """

    item_id: str
    content_index: int | UnsetType = UNSET
    delta: str | UnsetType = UNSET
    logprobs: Sequence[LogProb] | UnsetType | None = UNSET
    obfuscation: str | UnsetType = UNSET


class ConversationItemInputAudioTranscriptionCompleted(
    FromServer, frozen=True, kw_only=True, tag="conversation.item.input_audio_transcription.completed"
):
    """All that the user said in one item."""

    item_id: str
    content_index: int
    transcript: str
    usage: TranscriptionUsage
    logprobs: Sequence[LogProb] | UnsetType | None = UNSET
    languages: Sequence[TranscriptionLanguage] | UnsetType = UNSET


class ConversationItemInputAudioTranscriptionFailed(
    FromServer, frozen=True, kw_only=True, tag="conversation.item.input_audio_transcription.failed"
):
    """What the user said could not be written down; the turn goes on."""

    item_id: str
    content_index: int
    error: TranscriptionError


class ConversationItemInputAudioTranscriptionSegment(
    FromServer, frozen=True, kw_only=True, tag="conversation.item.input_audio_transcription.segment"
):
    """What one of several speakers said, from `start` to `end` in seconds."""

    item_id: str
    content_index: int
    id: str
    text: str
    speaker: str
    start: float
    end: float


class InputAudioBufferCommitted(FromServer, frozen=True, kw_only=True, tag="input_audio_buffer.committed"):
    """The input buffer became the user message `item_id`."""

    previous_item_id: str | UnsetType | None = UNSET
    item_id: str


class InputAudioBufferCleared(FromServer, frozen=True, kw_only=True, tag="input_audio_buffer.cleared"):
    """The input buffer was thrown away."""


class InputAudioBufferSpeechStarted(
    FromServer, frozen=True, kw_only=True, tag="input_audio_buffer.speech_started"
):
    """The user began to speak.

    Attributes:
        audio_start_ms: since the start of all input, prefix padding included.
        item_id: the user message that this speech will become.
    """

    audio_start_ms: int
    item_id: str


class InputAudioBufferSpeechStopped(
    FromServer, frozen=True, kw_only=True, tag="input_audio_buffer.speech_stopped"
):
    """The user has stopped speaking, `audio_end_ms` after the start of all input."""

    audio_end_ms: int
    item_id: str


class InputAudioBufferTimeoutTriggered(
    FromServer, frozen=True, kw_only=True, tag="input_audio_buffer.timeout_triggered"
):
    """The user was silent for the idle timeout, between these two times."""

    audio_start_ms: int
    audio_end_ms: int
    item_id: str


class InputAudioBufferDtmfEventReceived(
    Tagged, frozen=True, kw_only=True, tag="input_audio_buffer.dtmf_event_received"
):
    """The caller pressed a key. The one server event without an id.

    Attributes:
        event: the key: ``0`` to ``9``, ``*``, ``#``, ``A`` to ``D``.
        received_at: seconds since 1970.
    """

    event: str
    received_at: int


class OutputAudioBufferStarted(FromServer, frozen=True, kw_only=True, tag="output_audio_buffer.started"):
    """The server plays the first audio of a response."""

    response_id: str


class OutputAudioBufferStopped(FromServer, frozen=True, kw_only=True, tag="output_audio_buffer.stopped"):
    """The server has played all audio of a response."""

    response_id: str


class OutputAudioBufferCleared(FromServer, frozen=True, kw_only=True, tag="output_audio_buffer.cleared"):
    """The server stopped playing a response before its end."""

    response_id: str


class RateLimit(Wire, frozen=True, kw_only=True):
    """What is left of one limit, and the seconds until it is whole again."""

    name: Literal["requests", "tokens"] | UnsetType = UNSET
    limit: int | UnsetType = UNSET
    remaining: int | UnsetType = UNSET
    reset_seconds: float | UnsetType = UNSET


class RateLimitsUpdated(FromServer, frozen=True, kw_only=True, tag="rate_limits.updated"):
    """What is left of the rate limits."""

    rate_limits: Sequence[RateLimit]


class Unknown(Wire, frozen=True, kw_only=True):
    """A server event that this version does not know; never an error.

    Attributes:
        type: its wire name.
        raw: the whole event.
    """

    type: str
    raw: Mapping[str, Any]


ServerEvent: TypeAlias = (
    ErrorEvent
    | SessionCreated
    | SessionUpdated
    | ConversationCreated
    | ConversationItemCreated
    | ConversationItemAdded
    | ConversationItemDone
    | ConversationItemDeleted
    | ConversationItemRetrieved
    | ConversationItemTruncated
    | ConversationItemInputAudioTranscriptionDelta
    | ConversationItemInputAudioTranscriptionCompleted
    | ConversationItemInputAudioTranscriptionFailed
    | ConversationItemInputAudioTranscriptionSegment
    | InputAudioBufferCommitted
    | InputAudioBufferCleared
    | InputAudioBufferSpeechStarted
    | InputAudioBufferSpeechStopped
    | InputAudioBufferTimeoutTriggered
    | InputAudioBufferDtmfEventReceived
    | OutputAudioBufferStarted
    | OutputAudioBufferStopped
    | OutputAudioBufferCleared
    | RateLimitsUpdated
    | ResponseEvent
)

SERVER_EVENT_TYPES: Mapping[str, type[ServerEvent]] = MappingProxyType(
    {event.type: event for event in get_args(ServerEvent)}
)
"""Wire name -> class, of every server event."""
