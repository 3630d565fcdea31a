"""What the conversation asks of the world: whoever drives it carries these out, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from vivavoce.protocol import AudioFormat, FunctionTool, Item, McpTool, NoiseReduction, ToolChoice


@dataclass(frozen=True, slots=True)
class BeginUtterance:
    """Somebody speaks: open a transcription. Audio that is appended from now on belongs to it too."""

    item_id: str
    audio: bytes
    fmt: AudioFormat


@dataclass(frozen=True, slots=True)
class FeedUtterance:
    """More audio of an open utterance."""

    item_id: str
    audio: bytes


@dataclass(frozen=True, slots=True)
class EndUtterance:
    """The utterance is complete: finish its transcription and report it."""

    item_id: str


@dataclass(frozen=True, slots=True)
class TranscribeItem:
    """A recording came as an item: transcribe it when there is leisure; report it like an utterance."""

    item_id: str
    audio: bytes
    fmt: AudioFormat


@dataclass(frozen=True, slots=True)
class DropUtterance:
    """The utterance was cleared or deleted: forget its transcription."""

    item_id: str


@dataclass(frozen=True, slots=True)
class JudgePause:
    """Somebody pauses: say whether they sound finished, if anybody can, with `receive_turn_end`.

    Attributes:
        item_id: the utterance; it has all audio up to now.
        since_ms: where the pause began; names it in the answer.
    """

    item_id: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class ReduceNoise:
    """Filter the input from now on, or no longer.

    Attributes:
        wishes: `session.audio.input.noise_reduction`.
        fmt: format of the input.
    """

    wishes: NoiseReduction | None
    fmt: AudioFormat


@dataclass(frozen=True, slots=True)
class StartResponse:
    """Ask the model and, for audio, speak its answer.

    Attributes:
        response_id: to report results under.
        instructions: the system prompt.
        items: the context, oldest first.
        tools: functions the model may call.
        tool_choice: how it may choose.
        parallel_tool_calls: whether several calls in one response are allowed.
        max_output_tokens: bound, or `None`.
        modality: whether the answer is spoken or written.
        voice: name of the voice.
        speed: 0.25 to 1.5.
        fmt: format of the audio to report.
        effort: how hard the model is to reason, or `None` for its own default.
        temperature: how freely it is to choose its words, or `None` for its own default.
    """

    response_id: str
    instructions: str
    items: tuple[Item, ...]
    tools: tuple[FunctionTool, ...]
    tool_choice: ToolChoice
    parallel_tool_calls: bool
    max_output_tokens: int | None
    modality: Literal["audio", "text"]
    voice: str
    speed: float
    fmt: AudioFormat
    effort: str | None = None
    temperature: float | None = None


@dataclass(frozen=True, slots=True)
class CancelResponse:
    """Stop model and synthesis of this response at once."""

    response_id: str


@dataclass(frozen=True, slots=True)
class Listen:
    """Whether speech probabilities are wanted; told at the start and at each change."""

    active: bool
    fmt: AudioFormat
    position_ms: int


@dataclass(frozen=True, slots=True)
class EndSession:
    """The session is over; close the connection after the events that are still to be sent."""

    reason: str


@dataclass(frozen=True, slots=True)
class ListMcpTools:
    """Ask an MCP server for its tools, and report them or why there are none.

    Attributes:
        item_id: to report under.
        server: where it is, with its secrets; a server of this label that is elsewhere is left.
    """

    item_id: str
    server: McpTool = field(repr=False)


@dataclass(frozen=True, slots=True)
class CallMcpTool:
    """Call a tool of an MCP server, and report its output or failure.

    Attributes:
        item_id: to report under.
        server: where it is, with its secrets.
        name: of the tool, as the server calls it.
        arguments: for it.
    """

    item_id: str
    server: McpTool = field(repr=False)
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CancelMcpCall:
    """Nobody waits for this call any more."""

    item_id: str


@dataclass(frozen=True, slots=True)
class LeaveMcpServer:
    """The session does not use this MCP server any more; calls that are under way may end."""

    server_label: str


Effect = (
    BeginUtterance
    | FeedUtterance
    | EndUtterance
    | TranscribeItem
    | DropUtterance
    | JudgePause
    | ReduceNoise
    | StartResponse
    | CancelResponse
    | Listen
    | ListMcpTools
    | CallMcpTool
    | CancelMcpCall
    | LeaveMcpServer
    | EndSession
)
