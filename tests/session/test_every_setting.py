"""Every setting there is, flat and nested, in snake_case and camelCase, and what the server is told."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from vivavoce.protocol.codec import to_builtins
from vivavoce.session.model_settings import read_settings, session_of
from vivavoce.session.settings_keys import KEYS

PCM = {"type": "audio/pcm", "rate": 24000}


def camel(value: Any) -> Any:
    """The same settings as one writes them in JavaScript."""
    if not isinstance(value, Mapping):
        return value
    return {
        re.sub(r"_([a-z])", lambda hump: hump[1].upper(), key): inner
        if key in {"metadata", "variables"}
        else camel(inner)
        for key, inner in value.items()
    }


def session(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the server is told."""
    return to_builtins(session_of(read_settings(settings, "s"), instructions="", voice=None, tools=[]))


# Every setting: its flat form, its nested form where there is one, and what the server is told.
TABLE: list[tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any]]] = [
    ({"instructions": "Be kind."}, None, {"instructions": "Be kind."}),
    ({"modalities": ["text"]}, None, {"output_modalities": ["text"]}),
    ({"modalities": ["text", "audio"]}, None, {"output_modalities": ["audio"]}),
    ({"output_modalities": ["audio"]}, None, {"output_modalities": ["audio"]}),
    ({"voice": "ash"}, {"output": {"voice": "ash"}}, {"audio": {"output": {"voice": "ash"}}}),
    (
        {"voice": {"id": "voice_1"}},
        {"output": {"voice": {"id": "voice_1"}}},
        {"audio": {"output": {"voice": {"id": "voice_1"}}}},
    ),
    ({"speed": 1.2}, {"output": {"speed": 1.2}}, {"audio": {"output": {"speed": 1.2}}}),
    ({"input_audio_format": "pcm16"}, {"input": {"format": "pcm16"}}, {"audio": {"input": {"format": PCM}}}),
    (
        {"input_audio_format": "g711_ulaw"},
        {"input": {"format": {"type": "audio/pcmu"}}},
        {"audio": {"input": {"format": {"type": "audio/pcmu"}}}},
    ),
    (
        {"output_audio_format": "g711_alaw"},
        {"output": {"format": "audio/pcma"}},
        {"audio": {"output": {"format": {"type": "audio/pcma"}}}},
    ),
    ({"output_audio_format": PCM}, {"output": {"format": PCM}}, {"audio": {"output": {"format": PCM}}}),
    ({"tool_choice": "required"}, None, {"tool_choice": "required"}),
    (
        {"tool_choice": {"type": "mcp", "server_label": "docs"}},
        None,
        {"tool_choice": {"type": "mcp", "server_label": "docs"}},
    ),
    ({"parallel_tool_calls": False}, None, {"parallel_tool_calls": False}),
    ({"max_output_tokens": 200}, None, {"max_output_tokens": 200}),
    ({"max_response_output_tokens": "inf"}, None, {"max_output_tokens": "inf"}),
    ({"reasoning": {"effort": "low"}}, None, {"reasoning": {"effort": "low"}}),
    (
        {"prompt": {"id": "p", "version": "2", "variables": {"theName": "Ada"}}},
        None,
        {"prompt": {"id": "p", "version": "2", "variables": {"theName": "Ada"}}},
    ),
    ({"truncation": "auto"}, None, {"truncation": "auto"}),
    (
        {
            "truncation": {
                "type": "retention_ratio",
                "retention_ratio": 0.8,
                "token_limits": {"post_instructions": 9},
            }
        },
        None,
        {
            "truncation": {
                "type": "retention_ratio",
                "retention_ratio": 0.8,
                "token_limits": {"post_instructions": 9},
            }
        },
    ),
    ({"tracing": "auto"}, None, {"tracing": "auto"}),
    ({"tracing": None}, None, {"tracing": None}),
    *(
        ({"tracing": {key: value}}, None, {"tracing": {key: value}})
        for key, value in {"workflow_name": "w", "group_id": "g", "metadata": {"theirKey": [1]}}.items()
    ),
    (
        {"include": ["item.input_audio_transcription.logprobs"]},
        None,
        {"include": ["item.input_audio_transcription.logprobs"]},
    ),
    *(
        (
            {"input_audio_transcription": {key: value}},
            {"input": {"transcription": {key: value}}},
            {"audio": {"input": {"transcription": {key: value}}}},
        )
        for key, value in {
            "model": "whisper-1",
            "language": "en",
            "prompt": "Names: Ada",
            "languages": ["en", "de"],
            "keywords": ["Ada"],
            "delay": "low",
        }.items()
    ),
    (
        {"input_audio_transcription": None},
        {"input": {"transcription": None}},
        {"audio": {"input": {"transcription": None}}},
    ),
    *(
        (
            {"input_audio_noise_reduction": value},
            {"input": {"noise_reduction": value}},
            {"audio": {"input": {"noise_reduction": value}}},
        )
        for value in ({"type": "near_field"}, {"type": "far_field", "strength": 0.5}, None)
    ),
    (
        {"turn_detection": None},
        {"input": {"turn_detection": None}},
        {"audio": {"input": {"turn_detection": None}}},
    ),
    *(
        (
            {"turn_detection": {"type": kind, key: value}},
            {"input": {"turn_detection": {"type": kind, key: value}}},
            {"audio": {"input": {"turn_detection": {"type": kind, key: value}}}},
        )
        for kind, key, value in (
            ("semantic_vad", "eagerness", "low"),
            ("semantic_vad", "create_response", False),
            ("semantic_vad", "interrupt_response", True),
            ("server_vad", "create_response", True),
            ("server_vad", "interrupt_response", False),
            ("server_vad", "prefix_padding_ms", 300),
            ("server_vad", "silence_duration_ms", 200),
            ("server_vad", "threshold", 0.4),
            ("server_vad", "idle_timeout_ms", 6000),
            ("server_vad", "idle_timeout_ms", None),
        )
    ),
]


@pytest.mark.parametrize(("flat", "nested", "told"), TABLE)
def test_every_setting_in_every_spelling_is_told_to_the_server(
    flat: dict[str, Any], nested: dict[str, Any] | None, told: dict[str, Any]
) -> None:
    told = {"type": "realtime", **told}
    assert session(flat) == told
    assert session(camel(flat)) == told
    if nested is not None:
        assert session({"audio": nested}) == told
        assert session(camel({"audio": nested})) == told


def test_no_setting_is_missing_from_the_table() -> None:
    assert {name for flat, _, _ in TABLE for name in flat} == set(KEYS)
