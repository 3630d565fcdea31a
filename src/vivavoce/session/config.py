"""What a user may write into a runner's configuration. `settings` checks and translates it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from vivavoce.agents import FunctionTool


class RealtimeInputAudioTranscriptionConfig(TypedDict, total=False):
    """How the user's speech is written down: the `audio.input.transcription` of the Realtime API."""

    model: str
    language: str | None
    prompt: str | None
    languages: Sequence[str]
    keywords: Sequence[str]
    delay: str


class RealtimeTurnDetectionConfig(TypedDict, total=False):
    """When the user's turn ends: the `audio.input.turn_detection` of the Realtime API."""

    type: Literal["semantic_vad", "server_vad"]
    create_response: bool
    interrupt_response: bool
    eagerness: Literal["auto", "low", "medium", "high"]
    threshold: float
    prefix_padding_ms: int
    silence_duration_ms: int
    idle_timeout_ms: int | None


class RealtimeSessionModelSettings(TypedDict, total=False):
    """Settings of the model's session, flat as in the beta or nested (`audio`) as in the API of today.

    Where both say the same thing the nested form wins. What is left out keeps the server's default.

    Attributes:
        model_name: which model, named when the connection is made.
        instructions: system prompt, where the agent has none.
        modalities: ``["audio"]`` or ``["text"]``; the beta's ``["text", "audio"]`` means audio.
        output_modalities: the same, by its name of today.
        voice: voice of the agent, where the agent names none.
        speed: 0.25 to 1.5.
        input_audio_format: ``pcm16``, ``g711_ulaw``, ``g711_alaw``, a MIME name or a format object.
        output_audio_format: the same, for the other direction.
        input_audio_transcription: transcription of the user, or ``None`` for none.
        input_audio_noise_reduction: ``{"type": "near_field" | "far_field"}``, or ``None`` for none.
        turn_detection: when a turn ends, or ``None`` when the application says so itself.
        tool_choice: ``auto``, ``none``, ``required`` or the tool that must be called.
        tools: tools, where the agent has none.
        parallel_tool_calls: whether the model may call several tools in one answer.
        max_output_tokens: 1 to 4096 or ``"inf"``.
        max_response_output_tokens: the same, by its name in the beta.
        reasoning: ``{"effort": …}``, of models that reason.
        prompt: a stored prompt by its ``id``, with ``version`` and ``variables``.
        truncation: what the model forgets first: ``auto``, ``disabled`` or a retention ratio.
        tracing: ``auto``, or names for the trace; ``None`` for none.
        include: more that the server should tell, such as
            ``item.input_audio_transcription.logprobs``.
        audio: the nested form.
    """

    model_name: str
    instructions: str
    modalities: Sequence[Literal["text", "audio"]]
    output_modalities: Sequence[Literal["text", "audio"]]
    voice: str | Mapping[str, str]
    speed: float
    input_audio_format: str | Mapping[str, Any]
    output_audio_format: str | Mapping[str, Any]
    input_audio_transcription: RealtimeInputAudioTranscriptionConfig | None
    input_audio_noise_reduction: Mapping[str, Any] | None
    turn_detection: RealtimeTurnDetectionConfig | None
    tool_choice: str | Mapping[str, Any]
    tools: Sequence[FunctionTool]
    parallel_tool_calls: bool
    max_output_tokens: int | Literal["inf"]
    max_response_output_tokens: int | Literal["inf"]
    reasoning: Mapping[str, Any] | None
    prompt: Mapping[str, Any] | None
    truncation: str | Mapping[str, Any]
    tracing: str | Mapping[str, Any] | None
    include: Sequence[str] | None
    audio: Mapping[str, Any]


class RealtimeRunConfig(TypedDict, total=False):
    """Configuration of a runner's sessions.

    Attributes:
        model_settings: settings of the model's session.
    """

    model_settings: RealtimeSessionModelSettings
