"""From what an agent calls its model to a `LanguageModel`."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias, runtime_checkable

from vivavoce.engines.base import LanguageModel
from vivavoce.errors import ConfigurationError
from vivavoce.providers.base import same_server
from vivavoce.providers.openai import is_openai

if TYPE_CHECKING:
    from vivavoce.engines.base import ModelRequest

LOCAL = "local"
"""Name of the built-in brain."""
DEFAULT_MODEL = "gpt-4.1"
"""The model at OpenAI where neither the agent, the run nor ``OPENAI_DEFAULT_MODEL`` names one."""
OPENAI_URL = "https://api.openai.com/v1"
MODEL_S = 60.0
"""Seconds to wait for the next piece of an answer. Models that reason are silent for long."""
CONNECT_S = 10.0

Model: TypeAlias = str | LanguageModel | None
"""A name, an engine, or ``None`` for the default."""


@runtime_checkable
class ModelProvider(Protocol):
    """Knows models by name and keeps them open between runs. Its owner closes it."""

    def get_model(self, model_name: str | None) -> LanguageModel:
        """Return the model; may take its time, it is called in a thread.

        Args:
            model_name: the name; ``None`` is the provider's default.

        Raises:
            ConfigurationError: there is no such model.
        """
        ...

    async def aclose(self) -> None:
        """Close the models; safe to call twice."""
        ...


class OpenAIProvider:
    """Models at OpenAI or any endpoint that speaks its Chat Completions.

    One run opens and closes its connection. Give a provider of your own to many runs, as
    ``RunConfig(model_provider=provider)``, and they share it:

        async with OpenAIProvider() as provider:
            await Runner.run(agent, "Hello", run_config=RunConfig(model_provider=provider))

    It belongs to the event loop that first uses it.

    Args:
        api_key: the key; ``None`` takes ``OPENAI_API_KEY``, which only OpenAI is shown and the server in
            ``OPENAI_BASE_URL``.
        base_url: up to ``/v1``; ``None`` takes ``OPENAI_BASE_URL``, else OpenAI.
        timeout_s: seconds to wait for the next piece of an answer.

    Raises:
        ConfigurationError: a value is not accepted.
    """

    def __init__(
        self, *, api_key: str | None = None, base_url: str | None = None, timeout_s: float = MODEL_S
    ) -> None:
        own_base = os.environ.get("OPENAI_BASE_URL") or None
        base_url = base_url or own_base
        if base_url is not None and not base_url.startswith(("http://", "https://")):
            raise ConfigurationError(
                f"base_url {base_url!r} is no URL of an endpoint; one looks like http://127.0.0.1:11434/v1"
            )
        # A key that was read from a file often ends in a line break.
        if not api_key and (base_url is None or is_openai(base_url) or same_server(base_url, own_base)):
            api_key = os.environ.get("OPENAI_API_KEY")
        self._key = (api_key or "").strip() or None
        if self._key is not None and not self._key.isprintable():
            raise ConfigurationError(
                "the api_key cannot be sent: it has a line break or another character that no HTTP header "
                "may have"
            )
        self._url = base_url
        self._timeout_s = timeout_s
        self._models: dict[str | None, LanguageModel] = {}
        self._lock = threading.Lock()

    @property
    def is_configured(self) -> bool:
        """Whether a key or a URL is known."""
        return self._key is not None or self._url is not None

    def get_model(self, model_name: str | None) -> LanguageModel:
        """Return the model of this name.

        Args:
            model_name: the name; ``None`` is ``OPENAI_DEFAULT_MODEL``, else gpt-4.1 at OpenAI and the first
                one listed elsewhere.

        Raises:
            MissingExtraError: the package `openai` is not installed.
        """
        from vivavoce.engines.llm.chat_completions import ChatCompletions, ChatTimeouts

        name = model_name or os.environ.get("OPENAI_DEFAULT_MODEL") or None
        if name is None and self._url is None:
            name = DEFAULT_MODEL
        with self._lock:
            if name not in self._models:
                timeouts = ChatTimeouts(CONNECT_S, self._timeout_s, self._timeout_s)
                model = ChatCompletions(self._url or OPENAI_URL, name, self._key, timeouts=timeouts)
                model.remedy = "set OPENAI_DEFAULT_MODEL or RunConfig(model=…)"
                self._models[name] = model
            return self._models[name]

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        models, self._models = self._models, {}
        for model in models.values():
            await model.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.aclose()


class RunModels:
    """The models of one run.

    Args:
        provider: the user's own, which stays open; ``None`` makes one for the run.
        api_key: for the run's own provider.
        base_url: for the run's own provider.
        timeout_s: for the run's own provider.
    """

    def __init__(
        self,
        provider: ModelProvider | None = None,
        *,
        api_key: str | None = None,
        base_url: str | None = None,
        timeout_s: float = MODEL_S,
    ) -> None:
        self._given = provider
        self._own: OpenAIProvider | None = None
        self._settings: dict[str, Any] = {"api_key": api_key, "base_url": base_url, "timeout_s": timeout_s}

    async def get(self, choice: Model) -> LanguageModel:
        """Return the model of a choice.

        Args:
            choice: an engine, a name, or ``None``. Without a provider, a key or a URL ``None`` means the
                built-in brain; ``"local"`` always does.

        Raises:
            ConfigurationError: the choice is not accepted, or a model is named and nobody knows where it is.
        """
        if choice is not None and not isinstance(choice, str):
            return check_model(choice, owner="model")
        if choice == LOCAL:
            return _brain()
        provider = self._given
        if provider is None:
            self._own = self._own or OpenAIProvider(**self._settings)
            if not self._own.is_configured:
                if choice:
                    raise ConfigurationError(
                        f"the model {choice!r} is at no known endpoint: set OPENAI_API_KEY or "
                        f"OPENAI_BASE_URL; {LOCAL!r} is the built-in brain, which needs neither"
                    )
                return _brain()
            provider = self._own
        # In a thread: importing a client takes most of a second.
        return await asyncio.to_thread(provider.get_model, choice or None)

    @property
    def provider(self) -> ModelProvider | None:
        """Return who knows models by name, for runs inside this one."""
        if self._given is None and self._own is not None and self._own.is_configured:
            return self._own
        return self._given

    async def aclose(self) -> None:
        """Close what the run itself has opened."""
        if self._own is not None:
            await self._own.aclose()


def check_model(given: object, *, owner: str) -> LanguageModel:
    """Return an engine that the user gave.

    Raises:
        ConfigurationError: it is none.
    """
    if not isinstance(given, LanguageModel) or isinstance(given, type):
        raise ConfigurationError(
            f"{owner} must be a name, a LanguageModel (with respond() and aclose()) or None, got {given!r}"
        )
    return given


def takes_strict_schemas(model: LanguageModel) -> bool:
    """Return whether a model is given strict schemas of tools; the built-in brain reads the plain ones."""
    from vivavoce.engines.llm.brain import BuiltinBrain

    return not isinstance(model, BuiltinBrain)


def check_request(model: LanguageModel, request: ModelRequest) -> None:
    """Refuse what a built-in engine would pass over in silence.

    Raises:
        ConfigurationError: a stored prompt, or an output type for the built-in brain.
    """
    from vivavoce.engines.llm.brain import BuiltinBrain
    from vivavoce.engines.llm.chat_completions import ChatCompletions

    options = request.options
    if options is None:
        return
    if options.output_schema is not None and isinstance(model, BuiltinBrain):
        raise ConfigurationError(
            "the built-in brain cannot write structured output: connect a model (set OPENAI_API_KEY or "
            "OPENAI_BASE_URL), or leave output_type away"
        )
    if options.prompt is not None and isinstance(model, BuiltinBrain | ChatCompletions):
        raise ConfigurationError(
            "stored prompts belong to the Responses API, which this model does not speak: write "
            "instructions, or give the agent a LanguageModel that reads ModelRequest.options.prompt"
        )


def _brain() -> LanguageModel:
    from vivavoce.engines.llm.brain import BuiltinBrain

    return BuiltinBrain(cure="OPENAI_API_KEY or OPENAI_BASE_URL")
