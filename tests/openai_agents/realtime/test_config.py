"""The typed dictionaries: every key that `openai-agents` has."""

from __future__ import annotations

from typing import is_typeddict

import pytest

from vivavoce.openai_agents.realtime import config
from vivavoce.session.settings import check_run_config

DICTIONARIES = [name for name in config.__all__ if is_typeddict(getattr(config, name))]


@pytest.mark.clients
@pytest.mark.parametrize("name", DICTIONARIES)
def test_every_key_is_here(name: str) -> None:
    theirs = pytest.importorskip("agents.realtime.config", reason="needs the package openai-agents")
    assert set(getattr(theirs, name).__annotations__) <= set(getattr(config, name).__annotations__)


def test_reasoning_is_accepted() -> None:
    reasoning: config.RealtimeReasoningConfig = {"effort": "low"}
    settings = check_run_config({"model_settings": {"reasoning": reasoning}})
    assert settings.model.session["reasoning"] == {"effort": "low"}
