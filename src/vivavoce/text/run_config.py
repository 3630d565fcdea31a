"""`RunConfig`: settings of a run that hold for all of its agents."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vivavoce.agents import InputGuardrail, OutputGuardrail
from vivavoce.agents.guarding import check_input_guardrails, check_output_guardrails
from vivavoce.errors import ConfigurationError
from vivavoce.text.handoffs import HandoffInputFilter
from vivavoce.text.model_settings import ModelSettings, check_model_settings
from vivavoce.text.models import MODEL_S, Model, ModelProvider, check_model

TOOL_S = 300.0
"""Seconds after which a call is given up, where its tool sets no limit of its own."""
GUARDRAIL_S = 30.0
"""Seconds after which a guardrail is given up."""


@dataclass(kw_only=True)
class RunConfig:
    """Settings of a run; they go before those of its agents.

    Attributes:
        model: for all agents: a name, ``"local"``, or a `LanguageModel`.
        model_provider: knows models by name and stays open between runs, see `OpenAIProvider`.
        model_settings: a `ModelSettings` or a dictionary of its fields; each that is set goes before the
            agent's.
        api_key: key of the endpoint; ``None`` takes ``OPENAI_API_KEY``, where the endpoint is OpenAI or the
            server in ``OPENAI_BASE_URL``.
        base_url: the endpoint up to ``/v1``; ``None`` takes ``OPENAI_BASE_URL``, else OpenAI.
        handoff_input_filter: for handoffs that have no filter of their own.
        input_guardrails: checks of the input, beside the first agent's.
        output_guardrails: checks of the final output, beside the last agent's.
        model_timeout_s: seconds to wait for the next piece of a model's answer.
        tool_timeout_s: seconds a call may take, where its tool sets no limit.
        guardrail_timeout_s: seconds a guardrail may take.

    Raises:
        ConfigurationError: a value is not accepted.
    """

    model: Model = None
    model_provider: ModelProvider | None = None
    model_settings: ModelSettings | Mapping[str, Any] | None = None
    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    handoff_input_filter: HandoffInputFilter | None = None
    input_guardrails: Sequence[InputGuardrail[Any]] = ()
    output_guardrails: Sequence[OutputGuardrail[Any]] = ()
    model_timeout_s: float = MODEL_S
    tool_timeout_s: float = TOOL_S
    guardrail_timeout_s: float = GUARDRAIL_S

    def __post_init__(self) -> None:
        if self.model is not None and not isinstance(self.model, str):
            check_model(self.model, owner="RunConfig.model")
        if self.model_provider is not None and not isinstance(self.model_provider, ModelProvider):
            raise ConfigurationError(
                "RunConfig.model_provider must have get_model(model_name) and aclose(), "
                f"got {self.model_provider!r}"
            )
        self.model_settings = check_model_settings(self.model_settings, owner="RunConfig.model_settings")
        if self.handoff_input_filter is not None and not callable(self.handoff_input_filter):
            raise ConfigurationError(
                f"RunConfig.handoff_input_filter must be a function, got {self.handoff_input_filter!r}"
            )
        self.input_guardrails = check_input_guardrails(self.input_guardrails, "RunConfig.input_guardrails")
        self.output_guardrails = check_output_guardrails(
            self.output_guardrails, "RunConfig.output_guardrails"
        )
        for name in ("model_timeout_s", "tool_timeout_s", "guardrail_timeout_s"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
                raise ConfigurationError(f"RunConfig.{name} must be seconds above 0, got {value!r}")


def check_run_config(given: object) -> RunConfig:
    """Return a run's settings from what the user gave: a `RunConfig`, a dictionary, or ``None``.

    Raises:
        ConfigurationError: it is none of these, or a value is not accepted.
    """
    if given is None:
        return RunConfig()
    if isinstance(given, RunConfig):
        return given
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"run_config must be a RunConfig or a dictionary, got {given!r}")
    known = [entry.name for entry in dataclasses.fields(RunConfig)]
    for name in given:
        if name not in known:
            raise ConfigurationError(f"run_config.{name} is not known; there are: {', '.join(known)}")
    return RunConfig(**given)
