"""Voice agents in Python that talk in real time, and a Realtime API server to run them on."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "Agent": "vivavoce.text",
    "BackgroundResult": "vivavoce.agents",
    "ClientSecret": "vivavoce.providers",
    "EngineChoice": "vivavoce.engines.registry",
    "FunctionTool": "vivavoce.agents",
    "GuardrailFunctionOutput": "vivavoce.agents",
    "Handoff": "vivavoce.agents",
    "HostedMCPTool": "vivavoce.agents",
    "InputGuardrail": "vivavoce.agents",
    "LocalRealtimeModel": "vivavoce.connections.memory",
    "MCPServerSse": "vivavoce.mcp",
    "MCPServerStdio": "vivavoce.mcp",
    "MCPServerStreamableHttp": "vivavoce.mcp",
    "ModelPrice": "vivavoce.observe.prices",
    "ModelSettings": "vivavoce.text",
    "OutputGuardrail": "vivavoce.agents",
    "PriceTable": "vivavoce.observe.prices",
    "RealtimeAgent": "vivavoce.agents",
    "RealtimeAgentHooks": "vivavoce.agents",
    "RealtimeModel": "vivavoce.connections",
    "RealtimeModelConfig": "vivavoce.connections",
    "RealtimePlaybackTracker": "vivavoce.conversation.playback",
    "RealtimeRunConfig": "vivavoce.session",
    "RealtimeRunHooks": "vivavoce.agents",
    "RealtimeRunner": "vivavoce.session",
    "RealtimeSession": "vivavoce.session",
    "RealtimeSessionEvent": "vivavoce.session.events",
    "RealtimeSessionModelSettings": "vivavoce.session",
    "ReplayRealtimeModel": "vivavoce.connections.replay",
    "RunConfig": "vivavoce.text",
    "RunContextWrapper": "vivavoce.agents",
    "RunResult": "vivavoce.text",
    "Runner": "vivavoce.text",
    "SessionLog": "vivavoce.observe.logs",
    "SessionObserver": "vivavoce.observe",
    "SessionRecorder": "vivavoce.observe.recorder",
    "SessionTracer": "vivavoce.observe.tracing",
    "StopAtTools": "vivavoce.text",
    "ToolContext": "vivavoce.agents",
    "ToolGuardrailFunctionOutput": "vivavoce.agents",
    "ToolInputGuardrail": "vivavoce.agents",
    "ToolOutputGuardrail": "vivavoce.agents",
    "ToolsToFinalOutputResult": "vivavoce.text",
    "TransportOptions": "vivavoce.connections.transport",
    "Usage": "vivavoce.agents",
    "UsageLedger": "vivavoce.observe.usage",
    "WebSocketRealtimeModel": "vivavoce.connections.websocket",
    "background_result": "vivavoce.agents",
    "create_client_secret": "vivavoce.providers",
    "create_static_tool_filter": "vivavoce.mcp",
    "function_tool": "vivavoce.agents",
    "handoff": "vivavoce.text",
    "input_guardrail": "vivavoce.agents",
    "output_guardrail": "vivavoce.agents",
    "realtime_handoff": "vivavoce.agents",
    "tool_input_guardrail": "vivavoce.agents",
    "tool_output_guardrail": "vivavoce.agents",
}
"""Public name -> where it lives; `__init__.pyi` says the same to type checkers. Names are loaded when first
used, so that importing costs nothing."""

__all__ = [
    "Agent",
    "BackgroundResult",
    "ClientSecret",
    "EngineChoice",
    "FunctionTool",
    "GuardrailFunctionOutput",
    "Handoff",
    "HostedMCPTool",
    "InputGuardrail",
    "LocalRealtimeModel",
    "MCPServerSse",
    "MCPServerStdio",
    "MCPServerStreamableHttp",
    "ModelPrice",
    "ModelSettings",
    "OutputGuardrail",
    "PriceTable",
    "RealtimeAgent",
    "RealtimeAgentHooks",
    "RealtimeModel",
    "RealtimeModelConfig",
    "RealtimePlaybackTracker",
    "RealtimeRunConfig",
    "RealtimeRunHooks",
    "RealtimeRunner",
    "RealtimeSession",
    "RealtimeSessionEvent",
    "RealtimeSessionModelSettings",
    "ReplayRealtimeModel",
    "RunConfig",
    "RunContextWrapper",
    "RunResult",
    "Runner",
    "SessionLog",
    "SessionObserver",
    "SessionRecorder",
    "SessionTracer",
    "StopAtTools",
    "ToolContext",
    "ToolGuardrailFunctionOutput",
    "ToolInputGuardrail",
    "ToolOutputGuardrail",
    "ToolsToFinalOutputResult",
    "TransportOptions",
    "Usage",
    "UsageLedger",
    "WebSocketRealtimeModel",
    "__version__",
    "background_result",
    "create_client_secret",
    "create_static_tool_filter",
    "function_tool",
    "handoff",
    "input_guardrail",
    "output_guardrail",
    "realtime_handoff",
    "tool_input_guardrail",
    "tool_output_guardrail",
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
