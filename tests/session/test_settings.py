from __future__ import annotations

from typing import Any

import pytest

from vivavoce.agents import function_tool
from vivavoce.errors import ConfigurationError
from vivavoce.protocol.codec import to_builtins
from vivavoce.session.settings import check_run_config, overlay, read_settings, session_of

PCM = {"type": "audio/pcm", "rate": 24000}


@function_tool
def wave() -> str:
    """Wave."""
    return ""


@pytest.mark.parametrize(
    ("settings", "session"),
    [
        ({}, {}),
        ({"model_name": "m"}, {}),
        ({"instructions": "Be kind."}, {"instructions": "Be kind."}),
        ({"modalities": ["text", "audio"]}, {"output_modalities": ["audio"]}),
        ({"modalities": ["text"]}, {"output_modalities": ["text"]}),
        ({"output_modalities": ["audio"]}, {"output_modalities": ["audio"]}),
        ({"voice": "alloy", "speed": 1.2}, {"audio": {"output": {"voice": "alloy", "speed": 1.2}}}),
        ({"input_audio_format": "pcm16"}, {"audio": {"input": {"format": PCM}}}),
        ({"output_audio_format": "g711_ulaw"}, {"audio": {"output": {"format": {"type": "audio/pcmu"}}}}),
        (
            {"output_audio_format": {"type": "audio/pcma"}},
            {"audio": {"output": {"format": {"type": "audio/pcma"}}}},
        ),
        (
            {"input_audio_transcription": {"model": "whisper-1"}},
            {"audio": {"input": {"transcription": {"model": "whisper-1"}}}},
        ),
        (
            {"turn_detection": {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 200}},
            {
                "audio": {
                    "input": {
                        "turn_detection": {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 200}
                    }
                }
            },
        ),
        ({"turn_detection": None}, {"audio": {"input": {"turn_detection": None}}}),
        (
            {"input_audio_noise_reduction": {"type": "near_field"}},
            {"audio": {"input": {"noise_reduction": {"type": "near_field"}}}},
        ),
        (
            {"tool_choice": "required", "max_response_output_tokens": "inf"},
            {"tool_choice": "required", "max_output_tokens": "inf"},
        ),
        (
            {"tracing": {"workflow_name": "w"}, "truncation": "auto"},
            {"tracing": {"workflow_name": "w"}, "truncation": "auto"},
        ),
        (
            {"voice": "alloy", "audio": {"output": {"voice": "echo", "format": "g711_alaw"}, "input": {}}},
            {"audio": {"output": {"voice": "echo", "format": {"type": "audio/pcma"}}, "input": {}}},
        ),
    ],
)
def test_flat_and_nested_settings_become_the_api_of_today(
    settings: dict[str, Any], session: dict[str, Any]
) -> None:
    assert read_settings(settings, "s").session == session


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ([], "s must be a dictionary, got []"),
        ({"colour": 1}, "s.colour is not known; known are: audio, "),
        ({"temperature": 0.8}, "s.temperature is not accepted: the Realtime API no longer has it"),
        ({"handoffs": []}, "s.handoffs is not supported by this version"),
        ({"model_name": ""}, "s.model_name must be a text that is not empty, got ''"),
        ({"tools": [len]}, "s.tools[0] is not a FunctionTool"),
        ({"voice": 3}, "s.voice: Invalid type for 's.voice'"),
        (
            {"modalities": ["video"]},
            "s.modalities[0]: Invalid value: 'video'. Supported values are: 'text', 'audio'.",
        ),
        ({"input_audio_format": "mp3"}, "s.input_audio_format: 'mp3' is not accepted; accepted are 'pcm16'"),
        ({"audio": {"output": {"format": "mp3"}}}, "s.audio.output.format: 'mp3' is not accepted"),
        (
            {"audio": {"output": {"colour": 1}}},
            "s.audio.output.colour is not known; known are: format, voice, speed",
        ),
        ({"audio": None}, "s.audio: Invalid type for 's.audio'"),
        (
            {"turn_detection": {"type": "bogus"}},
            "s.turn_detection.type: Invalid value: 'bogus'. Supported values are: 'server_vad'",
        ),
        (
            {"turn_detection": {"threshold": 3}},
            "s.turn_detection.threshold: Invalid value: 3. Expected a value between 0 and 1.",
        ),
        (
            {"turn_detection": {"type": "server_vad", "eagerness": "low"}},
            "s.turn_detection.eagerness is not known; known are: type, threshold, prefix_padding_ms",
        ),
        (
            {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}},
            "s.turn_detection.threshold is not known; known are: type, eagerness, create_response",
        ),
        (
            {"input_audio_transcription": {"modell": "x"}},
            "s.input_audio_transcription.modell is not known; known are: model, language",
        ),
        (
            {"truncation": {"type": "retention_ratio", "retention_ratio": 1, "x": 1}},
            "s.truncation.x: Unknown parameter",
        ),
        ({"max_output_tokens": 0}, "s.max_output_tokens: Invalid value: 0."),
        (
            {"tool_choice": "maybe"},
            "s.tool_choice: Invalid value: 'maybe'. Supported values are: 'none', 'auto'",
        ),
    ],
)
def test_a_setting_that_is_not_accepted_is_named_in_the_users_words(settings: Any, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_settings(settings, "s")
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ("x", "config must be a dictionary, got 'x'"),
        ({"output_guardrails": []}, "config.output_guardrails is not supported by this version"),
        ({"colour": 1}, "config.colour is not known; known is: model_settings"),
        ({"model_settings": {"voice": 1}}, "config.model_settings.voice: "),
    ],
)
def test_a_run_configuration_that_is_not_accepted(config: Any, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check_run_config(config)
    assert complaint in str(caught.value)


def test_no_configuration_is_a_configuration() -> None:
    assert check_run_config(None).session == {}


@pytest.mark.parametrize(
    ("below", "above", "merged"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": {"type": "x", "b": 1}}, {"a": {"type": "y"}}, {"a": {"type": "y"}}),
        ({"a": {"type": "x", "b": 1}}, {"a": {"b": 2}}, {"a": {"type": "x", "b": 2}}),
        ({"a": [1]}, {"a": [2]}, {"a": [2]}),
    ],
)
def test_layers_merge_deeply(below: dict[str, Any], above: dict[str, Any], merged: dict[str, Any]) -> None:
    assert overlay(below, above) == merged


def test_the_agent_goes_before_the_connection_before_the_run() -> None:
    run = read_settings(
        {
            "model_name": "run",
            "instructions": "run",
            "voice": "run",
            "tools": [wave],
            "speed": 1.1,
            "turn_detection": {"type": "semantic_vad"},
        },
        "s",
    )
    initial = read_settings(
        {
            "model_name": "initial",
            "instructions": "initial",
            "voice": "initial",
            "turn_detection": {"eagerness": "low"},
        },
        "s",
    )
    settings = initial.over(run)
    assert (settings.model_name, settings.tools) == ("initial", (wave,))
    session = session_of(settings, instructions="agent", voice="agent", tools=[wave])
    assert to_builtins(session) == {
        "type": "realtime",
        "instructions": "agent",
        "tools": [
            {
                "type": "function",
                "name": "wave",
                "description": "Wave.",
                "parameters": dict(wave.params_json_schema),
            }
        ],
        "audio": {
            "input": {"turn_detection": {"type": "semantic_vad", "eagerness": "low"}},
            "output": {"voice": "agent", "speed": 1.1},
        },
    }


def test_nothing_is_sent_that_nobody_set() -> None:
    session = session_of(read_settings({}, "s"), instructions="", voice=None, tools=[])
    assert to_builtins(session) == {"type": "realtime"}


@pytest.mark.parametrize(
    ("detection", "kind"), [({"eagerness": "low"}, "semantic_vad"), ({"threshold": 0.4}, "server_vad")]
)
def test_turn_detection_is_given_the_kind_its_settings_belong_to(
    detection: dict[str, Any], kind: str
) -> None:
    session = to_builtins(
        session_of(read_settings({"turn_detection": detection}, "s"), instructions="", voice=None, tools=[])
    )
    assert session["audio"]["input"]["turn_detection"]["type"] == kind


def test_layers_that_do_not_go_together_are_refused() -> None:
    settings = read_settings({"turn_detection": {"eagerness": "low"}}, "s").over(
        read_settings({"turn_detection": {"type": "server_vad"}}, "s")
    )
    with pytest.raises(ConfigurationError, match=r"the settings do not go together.*eagerness"):
        session_of(settings, instructions="", voice=None, tools=[])
