"""Voice agents in Python that talk in real time, and a Realtime API server to run them on."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vivavoce.agents import (
        FunctionTool,
        RealtimeAgent,
        RunContextWrapper,
        ToolContext,
        Usage,
        function_tool,
    )
    from vivavoce.connections import RealtimeModel, RealtimeModelConfig
    from vivavoce.connections.memory import LocalRealtimeModel
    from vivavoce.connections.websocket import TransportOptions, WebSocketRealtimeModel
    from vivavoce.conversation.playback import RealtimePlaybackTracker
    from vivavoce.engines.registry import EngineChoice
    from vivavoce.session import (
        RealtimeRunConfig,
        RealtimeRunner,
        RealtimeSession,
        RealtimeSessionModelSettings,
    )
    from vivavoce.session.events import RealtimeSessionEvent

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
"""Public name -> where it lives. Names are loaded when first used, so that importing costs nothing."""

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
