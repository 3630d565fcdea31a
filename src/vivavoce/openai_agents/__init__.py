"""Programs written for `openai-agents` (the Agents SDK for Python) run from here by changing their imports.

`agents` becomes `vivavoce.openai_agents`, also in its modules `realtime` and those in it, `agent`,
`decorators`, `exceptions`, `extensions.handoff_prompt`, `mcp`, `tool_context` and `usage`. Sessions tell
exactly the events of that SDK, with items in its spelling; all else is `vivavoce` itself. What may not
live here: abilities of its own.
Who may import it: users and tests.
"""

from __future__ import annotations

import importlib
from typing import Any

from vivavoce.openai_agents.absent import absent

_NAMES: dict[str, tuple[str, ...]] = {
    "vivavoce.agents": (
        "AgentHooks",
        "FunctionTool",
        "GuardrailFunctionOutput",
        "Handoff",
        "HostedMCPTool",
        "InputGuardrail",
        "InputGuardrailResult",
        "OutputGuardrail",
        "OutputGuardrailResult",
        "Prompt",
        "RunContextWrapper",
        "RunHooks",
        "Tool",
        "ToolGuardrailFunctionOutput",
        "ToolInputGuardrail",
        "ToolInputGuardrailData",
        "ToolInputGuardrailResult",
        "ToolOutputGuardrail",
        "ToolOutputGuardrailData",
        "ToolOutputGuardrailResult",
        "function_tool",
        "input_guardrail",
        "output_guardrail",
        "tool_input_guardrail",
        "tool_output_guardrail",
    ),
    "vivavoce.openai_agents.agent": (
        "Agent",
        "AgentBase",
        "AgentToolStreamEvent",
        "StopAtTools",
        "ToolsToFinalOutputResult",
    ),
    "vivavoce.openai_agents.decorators": ("tool",),
    "vivavoce.openai_agents.exceptions": (
        "AgentsException",
        "UserError",
    ),
    "vivavoce.openai_agents.extensions.handoff_prompt": (
        "RECOMMENDED_PROMPT_PREFIX",
        "prompt_with_handoff_instructions",
    ),
    "vivavoce.openai_agents.realtime": (
        "AssistantAudio",
        "AssistantMessageItem",
        "AssistantText",
        "DEFAULT_MODEL_SETTINGS",
        "InputAudio",
        "InputImage",
        "InputText",
        "OpenAIRealtimeSIPModel",
        "OpenAIRealtimeWebSocketModel",
        "RealtimeAgent",
        "RealtimeAgentEndEvent",
        "RealtimeAgentHooks",
        "RealtimeAgentStartEvent",
        "RealtimeAudio",
        "RealtimeAudioEnd",
        "RealtimeAudioFormat",
        "RealtimeAudioInterrupted",
        "RealtimeClientMessage",
        "RealtimeConnectionStatus",
        "RealtimeError",
        "RealtimeEventInfo",
        "RealtimeGuardrailTripped",
        "RealtimeGuardrailsSettings",
        "RealtimeHandoffEvent",
        "RealtimeHistoryAdded",
        "RealtimeHistoryUpdated",
        "RealtimeInputAudioNoiseReductionConfig",
        "RealtimeInputAudioTimeoutTriggered",
        "RealtimeInputAudioTranscriptionConfig",
        "RealtimeItem",
        "RealtimeMessageItem",
        "RealtimeModel",
        "RealtimeModelAudioDoneEvent",
        "RealtimeModelAudioEvent",
        "RealtimeModelAudioInterruptedEvent",
        "RealtimeModelCachedTokensDetails",
        "RealtimeModelConfig",
        "RealtimeModelConnectionStatusEvent",
        "RealtimeModelEndOfStreamEvent",
        "RealtimeModelErrorEvent",
        "RealtimeModelEvent",
        "RealtimeModelExceptionEvent",
        "RealtimeModelInputAudioTimeoutTriggeredEvent",
        "RealtimeModelInputAudioTranscriptionCompletedEvent",
        "RealtimeModelInputTextContent",
        "RealtimeModelInputTokensDetails",
        "RealtimeModelItemDeletedEvent",
        "RealtimeModelItemUpdatedEvent",
        "RealtimeModelListener",
        "RealtimeModelName",
        "RealtimeModelOtherEvent",
        "RealtimeModelOutputTextDeltaEvent",
        "RealtimeModelOutputTokensDetails",
        "RealtimeModelRawClientMessage",
        "RealtimeModelRawServerEvent",
        "RealtimeModelSendAudio",
        "RealtimeModelSendEvent",
        "RealtimeModelSendInterrupt",
        "RealtimeModelSendRawMessage",
        "RealtimeModelSendSessionUpdate",
        "RealtimeModelSendToolOutput",
        "RealtimeModelSendUserInput",
        "RealtimeModelToolCallEvent",
        "RealtimeModelTracingConfig",
        "RealtimeModelTranscriptDeltaEvent",
        "RealtimeModelTurnEndedEvent",
        "RealtimeModelTurnStartedEvent",
        "RealtimeModelUsageEvent",
        "RealtimeModelUserInput",
        "RealtimeModelUserInputMessage",
        "RealtimePlaybackState",
        "RealtimePlaybackTracker",
        "RealtimeRawModelEvent",
        "RealtimeReasoningConfig",
        "RealtimeReasoningEffort",
        "RealtimeResponse",
        "RealtimeRunConfig",
        "RealtimeRunHooks",
        "RealtimeRunner",
        "RealtimeSession",
        "RealtimeSessionEvent",
        "RealtimeSessionModelSettings",
        "RealtimeToolApprovalRequired",
        "RealtimeToolCallItem",
        "RealtimeToolEnd",
        "RealtimeToolExecutionConfig",
        "RealtimeToolStart",
        "RealtimeTurnDetectionConfig",
        "RealtimeUserInput",
        "RealtimeUserInputMessage",
        "RealtimeUserInputText",
        "SystemMessageItem",
        "UserMessageItem",
        "get_api_key",
        "realtime_handoff",
    ),
    "vivavoce.openai_agents.tool_context": ("ToolContext",),
    "vivavoce.openai_agents.usage": ("Usage",),
    "vivavoce.text": (
        "AgentOutputSchema",
        "AgentOutputSchemaBase",
        "AgentUpdatedStreamEvent",
        "FunctionToolResult",
        "HandoffCallItem",
        "HandoffInputData",
        "HandoffOutputItem",
        "InputGuardrailTripwireTriggered",
        "MaxTurnsExceeded",
        "MessageOutputItem",
        "ModelBehaviorError",
        "ModelProvider",
        "ModelResponse",
        "ModelSettings",
        "OpenAIProvider",
        "OutputGuardrailTripwireTriggered",
        "RawResponsesStreamEvent",
        "RunConfig",
        "RunErrorDetails",
        "RunItem",
        "RunItemStreamEvent",
        "RunResult",
        "RunResultStreaming",
        "RunState",
        "Runner",
        "StreamEvent",
        "ToolApprovalItem",
        "ToolCallItem",
        "ToolCallOutputItem",
        "handoff",
    ),
}
"""Where names live -> the names; `__init__.pyi` says the same to type checkers. A name is loaded when it is
first used."""

_HOMES = {name: home for home, names in _NAMES.items() for name in names}

__all__ = [*_HOMES]  # noqa: PLE0604  # it holds texts


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise absent(__name__, name)
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_HOMES)
