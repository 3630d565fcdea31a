"""What a session tells an application.

Every event has a `type`. Besides the events here an application receives the server's own events, as the
structs of `vivavoce.protocol`, under their wire names (`response.done`, `conversation.item.added` …), and
under the names that the beta gave some of them (`BetaEvent`). Audio comes once, as `RealtimeAudio`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from vivavoce.agents import FunctionTool, RealtimeAgent
from vivavoce.connections import ConnectionStatus
from vivavoce.protocol import Item, ServerEvent, Unknown

if TYPE_CHECKING:
    from typing import ClassVar

    from vivavoce.protocol.base import Tagged, WireName


@dataclass(frozen=True, slots=True)
class RealtimeAgentStart:
    """The agent begins an answer."""

    agent: RealtimeAgent[Any]
    response_id: str
    type: Literal["agent_start"] = "agent_start"


@dataclass(frozen=True, slots=True)
class RealtimeAgentEnd:
    """The agent's answer is complete or was stopped; its audio may still be playing.

    Attributes:
        status: ``completed``, ``cancelled``, ``failed`` or ``incomplete``.
        output: the words of the answer.
    """

    agent: RealtimeAgent[Any]
    response_id: str
    status: str
    output: str
    type: Literal["agent_end"] = "agent_end"


@dataclass(frozen=True, slots=True)
class AudioChunk:
    """A piece of speech.

    Attributes:
        data: bytes in the session's output format; by default PCM16, mono, 24 kHz.
    """

    data: bytes = field(repr=False)
    response_id: str
    item_id: str
    content_index: int


@dataclass(frozen=True, slots=True)
class RealtimeAudio:
    """Speech to play: `event.audio.data`."""

    audio: AudioChunk
    item_id: str
    content_index: int
    type: Literal["audio"] = "audio"


@dataclass(frozen=True, slots=True)
class RealtimeAudioEnd:
    """All speech of a message has arrived; it may still be playing."""

    item_id: str
    content_index: int
    type: Literal["audio_end"] = "audio_end"


@dataclass(frozen=True, slots=True)
class RealtimeAudioInterrupted:
    """Stop playing at once and throw away what is queued.

    Attributes:
        heard_ms: how much of the message was heard, as far as is known here.
    """

    item_id: str
    content_index: int
    heard_ms: int
    type: Literal["audio_interrupted"] = "audio_interrupted"


@dataclass(frozen=True, slots=True)
class RealtimeHistoryAdded:
    """An item is new in the conversation."""

    item: Item
    type: Literal["history_added"] = "history_added"


@dataclass(frozen=True, slots=True)
class RealtimeHistoryUpdated:
    """The conversation has changed. Changes that were not yet read fall together into one event."""

    _read: Callable[[], list[Item]] = field(repr=False)
    type: Literal["history_updated"] = "history_updated"

    @property
    def history(self) -> list[Item]:
        """The whole conversation as it is when this is read."""
        return self._read()


@dataclass(frozen=True, slots=True)
class RealtimeToolStart:
    """A tool begins to run.

    Attributes:
        arguments: the JSON text that the model sent.
        call_id: the same in `tool_end`.
    """

    agent: RealtimeAgent[Any]
    tool: FunctionTool
    call_id: str
    arguments: str
    type: Literal["tool_start"] = "tool_start"


@dataclass(frozen=True, slots=True)
class RealtimeToolEnd:
    """A tool has run, and its output is on its way to the model.

    Attributes:
        output: what the tool returned; what the model was told, when it failed.
    """

    agent: RealtimeAgent[Any]
    tool: FunctionTool
    call_id: str
    arguments: str
    output: Any
    type: Literal["tool_end"] = "tool_end"


@dataclass(frozen=True, slots=True)
class RealtimeError:
    """Something went wrong; the session goes on, unless a `connection_status` says otherwise.

    Attributes:
        error: the server's `ErrorDetail`, or an exception of `vivavoce.errors`.
    """

    error: Any
    type: Literal["error"] = "error"


@dataclass(frozen=True, slots=True)
class RealtimeRawModelEvent:
    """An event of the server just as it came, except for audio, which would only come twice."""

    data: ServerEvent | Unknown
    type: Literal["raw_model_event"] = "raw_model_event"


@dataclass(frozen=True, slots=True)
class RealtimeInputAudioTimeoutTriggered:
    """The user has been silent for `idle_timeout_ms`.

    Attributes:
        item_id: the silent item.
        audio_start_ms: where the silence begins in the input.
        audio_end_ms: where it ends.
    """

    item_id: str
    audio_start_ms: int
    audio_end_ms: int
    type: Literal["input_audio_timeout_triggered"] = "input_audio_timeout_triggered"


WireEventName: TypeAlias = Literal[
    "conversation.created",
    "conversation.item.added",
    "conversation.item.created",
    "conversation.item.deleted",
    "conversation.item.done",
    "conversation.item.input_audio_transcription.completed",
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.failed",
    "conversation.item.input_audio_transcription.segment",
    "conversation.item.retrieved",
    "conversation.item.truncated",
    "input_audio_buffer.cleared",
    "input_audio_buffer.committed",
    "input_audio_buffer.dtmf_event_received",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.timeout_triggered",
    "mcp_list_tools.completed",
    "mcp_list_tools.failed",
    "mcp_list_tools.in_progress",
    "output_audio_buffer.cleared",
    "output_audio_buffer.started",
    "output_audio_buffer.stopped",
    "rate_limits.updated",
    "response.content_part.added",
    "response.content_part.done",
    "response.created",
    "response.done",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.mcp_call.completed",
    "response.mcp_call.failed",
    "response.mcp_call.in_progress",
    "response.mcp_call_arguments.delta",
    "response.mcp_call_arguments.done",
    "response.output_audio.done",
    "response.output_audio_transcript.delta",
    "response.output_audio_transcript.done",
    "response.output_item.added",
    "response.output_item.done",
    "response.output_text.delta",
    "response.output_text.done",
    "session.created",
    "session.updated",
]
"""Wire name of an event of the server that a session passes on."""

BetaName: TypeAlias = Literal[
    "response.audio_transcript.delta",
    "response.audio_transcript.done",
    "response.audio.done",
    "response.text.delta",
    "response.text.done",
]
"""Name that an event of the server had in the beta."""


class BetaEvent:
    """An event of the server under its name in the beta; every other attribute is the event's own."""

    __slots__ = ("event", "type")

    def __init__(self, name: BetaName, event: ServerEvent) -> None:
        self.type: BetaName = name
        self.event = event

    def __getattr__(self, name: str) -> Any:
        return getattr(self.event, name)

    def __repr__(self) -> str:
        return f"BetaEvent({self.type!r}, {self.event!r})"


