"""What a user may write into a runner's configuration. `settings` checks and translates it.

Every key is also accepted in camelCase.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

if TYPE_CHECKING:
    from typing import Required

    from vivavoce.agents import RealtimeAgent
    from vivavoce.agents.guardrails import InputGuardrail, OutputGuardrail
    from vivavoce.agents.handoff import Handoff
    from vivavoce.agents.hooks import RealtimeRunHooks
    from vivavoce.agents.tool import Tool
    from vivavoce.observe import SessionObserver
    from vivavoce.protocol import Item

RealtimeModelName: TypeAlias = str
"""Name of a realtime model, for example ``"gpt-realtime"``; on Azure, of a deployment."""
RealtimeAudioFormat: TypeAlias = str | Mapping[str, Any]
"""``pcm16``, ``g711_ulaw``, ``g711_alaw``, a MIME name such as ``audio/pcmu``, or a format object."""
RealtimeVoice: TypeAlias = str | Mapping[str, str]
"""Name of a voice, or ``{"id": …}`` for a voice of one's own."""


class RealtimeInputAudioTranscriptionConfig(TypedDict, total=False):
    """How the user's speech is written down: the `audio.input.transcription` of the Realtime API.

    Attributes:
        model: which model writes it down; on Azure, the name of its deployment.
        language: ISO 639-1 code, for example ``"en"``.
        prompt: key words, or a hint in prose, as the model wants it.
        languages: languages that are to be expected.
        keywords: terms that may well be said.
        delay: trades latency for accuracy, for streaming models.
    """

    model: str
    language: str | None
    prompt: str | None
    languages: Sequence[str]
    keywords: Sequence[str]
    delay: Literal["minimal", "low", "medium", "high", "xhigh"]


class RealtimeTurnDetectionConfig(TypedDict, total=False):
    """When the user's turn ends: the `audio.input.turn_detection` of the Realtime API.

    A key that the API does not know goes to the server as it is, for servers of other vendors; one that
    looks like a known key with a typing error is refused.

    Attributes:
        type: how turns end; the other keys say it where it is left out.
        create_response: answer at the end of a turn.
        interrupt_response: the user's speech cancels the running answer.
        eagerness: `semantic_vad`: how soon.
        threshold: `server_vad`: how sure the detector must be of speech, 0 to 1.
        prefix_padding_ms: `server_vad`: audio kept from before the speech.
        silence_duration_ms: `server_vad`: silence that ends a turn.
        idle_timeout_ms: `server_vad`: silence after which the agent speaks unasked, 5000 to 30000.
        model_version: a vendor's name of its detector.
    """

    type: Literal["semantic_vad", "server_vad"]
    create_response: bool
    interrupt_response: bool
    eagerness: Literal["auto", "low", "medium", "high"]
    threshold: float
    prefix_padding_ms: int
    silence_duration_ms: int
    idle_timeout_ms: int | None
    model_version: str


class RealtimeInputAudioNoiseReductionConfig(TypedDict, total=False):
    """Filter on the input.

    Attributes:
        type: where the microphone is.
        strength: of the filter.
    """

    type: Literal["near_field", "far_field"]
    strength: float


class RealtimeAudioInputConfig(TypedDict, total=False):
    """How the server listens, nested form. ``None`` turns a stage off."""

    format: RealtimeAudioFormat
    noise_reduction: RealtimeInputAudioNoiseReductionConfig | None
    transcription: RealtimeInputAudioTranscriptionConfig | None
    turn_detection: RealtimeTurnDetectionConfig | None


class RealtimeAudioOutputConfig(TypedDict, total=False):
    """How the server speaks, nested form."""

    format: RealtimeAudioFormat
    voice: RealtimeVoice
    speed: float


class RealtimeAudioConfig(TypedDict, total=False):
    """Both directions of the audio, nested form."""

    input: RealtimeAudioInputConfig
    output: RealtimeAudioOutputConfig


