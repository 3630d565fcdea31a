"""`--llm` and its companions."""

from __future__ import annotations

import argparse

import pytest

from vivavoce.cli.llm import KEY_VARIABLE, add_llm_arguments, engine_choice
from vivavoce.engines.registry import EngineChoice
from vivavoce.errors import ConfigurationError

URL = "http://127.0.0.1:1/v1"


def parsed(*options: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_llm_arguments(parser)
    return parser.parse_args(options)


def test_without_options_the_brain_is_built_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "sk-env")
    assert engine_choice(parsed()) == EngineChoice()
    assert engine_choice(parsed(), "bench") == EngineChoice(preset="bench")


def test_the_key_comes_from_the_option_or_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "sk-env")
    assert engine_choice(parsed("--llm", URL)).llm_api_key == "sk-env"
    assert engine_choice(parsed("--llm", URL, "--llm-api-key", "sk-1")).llm_api_key == "sk-1"
    monkeypatch.delenv(KEY_VARIABLE)
    assert engine_choice(parsed("--llm", URL)).llm_api_key is None


@pytest.mark.parametrize("options", [("--llm-model", "m"), ("--llm-api-key", "sk-1")])
def test_a_model_or_key_for_no_server_is_refused(options: tuple[str, ...]) -> None:
    with pytest.raises(ConfigurationError, match="need --llm"):
        engine_choice(parsed(*options))
