"""The runner: what it sets where nothing is said."""

from __future__ import annotations

from typing import Any

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.openai_agents.realtime import DEFAULT_MODEL_SETTINGS, RealtimeAgent, RealtimeRunner
from vivavoce.protocol import SessionUpdate, to_builtins
from vivavoce.testing import ScriptedRealtimeModel, run

DEFAULT = DEFAULT_MODEL_SETTINGS["input_audio_transcription"]
NONE: dict[str, Any] = {"input_audio_transcription": None}
FLAT: dict[str, Any] = {"input_audio_transcription": {"model": "whisper-1"}}
NESTED: dict[str, Any] = {"audio": {"input": {"transcription": {"model": "whisper-1"}}}}


def transcription(config: dict[str, Any] | None, model_config: dict[str, Any] | None = None) -> Any:
    """Return what the server is told of transcription."""
    server = ScriptedRealtimeModel([])

    async def main() -> None:
        agent: RealtimeAgent[None] = RealtimeAgent("Ada")
        runner = RealtimeRunner(agent, model=server, config=config)
        async with await runner.run(model_config=model_config):  # type: ignore[arg-type]  # as users write it
            pass

    run(main())
    [update] = [event for event in server.sent_events if isinstance(event, SessionUpdate)]
    return to_builtins(update)["session"]["audio"]["input"]["transcription"]


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        (None, DEFAULT),
        ({}, DEFAULT),
        ({"model_settings": None}, DEFAULT),
        ({"model_settings": {"voice": "ash"}}, DEFAULT),
        ({"model_settings": FLAT}, {"model": "whisper-1"}),
        ({"model_settings": NESTED}, {"model": "whisper-1"}),
        ({"model_settings": NONE}, None),
    ],
)
def test_speech_is_written_down_unless_settings_say_otherwise(
    config: dict[str, Any] | None, wanted: Any
) -> None:
    assert transcription(config) == wanted


@pytest.mark.parametrize(("settings", "wanted"), [(FLAT, {"model": "whisper-1"}), (NONE, None)])
def test_settings_of_one_session_go_before(settings: dict[str, Any], wanted: Any) -> None:
    assert transcription(None, {"initial_model_settings": settings}) == wanted


@pytest.mark.parametrize(
    "config",
    [
        "fast",
        {"model_settings": 3},
        {"model_settings": {"audio": 3}},
        {"model_settings": {"audio": {"input": 3}}},
    ],
)
def test_what_is_no_setting_is_refused(config: Any) -> None:
    with pytest.raises(ConfigurationError):
        transcription(config)
