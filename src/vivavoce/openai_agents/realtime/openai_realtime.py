"""OpenAI's server, as `agents.realtime.openai_realtime` has it."""

from __future__ import annotations

import inspect
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from vivavoce.connections import RealtimeModelConfig
from vivavoce.connections.websocket import WebSocketRealtimeModel
from vivavoce.errors import ConfigurationError
from vivavoce.session.config import RealtimeSessionModelSettings

DEFAULT_MODEL_SETTINGS: RealtimeSessionModelSettings = {
    "input_audio_transcription": {"model": "gpt-4o-mini-transcribe"}
}
"""What a `RealtimeRunner` sets where nothing else is said; the model on this machine uses a model of its own.
All other settings that are left out are the server's."""


async def get_api_key(key: str | Callable[[], str | Awaitable[str]] | None) -> str | None:
    """Return a key: the one given, what the function returns, or ``OPENAI_API_KEY``."""
    if key is None:
        return os.environ.get("OPENAI_API_KEY")
    given = key() if callable(key) else key
    return await given if inspect.isawaitable(given) else given


class OpenAIRealtimeWebSocketModel(WebSocketRealtimeModel):
    """A model of OpenAI, or of the server in the configuration or in ``OPENAI_BASE_URL``.

    Args:
        transport_config: limits of the WebSocket: ``ping_interval``, ``ping_timeout`` and
            ``handshake_timeout`` in seconds, ``max_size`` in bytes.

    Raises:
        ConfigurationError: a limit is not accepted.
    """

    def __init__(self, *, transport_config: Mapping[str, Any] | None = None) -> None:
        super().__init__(options=transport_config)


class OpenAIRealtimeSIPModel(OpenAIRealtimeWebSocketModel):
    """A model that takes over a telephone call: ``model_config={"call_id": …}`` names it."""

    async def connect(self, config: RealtimeModelConfig) -> None:
        """Open the WebSocket of a call.

        Raises:
            ConfigurationError: no call is named, or the URL or the key cannot work.
            ConnectionLostError: the server could not be reached, or refused.
        """
        if not config.get("call_id"):
            raise ConfigurationError("OpenAIRealtimeSIPModel needs model_config={'call_id': …}")
        await super().connect(config)
