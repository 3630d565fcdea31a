"""What a session tells an application.

Every event has a `type`. Besides the events here an application receives the server's own events, as the
structs of `vivavoce.protocol`, under their wire names (`response.done`, `conversation.item.added` …), and
under the names that the beta gave some of them (`BetaEvent`). Audio comes once, as `RealtimeAudio`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from vivavoce.agents import FunctionTool, RealtimeAgent
from vivavoce.connections import ConnectionStatus
from vivavoce.errors import ConnectionLostError
from vivavoce.protocol import (
    Item,
    McpApprovalRequestItem,
    McpCallItem,
    McpListedTool,
    ServerEvent,
    Unknown,
)
from vivavoce.session.wire_events import BetaEvent, WireEvent

if TYPE_CHECKING:
    from vivavoce.agents.guardrails import InputGuardrailResult, OutputGuardrailResult


@dataclass(frozen=True, slots=True)
class RealtimeAgentStart:
    """The agent begins an answer."""

    agent: RealtimeAgent[Any]
    response_id: str
    type: Literal["agent_start"] = "agent_start"


@dataclass(frozen=True, slots=True)
class RealtimeAgentEnd:
    """The agent's answer is complete or was stopped; its audio may still be playing.

    With hold-back, what is complete may still wait for its last check, and be stopped by it: then
    `guardrail_tripped` comes after a ``completed`` answer.

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
class RealtimePlaybackEnded:
    """A message was heard to its end: by the clock, or as the playback tracker reports."""

    item_id: str
    content_index: int
    type: Literal["playback_ended"] = "playback_ended"


@dataclass(frozen=True, slots=True)
class RealtimeHandoff:
    """Another agent has taken over; the conversation goes along."""

    from_agent: RealtimeAgent[Any]
    to_agent: RealtimeAgent[Any]
    type: Literal["handoff"] = "handoff"


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
        error: what went wrong, or ``None``.
    """

    agent: RealtimeAgent[Any]
    tool: FunctionTool
    call_id: str
    arguments: str
    output: Any
    error: Exception | None = None
    type: Literal["tool_end"] = "tool_end"


@dataclass(frozen=True, slots=True)
class RealtimeToolApprovalRequired:
    """A call waits for `RealtimeSession.approve_tool_call` or `reject_tool_call`.

    Attributes:
        tool: what is to be called; of an MCP tool that the server calls, the request as the server made it.
        call_id: names the call when it is approved or rejected.
        arguments: the JSON text that the model sent.
    """

    agent: RealtimeAgent[Any]
    tool: FunctionTool | McpApprovalRequestItem
    call_id: str
    arguments: str
    type: Literal["tool_approval_required"] = "tool_approval_required"


@dataclass(frozen=True, slots=True)
class RealtimeMcpToolCallCompleted:
    """The server has called a tool of an MCP server, well or not."""

    item: McpCallItem
    type: Literal["mcp_tool_call_completed"] = "mcp_tool_call_completed"


@dataclass(frozen=True, slots=True)
class RealtimeMcpToolsChanged:
    """The server has listed the tools of an MCP server."""

    server_label: str
    tools: Sequence[McpListedTool]
    type: Literal["mcp_tools_changed"] = "mcp_tools_changed"


@dataclass(frozen=True, slots=True)
class RealtimeGuardrailTripped:
    """An answer was stopped: a guardrail did not let it pass.

    Attributes:
        guardrail_results: what those that tripped found.
        message: the words that were checked.
        item_id: the message that was stopped.
        response_id: the answer it belongs to.
    """

    guardrail_results: Sequence[OutputGuardrailResult]
    message: str
    item_id: str
    response_id: str
    type: Literal["guardrail_tripped"] = "guardrail_tripped"


@dataclass(frozen=True, slots=True)
class RealtimeInputGuardrailTripped:
    """What the user said is not answered: a guardrail did not let it pass.

    Attributes:
        guardrail_results: what those that tripped found.
        message: the words that were checked.
        item_id: the user's message.
    """

    guardrail_results: Sequence[InputGuardrailResult]
    message: str
    item_id: str
    type: Literal["input_guardrail_tripped"] = "input_guardrail_tripped"


@dataclass(frozen=True, slots=True)
class RealtimeConnectionLost:
    """The connection broke; another one is looked for. The conversation is kept.

    Attributes:
        error: what happened.
    """

    error: ConnectionLostError
    type: Literal["connection_lost"] = "connection_lost"


@dataclass(frozen=True, slots=True)
class RealtimeReconnecting:
    """A new connection is tried.

    Attributes:
        attempt: 1 is the first.
        delay_s: seconds until then.
        error: what the last attempt failed with, for the first one what became of the connection; ``None``
            where it was only too old.
    """

    attempt: int
    delay_s: float
    error: Exception | None = None
    type: Literal["reconnecting"] = "reconnecting"


@dataclass(frozen=True, slots=True)
class RealtimeReconnected:
    """The conversation goes on over a new connection.

    Attributes:
        attempt: the one that worked.
    """

    attempt: int
    type: Literal["reconnected"] = "reconnected"


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


RealtimeSessionEvent: TypeAlias = (
    RealtimeAgentStart
    | RealtimeAgentEnd
    | RealtimeAudio
    | RealtimeAudioEnd
    | RealtimeAudioInterrupted
    | RealtimePlaybackEnded
    | RealtimeHandoff
    | RealtimeHistoryAdded
    | RealtimeHistoryUpdated
    | RealtimeToolStart
    | RealtimeToolEnd
    | RealtimeToolApprovalRequired
    | RealtimeMcpToolCallCompleted
    | RealtimeMcpToolsChanged
    | RealtimeGuardrailTripped
    | RealtimeInputGuardrailTripped
    | RealtimeConnectionLost
    | RealtimeReconnecting
    | RealtimeReconnected
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
    "playback_ended",
    "handoff",
    "history_added",
    "history_updated",
    "tool_start",
    "tool_end",
    "tool_approval_required",
    "mcp_tool_call_completed",
    "mcp_tools_changed",
    "guardrail_tripped",
    "input_guardrail_tripped",
    "connection_lost",
    "reconnecting",
    "reconnected",
    "error",
    "raw_model_event",
    "input_audio_timeout_triggered",
    "connection_status",
)
"""Names of the session's own events; those of the server have a dot in theirs."""

JS_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "agent_handoff": "handoff",
        "agent_tool_start": "tool_start",
        "agent_tool_end": "tool_end",
        "audio_stopped": "audio_end",
        "tool_approval_requested": "tool_approval_required",
        "transport_event": "raw_model_event",
    }
)
"""Name of an event in the JavaScript SDK -> its name here, for callbacks."""
