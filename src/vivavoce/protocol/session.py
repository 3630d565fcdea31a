"""The session: what a client configures and what the server reports back.

One struct serves both directions. In `session.update` every field but ``type`` may be absent and only fields
that are present change; in `session.created` and `session.updated` the server fills them all.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

from vivavoce.protocol.base import (
    NOT_FROM_GA_CLIENTS,
    UNSET,
    Tagged,
    UnsetType,
    Wire,
    at_least,
    at_most,
    between,
)
from vivavoce.protocol.formats import AudioFormat
from vivavoce.protocol.tools import Tool, ToolChoice

__all__ = [
    "AudioInput",
    "AudioOutput",
    "CustomVoice",
    "Eagerness",
    "Effort",
    "Include",
    "Instructions",
    "MaxOutputTokens",
    "Modality",
    "NoiseReduction",
    "Prompt",
    "RealtimeSession",
    "Reasoning",
    "RetentionRatio",
    "SemanticVad",
    "ServerVad",
    "Session",
    "SessionAudio",
    "Temperature",
    "TokenLimits",
    "TracingConfig",
    "Transcription",
    "TranscriptionSession",
    "TranscriptionSessionAudio",
    "Truncation",
    "TurnDetection",
    "Voice",
]

Modality: TypeAlias = Literal["text", "audio"]
Effort: TypeAlias = Literal["minimal", "low", "medium", "high", "xhigh"]
Eagerness: TypeAlias = Literal["low", "medium", "high", "auto"]
Include: TypeAlias = Literal["item.input_audio_transcription.logprobs"]
Temperature: TypeAlias = Annotated[float, NOT_FROM_GA_CLIENTS]
MaxOutputTokens: TypeAlias = Annotated[int, between(1, 4096)] | Literal["inf"]
Instructions: TypeAlias = Annotated[str, at_most(256 * 1024)]
"""Words for the model. The bound is our server's: every response reads them."""
Milliseconds: TypeAlias = Annotated[int, at_least(0)]


class ServerVad(Tagged, frozen=True, kw_only=True, tag="server_vad"):
    """Turns end after a silence.

    Attributes:
        threshold: how sure the detector must be of speech, 0 to 1.
        prefix_padding_ms: audio kept from before the speech.
        silence_duration_ms: silence that ends a turn.
        idle_timeout_ms: silence after which the model speaks unasked, 5000 to 30000; ``None`` is never.
        create_response: answer at the end of a turn.
        interrupt_response: the user's speech cancels the running response.
    """

    threshold: Annotated[float, between(0, 1)] | UnsetType = UNSET
    prefix_padding_ms: Milliseconds | UnsetType = UNSET
    silence_duration_ms: Milliseconds | UnsetType = UNSET
    idle_timeout_ms: Annotated[int, between(5000, 30000)] | UnsetType | None = UNSET
    create_response: bool | UnsetType = UNSET
    interrupt_response: bool | UnsetType = UNSET


class SemanticVad(Tagged, frozen=True, kw_only=True, tag="semantic_vad"):
    """Turns end when the words sound finished.

    Attributes:
        eagerness: how soon; ``auto`` means ``medium``.
        create_response: answer at the end of a turn.
        interrupt_response: the user's speech cancels the running response.
    """

    eagerness: Eagerness | UnsetType = UNSET
    create_response: bool | UnsetType = UNSET
    interrupt_response: bool | UnsetType = UNSET


TurnDetection: TypeAlias = ServerVad | SemanticVad


class NoiseReduction(Wire, frozen=True, kw_only=True):
    """Filter on the input, before voice activity detection and the model.

    Attributes:
        strength: of the filter; the server starts with 1 and keeps it where it is left out.
    """

    type: Literal["near_field", "far_field"] | UnsetType = UNSET
    strength: float | UnsetType = UNSET


class Transcription(Wire, frozen=True, kw_only=True):
    """Speech recognition of the input, beside the model.

    Attributes:
        language: ISO 639-1 code, for example ``"en"``.
        prompt: key words or a hint in prose, as the model wants it.
        delay: trades latency for accuracy, for streaming models.
    """

    model: str | UnsetType = UNSET
    language: str | UnsetType | None = UNSET
    prompt: str | UnsetType | None = UNSET
    languages: Sequence[str] | UnsetType | None = UNSET
    keywords: Sequence[str] | UnsetType | None = UNSET
    delay: Effort | UnsetType = UNSET


