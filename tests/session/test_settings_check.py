from __future__ import annotations

from typing import Any

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.session.merging import nest
from vivavoce.session.settings_check import TURN_DETECTION, check_setting, split_vendor_keys, with_vad_type
from vivavoce.session.settings_keys import KEYS, spell


def check(name: str, value: object, written: str | None = None) -> None:
    """Check one flat setting as a user wrote it under some name."""
    spelled = spell({written or name: value}, "s")
    path = KEYS[name].path
    check_setting(nest(path, spelled.values[name]), path, name, spelled)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("voice", "ash"),
        ("voice", {"id": "voice_1"}),
        ("turn_detection", None),
        ("turn_detection", {"threshold": 0.5}),
        ("turn_detection", {"eagerness": "low", "model_version": "2"}),
        ("turn_detection", {"type": "server_vad", "speech_duration_ms": 80, "remove_filler_words": True}),
        ("reasoning", {"effort": "low"}),
    ],
)
def test_what_the_api_or_a_vendor_knows_is_accepted(name: str, value: object) -> None:
    check(name, value)


@pytest.mark.parametrize(
    ("name", "written", "value", "complaint"),
    [
        ("voice", "voice", 3, "s.voice: Invalid type: expected a string or an object"),
        (
            "turn_detection",
            "turnDetection",
            {"silenceDurationMs": -1},
            "s.turnDetection.silenceDurationMs: Invalid value: -1. Expected a value of at least 0.",
        ),
        (
            "turn_detection",
            "turnDetection",
            {"threshhold": 0.5},
            "s.turnDetection.threshhold is not known; did you mean 'threshold'? known are: type, threshold",
        ),
        (
            "turn_detection",
            "turn_detection",
            {"silence_duration": 200},
            "s.turn_detection.silence_duration is not known; did you mean 'silence_duration_ms'?",
        ),
        (
            "turn_detection",
            "turn_detection",
            {"type": "semantic_vad", "threshold": 0.5},
            "s.turn_detection.threshold is not known; known are: type, eagerness, create_response",
        ),
        (
            "reasoning",
            "reasoning",
            {"efort": "low"},
            "s.reasoning.efort is not known; did you mean 'effort'? known are: effort",
        ),
        ("tool_choice", "toolChoice", {"type": "function", "x": 1}, "s.toolChoice.x: Unknown parameter."),
    ],
)
def test_what_is_not_accepted_is_told_in_the_users_words(
    name: str, written: str, value: object, complaint: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        check(name, value, written)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("detection", "kind"),
    [
        ({}, "server_vad"),
        ({"threshold": 0.4}, "server_vad"),
        ({"eagerness": "low"}, "semantic_vad"),
        ({"type": "semantic_vad"}, "semantic_vad"),
    ],
)
def test_turn_detection_is_given_the_kind_its_settings_belong_to(
    detection: dict[str, Any], kind: str
) -> None:
    assert with_vad_type(nest(TURN_DETECTION, detection)) == nest(TURN_DETECTION, {**detection, "type": kind})


@pytest.mark.parametrize("session", [{}, {"audio": None}, {"audio": {"input": {"turn_detection": None}}}])
def test_no_turn_detection_is_given_no_kind_and_has_no_vendor(session: dict[str, Any]) -> None:
    assert with_vad_type(session) == session
    assert split_vendor_keys(session) == (session, {})


def test_a_vendors_keys_are_told_apart() -> None:
    session = {
        "voice": "x",
        "audio": {
            "output": {"speed": 1.1},
            "input": {"format": None, "turn_detection": {"type": "server_vad", "theirs": 1}},
        },
    }
    known, vendor = split_vendor_keys(session)
    assert known == {
        "voice": "x",
        "audio": {
            "output": {"speed": 1.1},
            "input": {"format": None, "turn_detection": {"type": "server_vad"}},
        },
    }
    assert vendor == nest(TURN_DETECTION, {"theirs": 1})
    plain = nest(TURN_DETECTION, {"type": "server_vad"})
    assert split_vendor_keys(plain) == (plain, {})


def test_a_message_names_the_path_once() -> None:
    with pytest.raises(
        ConfigurationError, match=r"^s\.speed: Invalid type: expected a number, but got a string instead\.$"
    ):
        check("speed", "fast")
