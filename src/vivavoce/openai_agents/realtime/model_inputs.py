"""What is sent to a model, in the spelling of `agents.realtime.model_inputs`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from vivavoce.openai_agents.realtime.model_events import RealtimeModelToolCallEvent
from vivavoce.session.config import (
    RealtimeClientMessage,
    RealtimeSessionModelSettings,
    RealtimeUserInput,
    RealtimeUserInputImage,
    RealtimeUserInputMessage,
    RealtimeUserInputText,
)

RealtimeModelRawClientMessage: TypeAlias = RealtimeClientMessage
RealtimeModelInputTextContent: TypeAlias = RealtimeUserInputText
RealtimeModelInputImageContent: TypeAlias = RealtimeUserInputImage
RealtimeModelUserInputMessage: TypeAlias = RealtimeUserInputMessage
RealtimeModelUserInput: TypeAlias = RealtimeUserInput


@dataclass
class RealtimeModelSendRawMessage:
    """Send an event of the Realtime API as it stands.

    Attributes:
        message: ``{"type": …, "other_data": {…}}``, the latter with every other field.
    """

    message: RealtimeModelRawClientMessage


@dataclass
class RealtimeModelSendUserInput:
    """Say something in writing as the user, and have it answered."""

    user_input: RealtimeModelUserInput


@dataclass
class RealtimeModelSendAudio:
    """Send speech of the user; `commit` ends the user's turn."""

    audio: bytes
    commit: bool = False


@dataclass
class RealtimeModelSendToolOutput:
    """Send the output of a function; `start_response` asks for an answer."""

    tool_call: RealtimeModelToolCallEvent
    output: str
    start_response: bool


@dataclass
class RealtimeModelSendInterrupt:
    """Stop the agent.

    Attributes:
        force_response_cancel: has no meaning here: an interruption always cancels.
        response_id: has no meaning here: the answer that is running is meant.
        cancel_response_only: what has arrived is still played.
        playback_only: has no meaning here: the answer is stopped as well.
    """

    force_response_cancel: bool = False
    response_id: str | None = None
    cancel_response_only: bool = False
    playback_only: bool = False


@dataclass
class RealtimeModelSendSessionUpdate:
    """Change settings of the session; those left out stay as they are."""

    session_settings: RealtimeSessionModelSettings


RealtimeModelSendEvent: TypeAlias = (
    RealtimeModelSendRawMessage
    | RealtimeModelSendUserInput
    | RealtimeModelSendAudio
    | RealtimeModelSendToolOutput
    | RealtimeModelSendInterrupt
    | RealtimeModelSendSessionUpdate
)