class RealtimeModelTracingConfig(TypedDict, total=False):
    """Labels of the server's trace.

    Attributes:
        workflow_name: what kind of conversation this is.
        group_id: links the traces that belong together.
        metadata: anything else.
    """

    workflow_name: str
    group_id: str
    metadata: Mapping[str, Any]


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
        tools: tools of agents that have none.
        handoffs: agents and handoffs, for agents that have none.
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
        provider_data: merged last into the session as it is sent, unchecked, for what only some server
            knows. The model on this machine takes nothing that the Realtime API does not know.
    """

    model_name: RealtimeModelName
    instructions: str
    modalities: Sequence[Literal["text", "audio"]]
    output_modalities: Sequence[Literal["text", "audio"]]
    voice: RealtimeVoice
    speed: float
    input_audio_format: RealtimeAudioFormat
    output_audio_format: RealtimeAudioFormat
    input_audio_transcription: RealtimeInputAudioTranscriptionConfig | None
    input_audio_noise_reduction: RealtimeInputAudioNoiseReductionConfig | None
    turn_detection: RealtimeTurnDetectionConfig | None
    tool_choice: str | Mapping[str, Any]
    tools: Sequence[Tool]
    handoffs: Sequence[RealtimeAgent[Any] | Handoff[Any]]
    parallel_tool_calls: bool
    max_output_tokens: int | Literal["inf"]
    max_response_output_tokens: int | Literal["inf"]
    reasoning: Mapping[str, Any] | None
    prompt: Mapping[str, Any] | None
    truncation: str | Mapping[str, Any]
    tracing: Literal["auto"] | RealtimeModelTracingConfig | None
    include: Sequence[str] | None
    audio: RealtimeAudioConfig
    provider_data: Mapping[str, Any]


class RealtimeGuardrailsSettings(TypedDict, total=False):
    """How output guardrails run.

    Attributes:
        debounce_text_length: characters of an answer between two checks, 100 unless set; -1 checks only at
            its end, which is always checked.
        timeout_s: seconds one guardrail may take, 5 unless set.
        on_failure: what a guardrail that raises or takes too long counts as: ``"skip"`` (the default)
            reports an error and goes on, ``"trip"`` stops the answer.
        hold_back: release audio only when the text that it speaks has passed.
        message: what the model is told of a trip: a text, or a function of the guardrails' results.
    """

    debounce_text_length: int
    timeout_s: float
    on_failure: Literal["skip", "trip"]
    hold_back: bool
    message: str | Callable[[Sequence[Any]], str] | None


class RealtimeInputGuardrailsSettings(TypedDict, total=False):
    """How input guardrails run.

    Attributes:
        timeout_s: seconds one guardrail may take, 5 unless set.
        on_failure: as for output guardrails.
        transcript_timeout_s: seconds the transcript may take, 10 unless set; then the turn is answered
            unchecked and an error is reported.
        delete_item: take what tripped out of the conversation.
        respond: have the agent decline (the default); otherwise it stays silent.
        message: as for output guardrails.
    """

    timeout_s: float
    on_failure: Literal["skip", "trip"]
    transcript_timeout_s: float
    delete_item: bool
    respond: bool
    message: str | Callable[[Sequence[Any]], str] | None


class RealtimeToolExecutionConfig(TypedDict, total=False):
    """How tools run.

    Attributes:
        pre_approval_tool_input_guardrails: run a tool's input guardrails before its call is put up for
            approval, and again before it runs.
        approval_timeout_s: seconds a call may wait for approval where its tool does not say; ``None``, the
            default, is as long as the session.
        timeout_s: seconds a call may take where its tool does not say, 300 unless set.
    """

    pre_approval_tool_input_guardrails: bool
    approval_timeout_s: float | None
    timeout_s: float


class RealtimeReconnectConfig(TypedDict, total=False):
    """What happens when the connection drops.

    Attributes:
        enabled: connect again, with the conversation so far; the default.
        attempts: tries before the session gives up, 8 unless set.
        first_delay_s: seconds before the first try, at most, 0.5 unless set; each further try waits twice as
            long.
        longest_delay_s: seconds of the longest wait, 8 unless set.
    """

    enabled: bool
    attempts: int
    first_delay_s: float
    longest_delay_s: float


class RealtimeRunConfig(TypedDict, total=False):
    """Configuration of a runner's sessions.

    Attributes:
        model_settings: settings of the model's session. The connection's `initial_model_settings` go before
            them, and the agent's own instructions, tools, handoffs, prompt and voice before both. What the
            agent leaves empty is taken from here, also after a handoff.
        output_guardrails: checks of what any agent says, beside the agents' own.
        guardrails_settings: how they run.
        input_guardrails: checks of what the user says, beside the agents' own.
        input_guardrails_settings: how they run.
        async_tool_calls: run the calls of one response side by side; the default.
        tool_execution: how tools run.
        tool_error_formatter: writes what the model is told of a call that was not approved.
        tracing_disabled: trace nothing, here and at the server.
        workflow_name: label of the trace.
        group_id: label of the trace.
        trace_metadata: label of the trace.
        reconnect: ``True``, ``False`` or how.
        hooks: called as the agents work.
        observers: see every event.
        history: items that the conversation starts with, structs or in their JSON form.
    """

    model_settings: RealtimeSessionModelSettings
    output_guardrails: Sequence[OutputGuardrail[Any]]
    guardrails_settings: RealtimeGuardrailsSettings
    input_guardrails: Sequence[InputGuardrail[Any]]
    input_guardrails_settings: RealtimeInputGuardrailsSettings
    async_tool_calls: bool
    tool_execution: RealtimeToolExecutionConfig
    tool_error_formatter: Callable[[Any], Any]
    tracing_disabled: bool
    workflow_name: str
    group_id: str
    trace_metadata: Mapping[str, Any]
    reconnect: bool | RealtimeReconnectConfig
    hooks: RealtimeRunHooks[Any]
    observers: Sequence[SessionObserver]
    history: Sequence[Item | Mapping[str, Any]]


class RealtimeUserInputText(TypedDict):
    """A text of the user.

    Attributes:
        type: ``"input_text"``.
        text: what was written.
    """

    type: Literal["input_text"]
    text: str


class RealtimeUserInputImage(TypedDict, total=False):
    """An image of the user.

    Attributes:
        type: ``"input_image"``.
        image_url: a ``data:`` URL.
        detail: how closely the model looks.
    """

    type: Required[Literal["input_image"]]
    image_url: Required[str]
    detail: Literal["auto", "low", "high"]


class RealtimeUserInputMessage(TypedDict):
    """A message of the user.

    Attributes:
        type: ``"message"``.
        role: ``"user"``.
        content: its parts.
    """

    type: Literal["message"]
    role: Literal["user"]
    content: Sequence[RealtimeUserInputText | RealtimeUserInputImage]


RealtimeUserInput: TypeAlias = str | RealtimeUserInputMessage
"""What a user may say in writing: a text or a message."""


class RealtimeClientMessage(TypedDict, total=False):
    """An event for the model, as it stands.

    Attributes:
        type: its wire name.
        other_data: merged into it.
    """

    type: Required[str]
    other_data: Mapping[str, Any]
