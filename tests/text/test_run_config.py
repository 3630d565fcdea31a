from __future__ import annotations

from typing import Any

import pytest

from vivavoce.agents import GuardrailFunctionOutput, InputGuardrail
from vivavoce.errors import ConfigurationError
from vivavoce.text import RunConfig
from vivavoce.text.model_settings import ModelSettings
from vivavoce.text.run_config import check_run_config


async def fine(context: Any, agent: Any, text: Any) -> GuardrailFunctionOutput:
    return GuardrailFunctionOutput(None, tripwire_triggered=False)


def test_settings_come_as_they_are_as_a_dictionary_or_not_at_all() -> None:
    config = RunConfig(model="m")
    assert check_run_config(config) is config
    assert check_run_config(None) == RunConfig()
    assert check_run_config({"model_settings": {"top_p": 0.5}}).model_settings == ModelSettings(top_p=0.5)


def test_lists_are_its_own_and_the_key_is_not_shown() -> None:
    guardrails = [InputGuardrail(fine)]
    config = RunConfig(input_guardrails=guardrails, api_key="sk-secret")
    guardrails.clear()
    assert len(config.input_guardrails) == 1
    assert "sk-secret" not in repr(config)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"model": 3}, "RunConfig.model must be a name"),
        ({"model_provider": object()}, "RunConfig.model_provider must have get_model"),
        ({"model_settings": 3}, "RunConfig.model_settings must be"),
        ({"handoff_input_filter": 3}, "handoff_input_filter must be a function"),
        ({"input_guardrails": [fine]}, r"RunConfig\.input_guardrails\[0\] is not an InputGuardrail"),
        ({"output_guardrails": fine}, "RunConfig.output_guardrails must be a list"),
        ({"model_timeout_s": 0}, "model_timeout_s must be seconds above 0"),
        ({"tool_timeout_s": True}, "tool_timeout_s must be seconds above 0"),
        ({"guardrail_timeout_s": "1"}, "guardrail_timeout_s must be seconds above 0"),
    ],
)
def test_a_bad_value_is_refused(fields: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        RunConfig(**fields)


def test_what_is_no_config_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="run_config must be a RunConfig or a dictionary, got 3"):
        check_run_config(3)
    with pytest.raises(ConfigurationError, match=r"run_config\.modle is not known; there are: model, "):
        check_run_config({"modle": "m"})
