"""The SDK's session: a runner that starts sessions, and the session that talks, listens and runs tools.

This room connects a conversation with a model, with the agent's tools and with whoever reads its events. What
may not live here: what the conversation means, which is decided in `vivavoce.conversation.client`.
Who may import it: `vivavoce` itself, `testing`, `openai_agents` and `cli`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.session.config import RealtimeRunConfig, RealtimeSessionModelSettings
from vivavoce.session.runner import RealtimeRunner

if TYPE_CHECKING:
    from vivavoce.session.session import RealtimeSession
    from vivavoce.session.starting import SessionOpening

__all__ = [
    "RealtimeRunConfig",
    "RealtimeRunner",
    "RealtimeSession",
    "RealtimeSessionModelSettings",
    "SessionOpening",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        # Half of what the SDK imports is only needed once there is a session.
        if name == "RealtimeSession":
            from vivavoce.session.session import RealtimeSession

            return RealtimeSession
        if name == "SessionOpening":
            from vivavoce.session.starting import SessionOpening

            return SessionOpening
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
