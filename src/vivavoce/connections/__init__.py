"""How a session reaches a realtime model: over a WebSocket, or in the same process.

A connection carries decoded protocol structs both ways. What may not live here: anything that decides about
the conversation, and agents.
Who may import it: `session` and the rooms above it; `agents` and `lines` do not know it.
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
