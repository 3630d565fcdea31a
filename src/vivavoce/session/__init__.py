"""The SDK's session: a runner that starts sessions, and the session that talks, listens and runs tools.

What the conversation means is decided in `vivavoce.conversation.client`; this room connects it with a model,
with the agent's tools and with the application's event loops. Only `vivavoce` itself and the command line
import it.
"""

from vivavoce.session.config import RealtimeRunConfig, RealtimeSessionModelSettings
from vivavoce.session.runner import RealtimeRunner
from vivavoce.session.session import RealtimeSession

__all__ = ["RealtimeRunConfig", "RealtimeRunner", "RealtimeSession", "RealtimeSessionModelSettings"]
