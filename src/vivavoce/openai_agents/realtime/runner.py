"""`RealtimeRunner` as `openai-agents` has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic

import vivavoce
from vivavoce.agents.context import TContext
from vivavoce.connections import RealtimeModelConfig
from vivavoce.connections.choice import ModelChoice
from vivavoce.openai_agents.realtime.openai_realtime import DEFAULT_MODEL_SETTINGS
from vivavoce.openai_agents.realtime.session import RealtimeSession
from vivavoce.session.config import RealtimeRunConfig


class RealtimeRunner(Generic[TContext]):
    """Starts sessions of an agent. The user's speech is written down unless the settings say otherwise.

    Args:
        starting_agent: who speaks.
        model: as of a `vivavoce.RealtimeRunner`: without one it is a server where a key or a URL is given,
            or the environment has a key, otherwise this machine.
        config: a `RealtimeRunConfig`.

    Raises:
        ConfigurationError: the agent, the model or a setting is not accepted; the message says which.
    """

    def __init__(
        self,
        starting_agent: vivavoce.RealtimeAgent[TContext],
        *,
        model: ModelChoice = None,
        config: RealtimeRunConfig | Mapping[str, Any] | None = None,
    ) -> None:
        self._runner = vivavoce.RealtimeRunner(starting_agent, model=model, config=_transcribing(config))

    async def run(
        self, *, context: TContext | None = None, model_config: RealtimeModelConfig | None = None
    ) -> RealtimeSession:
        """Prepare a session; ``async with`` connects it.

        Args:
            context: an object of your own, for instructions and tools; never sent to a model.
            model_config: how to reach the model, for this session.

        Raises:
            ConfigurationError: a setting is not accepted, or the runner's one model is in use.
        """
        return RealtimeSession(await self._runner.run(context=context, model_config=model_config))


def _transcribing(config: Mapping[str, Any] | None) -> Any:
    """Return the configuration with a transcription for the user's speech where it says nothing of one."""
    settings = _part({} if config is None else config, "model_settings")
    nested = _part(_part(settings, "audio"), "input")
    # What is of a wrong type is left as it is: the runner says what is accepted.
    if nested is None or "input_audio_transcription" in settings or "transcription" in nested:
        return config
    return {**(config or {}), "model_settings": {**DEFAULT_MODEL_SETTINGS, **settings}}


def _part(whole: Any, name: str) -> Any:
    """Return a dictionary in another, empty where it is not there; ``None`` for what is none."""
    part = (whole.get(name) or {}) if isinstance(whole, Mapping) else whole
    return part if isinstance(part, Mapping) else None
