"""What a user writes to choose engines."""

from __future__ import annotations

from vivavoce.engines.choice import EngineChoice, EngineSpec


def test_options_may_hold_keys_and_are_not_shown() -> None:
    spec = EngineSpec("speech", {"api_key": "sk-1"})
    assert "sk-1" not in repr(spec)
    assert "sk-1" not in repr(EngineChoice(tts=spec, llm_api_key="sk-1"))
    assert "speech" in repr(EngineChoice(tts=spec))
