"""The session's settings: its defaults, and what a `session.update` may change.

"The server will respond with a session.updated event showing the full, effective configuration. Only the
fields that are present in the session.update are updated." (Realtime API reference, session.update)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from vivavoce.conversation.options import SessionOptions
from vivavoce.conversation.prompts import prompted
from vivavoce.conversation.refusal import refuse, voice_is_locked
from vivavoce.conversation.tool_settings import check_tool_choice, check_tools
from vivavoce.conversation.wishes import (
    check_include,
    check_input,
    check_reasoning,
    check_voice,
    name_of,
    temperature_of,
)
from vivavoce.protocol import (
    UNSET,
    AudioInput,
    AudioOutput,
    Modality,
    NoiseReduction,
    PcmFormat,
    Prompt,
    RealtimeSession,
    SemanticVad,
    ServerVad,
    SessionAudio,
    ToolChoiceFunction,
    Transcription,
    TranscriptionSession,
    TranscriptionSessionAudio,
    UnsetType,
    present,
    replace,
)
from vivavoce.protocol.base import Wire

Session = RealtimeSession | TranscriptionSession
S = TypeVar("S", bound=Wire)

DEFAULT_SERVER_VAD = ServerVad(
    threshold=0.5,
    prefix_padding_ms=300,
    silence_duration_ms=500,
    idle_timeout_ms=None,
    create_response=True,
    interrupt_response=True,
)
DEFAULT_SEMANTIC_VAD = SemanticVad(eagerness="auto", create_response=True, interrupt_response=True)
DEFAULT_TRANSCRIPTION = Transcription(language=None, prompt=None)


_DEFAULTS: dict[type[Wire], Any] = {
    ServerVad: DEFAULT_SERVER_VAD,
    SemanticVad: DEFAULT_SEMANTIC_VAD,
    Transcription: DEFAULT_TRANSCRIPTION,
    NoiseReduction: NoiseReduction(strength=1.0),
}
"""What a setting starts from when it was off, or of another kind, before."""

_MERGED = (
    SessionAudio,
    TranscriptionSessionAudio,
    AudioInput,
    AudioOutput,
    ServerVad,
    SemanticVad,
    NoiseReduction,
    Transcription,
)


def initial_session(session_id: str, options: SessionOptions) -> Session:
    """Return the session as `session.created` shows it."""
    expires_at = options.created_at + int(options.max_session_s)
    audio_input = AudioInput(
        format=PcmFormat(rate=24000),
        transcription=None,
        noise_reduction=None,
        turn_detection=DEFAULT_SERVER_VAD,
    )
    if options.transcription_only:
        return TranscriptionSession(
            id=session_id,
            object="realtime.transcription_session",
            expires_at=expires_at,
            audio=TranscriptionSessionAudio(input=audio_input),
            include=None,
        )
    return RealtimeSession(
        id=session_id,
        object="realtime.session",
        model=options.model,
        output_modalities=["audio"],
        instructions=options.instructions,
        tools=[],
        tool_choice="auto",
        max_output_tokens="inf",
        tracing=None,
        truncation="auto",
        prompt=None,
        expires_at=expires_at,
        audio=SessionAudio(
            input=audio_input,
            output=AudioOutput(format=PcmFormat(rate=24000), voice=options.voice, speed=1.0),
        ),
        include=None,
    )


def merge(base: S, patch: S) -> S:
    """Return `base` with every field that is present in `patch`, deep through the audio settings."""
    changes: dict[str, Any] = {}
    for name in type(patch).__struct_fields__:
        new = getattr(patch, name)
        if new is UNSET:
            continue
        old = getattr(base, name)
        if isinstance(new, _MERGED):
            new = merge(old if type(old) is type(new) else _DEFAULTS[type(new)], new)
        changes[name] = new
    return replace(base, **changes)


class Settings:
    """The effective settings of one session.

    Args:
        session: the session as created.
        options: what the operator decided.
    """

    def __init__(self, session: Session, options: SessionOptions) -> None:
        self.session = session
        self.options = options
        self._own_words: str | None = None  # the client's instructions; "" leaves room for a stored prompt's

    @property
    def input(self) -> AudioInput:
        """The effective `session.audio.input`."""
        audio = self.session.audio
        assert isinstance(audio, SessionAudio | TranscriptionSessionAudio)
        assert isinstance(audio.input, AudioInput)
        return audio.input

    @property
    def turn_detection(self) -> ServerVad | SemanticVad | None:
        """The effective turn detection; `None` for push-to-talk."""
        detection = self.input.turn_detection
        assert not isinstance(detection, UnsetType)
        return detection

    @property
    def transcription(self) -> Transcription | None:
        """The effective `session.audio.input.transcription`."""
        transcription = self.input.transcription
        assert not isinstance(transcription, UnsetType)
        return transcription

    def update(self, patch: Session, *, voice_locked: bool, responding: bool) -> None:
        """Apply a `session.update`, whole or not at all.

        Args:
            patch: the client's session; absent fields stay as they are.
            voice_locked: whether the conversation holds assistant audio.
            responding: whether a response is in progress.

        Raises:
            RemoteProtocolError: something cannot be changed or is not offered; nothing was changed.
        """
        if type(patch) is not type(self.session):
            raise refuse(
                f"The session's type cannot be changed; it is '{self.session.type}'.", "session.type"
            )
        merged = merge(self.session, self._yielding(patch, voice_locked=voice_locked))
        check_input(Settings(merged, self.options).input, self.options)
        check_include(merged.include, self.options)
        own_words = self._own_words
        if isinstance(merged, RealtimeSession):
            assert isinstance(self.session, RealtimeSession)
            own_words = present(merged.instructions, None) if _says(patch, "instructions") else own_words
            merged = self._checked(self.session, merged, voice_locked=voice_locked, responding=responding)
            merged = replace(merged, instructions=self._instructions(merged.prompt, own_words))
        self._own_words = own_words
        self.session = replace(
            merged,
            id=self.session.id,
            object=self.session.object,
            expires_at=self.session.expires_at,
        )

    def _yielding(self, patch: Session, *, voice_locked: bool) -> Session:
        """Return an update without what it would be refused for and hardly means.

        Agents SDKs send the whole session again at a handoff, the new agent's voice and tools with it.
        Refused for a voice that is locked, the new agent would have neither its instructions nor its tools;
        so it keeps the voice, and `session.updated` shows that. Nor can a function stay chosen that an update
        removes.
        """
        if not isinstance(patch, RealtimeSession):
            return patch
        if voice_locked and (_says(patch, "instructions") or _says(patch, "tools")):
            patch = without_voice(patch)
        assert isinstance(self.session, RealtimeSession)
        chosen = self.session.tool_choice
        if _says(patch, "tool_choice") or not isinstance(chosen, ToolChoiceFunction):
            return patch
        names = [getattr(tool, "name", None) for tool in present(patch.tools, (chosen,))]
        return patch if chosen.name in names else replace(patch, tool_choice="auto")

    def _checked(
        self, current: RealtimeSession, merged: RealtimeSession, *, voice_locked: bool, responding: bool
    ) -> RealtimeSession:
        # Stock clients name a default of their own once, whichever model they have connected to.
        if current.model not in {merged.model, self.options.model}:
            raise refuse("The model cannot be changed after the session has been created.", "session.model")
        before, after = self.output_of(current), self.output_of(merged)
        if name_of(after.voice) != name_of(before.voice):
            if voice_locked:
                raise voice_is_locked()
            check_voice(after.voice, self.options, "session.audio.output.voice")
        if after.speed != before.speed and responding:
            raise refuse(
                "The speed can only be changed between turns, not while a response is in progress.",
                "session.audio.output.speed",
            )
        if current.tracing is not None and merged.tracing != current.tracing:
            raise refuse("Tracing cannot be changed once it is enabled.", "session.tracing")
        check_reasoning(merged.reasoning, self.options, "session.reasoning")
        check_tools(present(merged.tools, ()), "session.tools")
        check_tool_choice(
            present(merged.tool_choice, "auto"), present(merged.tools, ()), "session.tool_choice"
        )
        modality = modality_of(present(merged.output_modalities, ()))
        temperature = temperature_of(merged.temperature, UNSET, self.options)
        return replace(
            merged,
            output_modalities=[modality],
            temperature=UNSET if temperature is None else temperature,  # the model may have none
        )

    def _instructions(self, prompt: Prompt | UnsetType | None, own_words: str | None) -> str:
        """Return the client's own instructions, or its stored prompt's, or the operator's."""
        stored = None
        if isinstance(prompt, Prompt):
            stored = prompted(prompt, self.options.stored_prompt, "session.prompt")
        return next(
            words
            for words in (own_words or stored, own_words, self.options.instructions)
            if words is not None
        )

    @staticmethod
    def output_of(session: RealtimeSession) -> AudioOutput:
        """Return the effective `session.audio.output`."""
        assert isinstance(session.audio, SessionAudio)
        assert isinstance(session.audio.output, AudioOutput)
        return session.audio.output


def without_voice(session: RealtimeSession) -> RealtimeSession:
    """Return the settings without a word about the voice."""
    if not isinstance(session.audio, SessionAudio) or not isinstance(session.audio.output, AudioOutput):
        return session
    output = replace(session.audio.output, voice=UNSET)
    return replace(session, audio=replace(session.audio, output=output))


def _says(patch: Session, name: str) -> bool:
    return not isinstance(getattr(patch, name), UnsetType)


def modality_of(modalities: Sequence[Modality]) -> Modality:
    """Return the one modality that is meant: audio includes a transcript, so both together mean audio."""
    return "audio" if "audio" in modalities or not modalities else "text"
