"""Voice agents in Python that talk in real time, and a Realtime API server to run them on."""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "EngineChoice": "vivavoce.engines.registry",
    "FunctionTool": "vivavoce.agents",
    "LocalRealtimeModel": "vivavoce.connections.memory",
    "RealtimeAgent": "vivavoce.agents",
    "RealtimeModel": "vivavoce.connections",
    "RealtimeModelConfig": "vivavoce.connections",
    "RealtimePlaybackTracker": "vivavoce.conversation.playback",
    "RealtimeRunConfig": "vivavoce.session",
    "RealtimeRunner": "vivavoce.session",
    "RealtimeSession": "vivavoce.session",
    "RealtimeSessionEvent": "vivavoce.session.events",
    "RealtimeSessionModelSettings": "vivavoce.session",
    "RunContextWrapper": "vivavoce.agents",
    "ToolContext": "vivavoce.agents",
    "TransportOptions": "vivavoce.connections.websocket",
    "Usage": "vivavoce.agents",
    "WebSocketRealtimeModel": "vivavoce.connections.websocket",
    "function_tool": "vivavoce.agents",
}
"""Public name -> where it lives; `__init__.pyi` says the same to type checkers. Names are loaded when first
used, so that importing costs nothing."""

__all__ = [
    "EngineChoice",
    "FunctionTool",
    "LocalRealtimeModel",
    "RealtimeAgent",
    "RealtimeModel",
    "RealtimeModelConfig",
    "RealtimePlaybackTracker",
    "RealtimeRunConfig",
    "RealtimeRunner",
    "RealtimeSession",
    "RealtimeSessionEvent",
    "RealtimeSessionModelSettings",
    "RunContextWrapper",
    "ToolContext",
    "TransportOptions",
    "Usage",
    "WebSocketRealtimeModel",
    "__version__",
    "function_tool",
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
