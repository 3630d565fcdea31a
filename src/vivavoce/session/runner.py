"""`RealtimeRunner`: from an agent and a choice of model to sessions."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic

from vivavoce.agents import RealtimeAgent, RunContextWrapper, Usage
from vivavoce.agents.context import TContext
from vivavoce.connections import RealtimeModel, RealtimeModelConfig
from vivavoce.connections.base import check_model_config
from vivavoce.connections.choice import ModelChoice, check_choice, model_for
from vivavoce.errors import ConfigurationError
from vivavoce.session.config import RealtimeRunConfig
from vivavoce.session.messages import check_history
from vivavoce.session.settings import check_run_config, read_settings
from vivavoce.session.starting import SessionOpening

if TYPE_CHECKING:
    from vivavoce.observe import SessionObserver
    from vivavoce.session.session import RealtimeSession

SESSIONS = "vivavoce.session.session"
"""Loaded with the first runner: not by who only defines agents, and not while sessions run."""


class RealtimeRunner(Generic[TContext]):
    """Starts sessions of an agent: any number, also at the same time.

    Sessions of ``model="local"`` that overlap share their engines. These close with the last session, and the
    next one loads them anew, which takes about a second. To keep them, build `Engines` of your own, pass
    ``model=lambda: LocalRealtimeModel(engines)``, and close them when you are done.

    Args:
        starting_agent: who speaks.
        model: ``"local"`` (this machine, no key), ``"openai"``, ``"azure"``, the URL of a realtime server, a
            `RealtimeModel` (then one session at a time), or a function that makes one for every session.
            ``None`` is a server where a key or a URL is given, or the environment has a key of OpenAI or
            Azure, otherwise ``"local"``.
        config: a `RealtimeRunConfig`.

    Raises:
        ConfigurationError: the agent, the model or a setting is not accepted; the message says which.
    """

    def __init__(
        self,
        starting_agent: RealtimeAgent[TContext],
        *,
        model: ModelChoice = None,
        config: RealtimeRunConfig | Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(starting_agent, RealtimeAgent):
            raise ConfigurationError(f"starting_agent must be a RealtimeAgent, got {starting_agent!r}")
        check_choice(model)
        importlib.import_module(SESSIONS)
        self._agent = starting_agent
        self._choice = model
        self._settings = check_run_config(config)
        self._engines: Any = None
        self._taken = 0

    def run(
        self,
        *,
        context: TContext | None = None,
        model_config: RealtimeModelConfig | None = None,
        history: Sequence[Any] | None = None,
        observers: Sequence[SessionObserver] = (),
    ) -> SessionOpening:
        """Prepare a session: ``session = await runner.run()``, which ``async with session`` connects.

        ``async with runner.run() as session`` does both. What is wrong is raised there, not by the call.

        Args:
            context: an object of your own, for instructions and tools; never sent to a model.
            model_config: how to reach the model, for this session.
            history: an earlier conversation to go on with: items, or what `RealtimeSession.history_json`
                returned; ``None`` is that of the runner's config.
            observers: who looks on, beside those of the runner's config: a `SessionRecorder`, a
                `UsageLedger`, an object of your own.

        Raises:
            ConfigurationError: a setting is not accepted, or the runner's one model is in use.
        """
        return SessionOpening(self._prepare(context, model_config, history, observers))

    async def _prepare(
        self,
        context: TContext | None,
        model_config: RealtimeModelConfig | None,
        history: Sequence[Any] | None,
        observers: Sequence[SessionObserver],
    ) -> RealtimeSession:
        from vivavoce.session.session import RealtimeSession
        from vivavoce.session.works import SessionPlan

        config = check_model_config(model_config)
        settings = self._settings
        if "initial_model_settings" in config:
            initial = read_settings(config["initial_model_settings"], "model_config.initial_model_settings")
            settings = replace(settings, model=initial.over(settings.model))
        model_name = settings.model.model_name
        name: Mapping[str, Any] = {"model_name": model_name} if model_name else {}
        plan = SessionPlan(
            agent=self._agent,
            settings=settings,
            model=self._model(config),
            model_config={**config, "initial_model_settings": name},
            context=RunContextWrapper(context, Usage()),
            history=settings.history if history is None else check_history(history),
            observers=(*settings.observers, *observers),
            begin=self._begin,
            ended=self._ended,
        )
        return RealtimeSession(plan)

    def _model(self, config: RealtimeModelConfig) -> RealtimeModel:
        """Return the connection for one session."""
        self._check_free()
        if self._choice is None or self._choice == "local":
            from vivavoce.connections.memory import SharedEngines

            self._engines = self._engines or SharedEngines()
        return model_for(self._choice, config, engines=self._engines)

    def _check_free(self) -> None:
        if self._taken and isinstance(self._choice, RealtimeModel):
            raise ConfigurationError(
                "this runner has one model, and a session uses it; close that session first, or give the "
                "runner a function that makes a model for each session"
            )

    def _begin(self) -> None:
        self._check_free()
        self._taken += 1

    def _ended(self) -> None:
        self._taken -= 1
