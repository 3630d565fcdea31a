"""The SDK's session: a runner that starts sessions, and the session that talks, listens and runs tools.

This room connects a conversation with a model, with the agent's tools and with whoever reads its events. What
may not live here: what the conversation means, which is decided in `vivavoce.conversation.client`.
Who may import it: `vivavoce` itself, `testing` and `cli`.
"""

from vivavoce.session.config import RealtimeRunConfig, RealtimeSessionModelSettings
from vivavoce.session.runner import RealtimeRunner
from vivavoce.session.session import RealtimeSession

__all__ = ["RealtimeRunConfig", "RealtimeRunner", "RealtimeSession", "RealtimeSessionModelSettings"]
