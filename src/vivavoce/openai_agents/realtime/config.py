"""The typed dictionaries of `agents.realtime.config`."""

from __future__ import annotations

from typing import TypeAlias, TypedDict

from vivavoce.session.config import (
    RealtimeAudioConfig,
    RealtimeAudioFormat,
    RealtimeAudioInputConfig,
    RealtimeAudioOutputConfig,
    RealtimeClientMessage,
    RealtimeGuardrailsSettings,
    RealtimeInputAudioNoiseReductionConfig,
    RealtimeInputAudioTranscriptionConfig,
    RealtimeModelName,
    RealtimeModelTracingConfig,
    RealtimeRunConfig,
    RealtimeSessionModelSettings,
    RealtimeToolExecutionConfig,
    RealtimeTurnDetectionConfig,
    RealtimeUserInput,
    RealtimeUserInputImage,
    RealtimeUserInputMessage,
    RealtimeUserInputText,
    RealtimeVoice,
)

RealtimeReasoningEffort: TypeAlias = str
"""How hard a model thinks: ``minimal``, ``low``, ``medium``, ``high`` or ``xhigh``."""


class RealtimeReasoningConfig(TypedDict, total=False):
    """How a model thinks, of those that reason.

    Attributes:
        effort: how hard.
    """

    effort: RealtimeReasoningEffort


__all__ = [
    "RealtimeAudioConfig",
    "RealtimeAudioFormat",
    "RealtimeAudioInputConfig",
    "RealtimeAudioOutputConfig",
    "RealtimeClientMessage",
    "RealtimeGuardrailsSettings",
    "RealtimeInputAudioNoiseReductionConfig",
    "RealtimeInputAudioTranscriptionConfig",
    "RealtimeModelName",
    "RealtimeModelTracingConfig",
    "RealtimeReasoningConfig",
    "RealtimeReasoningEffort",
    "RealtimeRunConfig",
    "RealtimeSessionModelSettings",
    "RealtimeToolExecutionConfig",
    "RealtimeTurnDetectionConfig",
    "RealtimeUserInput",
    "RealtimeUserInputImage",
    "RealtimeUserInputMessage",
    "RealtimeUserInputText",
    "RealtimeVoice",
]
