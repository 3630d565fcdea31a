"""What the conversation asks of the world: whoever drives it carries these out, in order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vivavoce.protocol import AudioFormat, FunctionTool, Item, NoiseReduction, ToolChoice


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
    | EndSession
)