if TYPE_CHECKING:

    class _AnyName(WireName):
        def __get__(self, instance: object, owner: Any) -> WireEventName: ...

    class WireEvent(Tagged, frozen=True, kw_only=True):
        """An event of the server, to type checkers.

        In fact it is a struct of `vivavoce.protocol`, or an `Unknown`. A struct's own `type` is a text to
        them, which tells no event from another. This one's is a choice of literals:
        ``event.type == "response.done"`` tells it from the session's own events, and `isinstance` says which
        struct it is. Compare the name of an event that the protocol does not know with ``str(event.type)``.
        """

        type: ClassVar[_AnyName]

        def __getattr__(self, name: str) -> Any: ...

else:
    WireEvent = ServerEvent | Unknown

RealtimeSessionEvent: TypeAlias = (
    RealtimeAgentStart
    | RealtimeAgentEnd
    | RealtimeAudio
    | RealtimeAudioEnd
    | RealtimeAudioInterrupted
    | RealtimeHistoryAdded
    | RealtimeHistoryUpdated
    | RealtimeToolStart
    | RealtimeToolEnd
    | RealtimeError
    | RealtimeRawModelEvent
    | RealtimeInputAudioTimeoutTriggered
    | ConnectionStatus
    | WireEvent
    | BetaEvent
)

SESSION_EVENTS: tuple[str, ...] = (
    "agent_start",
    "agent_end",
    "audio",
    "audio_end",
    "audio_interrupted",
    "history_added",
    "history_updated",
    "tool_start",
    "tool_end",
    "error",
    "raw_model_event",
    "input_audio_timeout_triggered",
    "connection_status",
)
"""Names of the session's own events; those of the server have a dot in theirs."""

BETA_NAMES: Mapping[str, BetaName] = MappingProxyType(
    {
        "response.output_audio_transcript.delta": "response.audio_transcript.delta",
        "response.output_audio_transcript.done": "response.audio_transcript.done",
        "response.output_audio.done": "response.audio.done",
        "response.output_text.delta": "response.text.delta",
        "response.output_text.done": "response.text.done",
    }
)
"""Wire name of today -> name in the beta."""