class AudioInput(Wire, frozen=True, kw_only=True):
    """How the server listens. ``None`` turns the three optional stages off."""

    format: AudioFormat | UnsetType = UNSET
    transcription: Transcription | UnsetType | None = UNSET
    noise_reduction: NoiseReduction | UnsetType | None = UNSET
    turn_detection: TurnDetection | UnsetType | None = UNSET


class CustomVoice(Wire, frozen=True, kw_only=True):
    """A voice of one's own, by its id."""

    id: str


Voice: TypeAlias = str | CustomVoice


class AudioOutput(Wire, frozen=True, kw_only=True):
    """How the server speaks.

    Attributes:
        speed: 0.25 to 1.5 times the natural speed.
    """

    format: AudioFormat | UnsetType = UNSET
    voice: Voice | UnsetType = UNSET
    speed: Annotated[float, between(0.25, 1.5)] | UnsetType = UNSET


class SessionAudio(Wire, frozen=True, kw_only=True):
    """Both directions of a session's audio."""

    input: AudioInput | UnsetType = UNSET
    output: AudioOutput | UnsetType = UNSET


class TokenLimits(Wire, frozen=True, kw_only=True):
    """Caps on the model's context, in tokens."""

    post_instructions: Annotated[int, at_least(0)] | UnsetType = UNSET


class RetentionRatio(Tagged, frozen=True, kw_only=True, tag="retention_ratio"):
    """When the context overflows, keep this share of it, 0 to 1."""

    retention_ratio: Annotated[float, between(0, 1)]
    token_limits: TokenLimits | UnsetType = UNSET


Truncation: TypeAlias = Literal["auto", "disabled"] | RetentionRatio


class Prompt(Wire, frozen=True, kw_only=True):
    """A stored prompt and the values of its variables."""

    id: str
    version: str | UnsetType | None = UNSET
    variables: Mapping[str, Any] | UnsetType | None = UNSET


class Reasoning(Wire, frozen=True, kw_only=True):
    """How hard a reasoning model thinks."""

    effort: Effort | UnsetType = UNSET


class TracingConfig(Wire, frozen=True, kw_only=True):
    """Labels of the session's trace."""

    workflow_name: str | UnsetType = UNSET
    group_id: str | UnsetType = UNSET
    metadata: Mapping[str, Any] | UnsetType = UNSET


class RealtimeSession(Tagged, frozen=True, kw_only=True, tag="realtime"):
    """A session in which a model answers.

    Attributes:
        temperature: how freely the model chooses its words; only the beta dialect sets it.
        expires_at: when the server will end it, seconds since 1970.
    """

    object: Literal["realtime.session"] | UnsetType = UNSET
    id: str | UnsetType = UNSET
    model: str | UnsetType = UNSET
    output_modalities: Sequence[Modality] | UnsetType = UNSET
    instructions: Instructions | UnsetType = UNSET
    tools: Sequence[Tool] | UnsetType = UNSET
    tool_choice: ToolChoice | UnsetType = UNSET
    parallel_tool_calls: bool | UnsetType = UNSET
    max_output_tokens: MaxOutputTokens | UnsetType = UNSET
    temperature: Temperature | UnsetType | None = UNSET
    reasoning: Reasoning | UnsetType | None = UNSET
    tracing: Literal["auto"] | TracingConfig | UnsetType | None = UNSET
    truncation: Truncation | UnsetType = UNSET
    prompt: Prompt | UnsetType | None = UNSET
    expires_at: int | UnsetType = UNSET
    audio: SessionAudio | UnsetType = UNSET
    include: Sequence[Include] | UnsetType | None = UNSET


class TranscriptionSessionAudio(Wire, frozen=True, kw_only=True):
    """The only direction of a transcription session."""

    input: AudioInput | UnsetType = UNSET


class TranscriptionSession(Tagged, frozen=True, kw_only=True, tag="transcription"):
    """A session that only writes down what it hears.

    Attributes:
        expires_at: when the server will end it, seconds since 1970.
    """

    object: Literal["realtime.transcription_session"] | UnsetType = UNSET
    id: str | UnsetType = UNSET
    expires_at: int | UnsetType = UNSET
    audio: TranscriptionSessionAudio | UnsetType = UNSET
    include: Sequence[Include] | UnsetType | None = UNSET


Session: TypeAlias = RealtimeSession | TranscriptionSession
