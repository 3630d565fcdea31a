"""Agents that write: `Agent`, and `Runner` that runs it on any language model.

A run asks the model, runs the tools that it calls, follows its handoffs, and ends with an output: text, or a
value of the agent's output type. Agents that speak reach one as a tool (`Agent.as_tool`) or run it by hand
with the history of their conversation.
What may not live here: sessions, audio, HTTP.
Who may import it: users' programs, and the rooms above it; `session` and `server` do not know it.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "Agent": "vivavoce.text.agent",
    "AgentOutputSchema": "vivavoce.text.output",
    "AgentOutputSchemaBase": "vivavoce.text.output",
    "AgentToolOptions": "vivavoce.text.agent_tool",
    "AgentToolStreamEvent": "vivavoce.text.agent_tool",
    "AgentUpdatedStreamEvent": "vivavoce.text.stream_events",
    "FilteredHandoff": "vivavoce.text.handoffs",
    "FunctionToolResult": "vivavoce.text.items",
    "HandoffCallItem": "vivavoce.text.items",
    "HandoffInputData": "vivavoce.text.handoffs",
    "HandoffOutputItem": "vivavoce.text.items",
    "InputGuardrailTripwireTriggered": "vivavoce.text.failures",
    "MaxTurnsExceeded": "vivavoce.text.failures",
    "MessageOutputItem": "vivavoce.text.items",
    "ModelBehaviorError": "vivavoce.text.failures",
    "ModelProvider": "vivavoce.text.models",
    "ModelResponse": "vivavoce.text.items",
    "ModelSettings": "vivavoce.text.model_settings",
    "OpenAIProvider": "vivavoce.text.models",
    "OutputGuardrailTripwireTriggered": "vivavoce.text.failures",
    "RawResponsesStreamEvent": "vivavoce.text.stream_events",
    "ResponseCompletedEvent": "vivavoce.text.stream_events",
    "ResponseCreatedEvent": "vivavoce.text.stream_events",
    "ResponseFunctionCallArgumentsDeltaEvent": "vivavoce.text.stream_events",
    "ResponseTextDeltaEvent": "vivavoce.text.stream_events",
    "RunConfig": "vivavoce.text.run_config",
    "RunErrorDetails": "vivavoce.text.failures",
    "RunFailedError": "vivavoce.text.failures",
    "RunItem": "vivavoce.text.items",
    "RunItemStreamEvent": "vivavoce.text.stream_events",
    "RunResult": "vivavoce.text.result",
    "RunResultStreaming": "vivavoce.text.streaming",
    "RunState": "vivavoce.text.state",
    "Runner": "vivavoce.text.runner",
    "StopAtTools": "vivavoce.text.tool_use",
    "StreamEvent": "vivavoce.text.stream_events",
    "ToolApprovalItem": "vivavoce.text.items",
    "ToolCallItem": "vivavoce.text.items",
    "ToolCallOutputItem": "vivavoce.text.items",
    "ToolsToFinalOutputResult": "vivavoce.text.tool_use",
    "handoff": "vivavoce.text.handoffs",
    "remove_all_tools": "vivavoce.text.handoffs",
    "run": "vivavoce.text.runner",
}
"""Public name -> where it lives; `__init__.pyi` says the same to type checkers. Names are loaded when first
used: who defines an agent does not wait for what runs it."""

__all__ = [
    "Agent",
    "AgentOutputSchema",
    "AgentOutputSchemaBase",
    "AgentToolOptions",
    "AgentToolStreamEvent",
    "AgentUpdatedStreamEvent",
    "FilteredHandoff",
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
    "ResponseCompletedEvent",
    "ResponseCreatedEvent",
    "ResponseFunctionCallArgumentsDeltaEvent",
    "ResponseTextDeltaEvent",
    "RunConfig",
    "RunErrorDetails",
    "RunFailedError",
    "RunItem",
    "RunItemStreamEvent",
    "RunResult",
    "RunResultStreaming",
    "RunState",
    "Runner",
    "StopAtTools",
    "StreamEvent",
    "ToolApprovalItem",
    "ToolCallItem",
    "ToolCallOutputItem",
    "ToolsToFinalOutputResult",
    "handoff",
    "remove_all_tools",
    "run",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
