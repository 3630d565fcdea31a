"""How a session reaches a realtime model: over a WebSocket, or in the same process.

A connection carries decoded protocol structs both ways and decides nothing about the conversation. May be
imported by `vivavoce.session` and above; knows neither agents nor lines.
"""

from vivavoce.connections.base import (
    ConnectionFailed,
    ConnectionStatus,
    ModelEvent,
    RealtimeModel,
    RealtimeModelConfig,
    RealtimeModelListener,
)

__all__ = [
    "ConnectionFailed",
    "ConnectionStatus",
    "ModelEvent",
    "RealtimeModel",
    "RealtimeModelConfig",
    "RealtimeModelListener",
]
