from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from vivavoce.agents import RealtimeAgent, function_tool
from vivavoce.agents.tool import HostedMCPTool
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import RealtimeSession, SessionUpdate
from vivavoce.protocol.codec import to_builtins
from vivavoce.session.model_settings import (
    ModelSettings,
    raw_update,
    read_settings,
    realtime_session,
    session_of,
)

PCM = {"type": "audio/pcm", "rate": 24000}
AGENT = RealtimeAgent[Any]("Billing")


@function_tool
def wave() -> str:
    """Wave."""
    return ""


MCP = HostedMCPTool("docs", "https://host/mcp")


def session(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the server is told."""
    return to_builtins(session_of(read_settings(settings, "s"), instructions="", voice=None, tools=[]))


def test_what_the_api_does_not_know_goes_along_to_the_server() -> None:
    settings = read_settings(
        {
            "turnDetection": {"type": "server_vad", "modelVersion": "v2", "theirs": 1},
            "providerData": {"theirKey": {"innerKey": 1}, "audio": {"output": {"voice": "theirs"}}},
            "voice": "ash",
        },
        "s",
    )
    built = session_of(settings, instructions="", voice=None, tools=[])
    assert to_builtins(built) == {
        "type": "realtime",
        "audio": {"input": {"turn_detection": {"type": "server_vad"}}, "output": {"voice": "ash"}},
    }
    assert raw_update(SessionUpdate(event_id="e", session=built), settings) == {
        "type": "session.update",
        "event_id": "e",
        "session": {
            "type": "realtime",
            "theirKey": {"innerKey": 1},
            "audio": {
                "input": {"turn_detection": {"type": "server_vad", "model_version": "v2", "theirs": 1}},
                "output": {"voice": "theirs"},
            },
        },
    }
    plain = read_settings({"voice": "ash"}, "s")
    assert raw_update(SessionUpdate(session=built), plain) is None


def test_the_names_of_today_go_before_those_of_the_beta_and_nested_before_flat() -> None:
    assert session({"output_modalities": ["text"], "modalities": ["audio"]})["output_modalities"] == ["text"]
    assert session({"max_output_tokens": 1, "max_response_output_tokens": 2})["max_output_tokens"] == 1
    settings = {"audio": {"output": {"voice": "nested"}}, "voice": "flat", "speed": 1.1}
    assert session(settings)["audio"] == {"output": {"voice": "nested", "speed": 1.1}}


def test_what_is_not_told_but_kept() -> None:
    settings = read_settings({"modelName": "m", "tools": [wave, MCP], "handoffs": [AGENT]}, "s")
    assert settings == ModelSettings({}, "m", (wave, MCP), (AGENT,))
    assert read_settings({"tools": None, "handoffs": None, "provider_data": None}, "s") == ModelSettings()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ([], "s must be a dictionary, got []"),
        ({"colour": 1}, "s.colour is not known; known are: audio, "),
        ({"voise": 1}, "s.voise is not known; did you mean 'voice'? known are: audio, "),
        ({"turnDetecton": None}, "s.turnDetecton is not known; did you mean 'turn_detection'? known are: "),
        ({3: 1}, "s.3 is not known; known are: audio, "),
        ({"temperature": 0.8}, "s.temperature is not accepted: the Realtime API no longer has it"),
        ({"handoffs": [len]}, "s.handoffs[0]"),
        ({"handoffs": [AGENT, AGENT]}, "s.handoffs has two handoffs named 'transfer_to_billing'"),
        ({"model_name": ""}, "s.model_name must be a text that is not empty, got ''"),
        ({"modelName": 3}, "s.modelName must be a text that is not empty, got 3"),
        ({"tools": [len]}, "s.tools[0] is not a FunctionTool"),
        ({"provider_data": 3}, "s.provider_data must be a dictionary, got 3"),
        ({"providerData": {"x": {1}}}, "s.providerData must be plain JSON: "),
        ({"provider_data": {"x": float("nan")}}, "s.provider_data must be plain JSON: "),
        ({"voice": 3}, "s.voice: Invalid type: expected"),
        (
            {"modalities": ["video"]},
            "s.modalities[0]: Invalid value: 'video'. Supported values are: 'text', 'audio'.",
        ),
        ({"inputAudioFormat": "mp3"}, "s.inputAudioFormat: 'mp3' is not accepted; accepted are 'pcm16'"),
        ({"audio": {"output": {"format": "mp3"}}}, "s.audio.output.format: 'mp3' is not accepted"),
        (
            {"audio": {"output": {"colour": 1}}},
            "s.audio.output.colour is not known; known are: format, voice, speed",
        ),
        (
            {"audio": {"input": {"turnDetection": {"threshholds": 1}}}},
            "s.audio.input.turnDetection.threshholds is not known; did you mean 'threshold'?",
        ),
        ({"audio": 3}, "s.audio: Invalid type: expected an object"),
        (
            {"turn_detection": {"type": "bogus"}},
            "s.turn_detection.type: Invalid value: 'bogus'. Supported values are: 'server_vad'",
        ),
        (
            {"turn_detection": {"threshold": 3}},
            "s.turn_detection.threshold: Invalid value: 3. Expected a value between 0 and 1.",
        ),
        (
            {"input_audio_transcription": {"modell": "x"}},
            "s.input_audio_transcription.modell is not known; did you mean 'model'? known are: model",
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


# --- layers -----------------------------------------------------------------------------------------------


def test_the_agent_goes_before_the_connection_before_the_run() -> None:
    run = read_settings(
        {
            "model_name": "run",
            "instructions": "run",
            "voice": "run",
            "tools": [wave],
            "handoffs": [AGENT],
            "speed": 1.1,
            "prompt": {"id": "run", "version": "1"},
            "turn_detection": {"type": "semantic_vad", "theirs": 1},
            "provider_data": {"a": {"b": 1, "c": 1}},
        },
        "s",
    )
    initial = read_settings(
        {
            "model_name": "initial",
            "instructions": "initial",
            "voice": "initial",
            "turn_detection": {"eagerness": "low"},
            "provider_data": {"a": {"b": 2}},
        },
        "s",
    )
    settings = initial.over(run)
    assert (settings.model_name, settings.tools, settings.handoffs) == ("initial", (wave,), (AGENT,))
    assert settings.extra == {
        "audio": {"input": {"turn_detection": {"theirs": 1}}},
        "a": {"b": 2, "c": 1},
    }
    built = session_of(
        settings, instructions="agent", voice="agent", prompt={"id": "agent"}, tools=[wave.to_wire()]
    )
    assert to_builtins(built) == {
        "type": "realtime",
        "instructions": "agent",
        "prompt": {"id": "agent"},
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
    alone = session_of(settings, instructions="", voice=None, tools=[])
    assert (alone.instructions, to_builtins(alone)["prompt"]) == ("initial", {"id": "run", "version": "1"})


def test_settings_above_may_take_tools_away_and_turn_a_detection_with_its_vendors_keys_off() -> None:
    run = read_settings({"tools": [wave], "turn_detection": {"threshold": 0.4, "theirs": 1}}, "s")
    settings = read_settings({"tools": [], "turn_detection": None}, "s").over(run)
    assert settings.tools == ()
    assert settings.extra == {}
    assert to_builtins(session_of(settings, instructions="", voice=None, tools=[]))["audio"] == {
        "input": {"turn_detection": None}
    }


def test_nothing_is_sent_that_nobody_set() -> None:
    assert session({}) == {"type": "realtime"}


def test_what_the_agent_before_had_is_taken_back() -> None:
    settings = read_settings({"voice": "ash"}, "s")
    before = session_of(
        settings, instructions="Sell.", voice=None, prompt={"id": "p"}, tools=[wave.to_wire(), MCP.to_wire()]
    )
    after = to_builtins(session_of(settings, instructions="", voice=None, tools=[], replaces=before))
    assert after == {
        "type": "realtime",
        "instructions": "",
        "tools": [],
        "prompt": None,
        "audio": {"output": {"voice": "ash"}},
    }
    again = session_of(settings, instructions="Help.", voice=None, tools=[], replaces=RealtimeSession())
    assert to_builtins(again) == {
        "type": "realtime",
        "instructions": "Help.",
        "audio": {"output": {"voice": "ash"}},
    }


def test_a_voice_that_was_heard_is_not_named_again() -> None:
    settings = read_settings({"voice": "ash", "speed": 1.2}, "s")
    built = session_of(settings, instructions="", voice="echo", tools=[], voice_fixed=True)
    assert to_builtins(built)["audio"] == {"output": {"speed": 1.2}}


def test_a_run_that_is_not_traced_asks_for_no_trace() -> None:
    settings = read_settings({"tracing": "auto"}, "s").over(ModelSettings(untraced=True))
    assert to_builtins(session_of(settings, instructions="", voice=None, tools=[])) == {"type": "realtime"}


@pytest.mark.parametrize(
    ("settings", "detection"),
    [
        ({}, {"type": "server_vad", "create_response": False}),
        (
            {"turn_detection": {"eagerness": "low", "create_response": True}},
            {"type": "semantic_vad", "eagerness": "low", "create_response": False},
        ),
        ({"turn_detection": None}, None),
        ({"input_audio_transcription": None}, {"type": "server_vad", "create_response": False}),
    ],
)
def test_input_guardrails_leave_no_response_to_turn_detection(
    settings: dict[str, Any], detection: dict[str, Any] | None
) -> None:
    read = read_settings(settings, "s")
    built = to_builtins(session_of(read, instructions="", voice=None, tools=[], gated=True))
    assert built["audio"]["input"]["turn_detection"] == detection


def test_layers_that_do_not_go_together_are_refused() -> None:
    settings = read_settings({"turn_detection": {"eagerness": "low"}}, "s").over(
        read_settings({"turn_detection": {"type": "server_vad"}}, "s")
    )
    with pytest.raises(ConfigurationError, match=r"the settings do not go together.*eagerness"):
        session_of(settings, instructions="", voice=None, tools=[])


def test_two_tools_of_one_name_are_refused_but_a_server_may_have_the_name_of_a_function() -> None:
    settings = ModelSettings()
    with pytest.raises(ConfigurationError, match="two tools or handoffs named 'wave'"):
        session_of(settings, instructions="", voice=None, tools=[wave.to_wire(), wave.to_wire()])
    mcp = HostedMCPTool("wave", "https://host/mcp").to_wire()
    built = session_of(settings, instructions="", voice=None, tools=[wave.to_wire(), mcp])
    assert len(to_builtins(built)["tools"]) == 2


def test_settings_become_a_session_without_a_run() -> None:
    settings = {
        "modelName": "gpt-realtime",
        "instructions": "Speak like a pirate",
        "voice": "ash",
        "modalities": ["text", "audio"],
        "inputAudioFormat": "pcm16",
        "tools": [wave],
    }
    form = to_builtins(realtime_session(settings))
    assert [tool["name"] for tool in form.pop("tools")] == ["wave"]
    assert form == {
        "type": "realtime",
        "model": "gpt-realtime",
        "instructions": "Speak like a pirate",
        "output_modalities": ["audio"],
        "audio": {"input": {"format": PCM}, "output": {"voice": "ash"}},
    }
    assert to_builtins(realtime_session({})) == {"type": "realtime"}
    with pytest.raises(ConfigurationError, match=r"settings\.voise is not known; did you mean 'voice'"):
        realtime_session({"voise": "ash"})
