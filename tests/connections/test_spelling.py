from __future__ import annotations

import pytest

from vivavoce.connections.spelling import closest, snake, unknown


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("inputAudioFormat", "input_audio_format"),
        ("input_audio_format", "input_audio_format"),
        ("timeoutS", "timeout_s"),
        ("baseUrl", "base_url"),
        ("oauth2Token", "oauth2_token"),
        ("voice", "voice"),
        ("HTTP", "HTTP"),
        ("OpenAI-Project", "OpenAI-Project"),
        ("", ""),
    ],
)
def test_camel_case_becomes_snake_case(written: str, name: str) -> None:
    assert snake(written) == name


def test_the_closest_name_is_found_if_it_is_close() -> None:
    assert closest("voise", ["voice", "speed"]) == "voice"
    assert closest("turnDetecton", ["turn_detection"]) == "turn_detection"
    assert closest("colour", ["voice", "speed"]) is None
    assert closest("voise", ["voice"], likeness=0.9) is None
    assert closest(3, ["voice"]) is None


def test_an_unknown_key_is_told_with_what_is_known() -> None:
    assert str(unknown("s.voise", "voise", ["speed", "voice"])) == (
        "s.voise is not known; did you mean 'voice'? known are: speed, voice"
    )
    assert str(unknown("s.x", "x", ["speed", "voice"])) == "s.x is not known; known are: speed, voice"
