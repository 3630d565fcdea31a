"""From what a user calls a model to a connection."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from vivavoce.connections.base import RealtimeModel, RealtimeModelConfig
from vivavoce.errors import ConfigurationError
from vivavoce.providers.base import KEY_HEADERS, carries

if TYPE_CHECKING:
    from vivavoce.connections.memory import SharedEngines

ModelChoice: TypeAlias = str | RealtimeModel | Callable[[], RealtimeModel] | None
"""``"local"``, ``"openai"``, ``"azure"``, the URL of a realtime server, a model, or a function that makes one
for every session. ``None`` is what `hosted` says, or this machine."""

_NAMES = frozenset({"local", "openai", "azure"})
_SCHEMES = ("ws://", "wss://", "http://", "https://")
_HOSTED_KEYS = ("api_key", "url", "base_url", "call_id")


def check_choice(choice: object) -> None:
    """Check what a user calls a model.

    Raises:
        ConfigurationError: it is none; says what is accepted.
    """
    known = choice is None or isinstance(choice, RealtimeModel) or callable(choice)
    if isinstance(choice, str):
        known = choice in _NAMES or choice.startswith(_SCHEMES)
    if not known:
        raise ConfigurationError(
            f"model {choice!r} is not accepted: use 'local', 'openai', 'azure', a URL (ws://, wss://, http://"
            " or https://), a RealtimeModel, or a function that returns one; a provider's model is named in"
            " config={'model_settings': {'model_name': …}}"
        )


def hosted(config: RealtimeModelConfig) -> str | None:
    """Return whose server is meant where no model was chosen; ``None`` is this machine.

    It is OpenAI, or the server named, where the configuration has a key, a URL or a call, or where
    ``OPENAI_API_KEY`` or ``OPENAI_BASE_URL`` is set. It is Azure where ``AZURE_OPENAI_ENDPOINT`` is set with
    a key or a token.
    """
    told = any(key in config for key in _HOSTED_KEYS) or carries(config.get("headers", {}), *KEY_HEADERS)
    if told or os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"):
        return "openai"
    has_key = os.environ.get("AZURE_OPENAI_API_KEY") or os.environ.get("AZURE_OPENAI_AD_TOKEN")
    return "azure" if has_key and os.environ.get("AZURE_OPENAI_ENDPOINT") else None


def model_for(
    choice: ModelChoice, config: RealtimeModelConfig, *, engines: SharedEngines | None = None
) -> RealtimeModel:
    """Return a connection, not yet connected.

    Args:
        choice: what the user calls it.
        config: checked configuration of the session.
        engines: what local models draw from; ``None`` gives a model engines of its own.

    Raises:
        ConfigurationError: the choice is none, or its function returned something that is no model.
    """
    check_choice(choice)
    if isinstance(choice, RealtimeModel):
        return choice
    if callable(choice):
        model: object = choice()
        if not isinstance(model, RealtimeModel):
            raise ConfigurationError(f"the model function must return a RealtimeModel, got {model!r}")
        return model
    choice = choice or hosted(config) or "local"
    if choice == "local":
        from vivavoce.connections.memory import LocalRealtimeModel

        return LocalRealtimeModel(engines)
    from vivavoce.connections.websocket import WebSocketRealtimeModel

    if choice == "azure":
        return WebSocketRealtimeModel(provider="azure")
    return WebSocketRealtimeModel(None if choice == "openai" else choice)
