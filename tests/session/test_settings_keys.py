from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from vivavoce.errors import ConfigurationError
from vivavoce.session.settings_keys import KEYS, nested_formats, spell

PCM = {"type": "audio/pcm", "rate": 24000}


def test_every_level_is_put_into_snake_case_but_not_what_is_the_users_own() -> None:
    settings = {
        "turnDetection": {"createResponse": True, "vendorKey": 1},
        "audio": {"input": {"noiseReduction": {"type": "near_field"}}},
        "tracing": {"groupId": "g", "metadata": {"theirKey": 1}},
        "prompt": {"id": "p", "variables": {"firstName": "Ada"}},
        "providerData": {"theirKey": {"innerKey": 1}},
        "max_output_tokens": "inf",
        "HTTP": 1,
    }
    assert spell(settings, "s").values == {
        "turn_detection": {"create_response": True, "vendor_key": 1},
        "audio": {"input": {"noise_reduction": {"type": "near_field"}}},
        "tracing": {"group_id": "g", "metadata": {"theirKey": 1}},
        "prompt": {"id": "p", "variables": {"firstName": "Ada"}},
        "provider_data": {"theirKey": {"innerKey": 1}},
        "max_output_tokens": "inf",
        "HTTP": 1,
    }


@pytest.mark.parametrize(
    ("inner", "where"),
    [
        ("turn_detection", "s.turnDetection"),
        ("turn_detection.create_response", "s.turnDetection.createResponse"),
        ("turn_detection.threshold", "s.turnDetection.threshold"),
        ("modalities[1]", "s.modalities[1]"),
        ("output_modalities[0]", "s.outputModalities[0]"),
        ("nothing.there", "s.nothing.there"),
    ],
)
def test_a_path_is_told_as_the_user_wrote_it(inner: str, where: str) -> None:
    settings = {"turnDetection": {"createResponse": 1, "threshold": 2}, "outputModalities": ["text"]}
    assert spell(settings, "s").where(inner) == where


class Detection(BaseModel):
    type: str = "server_vad"
    threshold: float | None = None


def test_the_official_clients_own_types_are_taken_for_dictionaries() -> None:
    assert spell({"turn_detection": Detection(type="semantic_vad")}, "s").values == {
        "turn_detection": {"type": "semantic_vad"}
    }
    assert spell(Detection(threshold=0.5), "s").values == {"threshold": 0.5}


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (3, "s must be a dictionary, got 3"),
        (
            {"toolChoice": "auto", "tool_choice": "none"},
            "s has both 'toolChoice' and 'tool_choice'; keep one",
        ),
        (
            {"audio": {"input": {"noise_reduction": None, "noiseReduction": None}}},
            "s.audio.input has both 'noise_reduction' and 'noiseReduction'; keep one",
        ),
    ],
)
def test_what_cannot_be_spelled(settings: Any, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        spell(settings, "s")
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    ("key", "value", "translated"),
    [
        ("modalities", ["text", "audio"], ["audio"]),
        ("output_modalities", ("audio", "text"), ["audio"]),
        ("modalities", ["text"], ["text"]),
        ("modalities", "audio", "audio"),
        ("modalities", None, None),
        ("input_audio_format", "pcm16", PCM),
        ("input_audio_format", "pcm", PCM),
        ("output_audio_format", "audio/pcm", PCM),
        ("output_audio_format", "g711_ulaw", {"type": "audio/pcmu"}),
        ("output_audio_format", "audio/pcmu", {"type": "audio/pcmu"}),
        ("output_audio_format", "g711_alaw", {"type": "audio/pcma"}),
        ("output_audio_format", "audio/pcma", {"type": "audio/pcma"}),
        ("output_audio_format", {"type": "audio/pcm"}, PCM),
        ("output_audio_format", {"type": "audio/pcm", "rate": 8000}, {"type": "audio/pcm", "rate": 8000}),
        ("output_audio_format", {"type": "mp3"}, {"type": "mp3"}),
        ("prompt", {"prompt_id": "p", "version": "1"}, {"id": "p", "version": "1"}),
        ("prompt", {"id": "p"}, {"id": "p"}),
        ("prompt", None, None),
        ("voice", "ash", "ash"),
    ],
)
def test_a_value_is_translated_to_the_api_of_today(key: str, value: object, translated: object) -> None:
    assert KEYS[key].translate(value, "s.x") == translated


def test_formats_have_their_short_names_in_the_nested_form_too() -> None:
    audio = {"input": {"format": "g711_ulaw", "transcription": None}, "output": {"voice": "ash"}, "other": 3}
    assert nested_formats(audio, "s.audio") == {
        "input": {"format": {"type": "audio/pcmu"}, "transcription": None},
        "output": {"voice": "ash"},
        "other": 3,
    }
    assert nested_formats(3, "s.audio") == 3
    with pytest.raises(ConfigurationError, match=r"s\.audio\.input\.format: 'mp3' is not accepted"):
        nested_formats({"input": {"format": "mp3"}}, "s.audio")
