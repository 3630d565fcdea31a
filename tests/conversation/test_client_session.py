from __future__ import annotations

from typing import Any

import pytest

from vivavoce.conversation.client_session import (
    finds_turns,
    input_format,
    output_format,
    speech_interrupts,
    turns_are_answered,
)
from vivavoce.protocol import PcmuFormat, RealtimeSession
from vivavoce.protocol.codec import session_from


def session(**audio: Any) -> RealtimeSession:
    built = session_from({"type": "realtime", "audio": audio} if audio else {"type": "realtime"})
    assert isinstance(built, RealtimeSession)
    return built


@pytest.mark.parametrize(
    ("detection", "interrupts", "answered"),
    [
        (None, True, True),
        ({"type": "server_vad"}, True, True),
        ({"type": "server_vad", "create_response": False}, True, False),
        ({"type": "semantic_vad", "interrupt_response": False}, False, True),
    ],
)
def test_turn_detection_says_who_answers_and_what_interrupts(
    detection: Any, interrupts: bool, answered: bool
) -> None:
    said = session(input={"turn_detection": detection})
    assert (speech_interrupts(said), turns_are_answered(said)) == (interrupts, answered)


@pytest.mark.parametrize("said", [None, session(), session(output={"voice": "alloy"})])
def test_what_is_not_said_is_as_the_api_has_it(said: RealtimeSession | None) -> None:
    assert speech_interrupts(said)
    assert turns_are_answered(said)


def test_the_format_of_speech_is_known_once_the_session_says_it() -> None:
    said = session(output={"format": {"type": "audio/pcmu"}})
    assert output_format(session()) is None
    assert output_format(session(output={"voice": "alloy"})) is None
    spoken = output_format(said)
    assert spoken is not None
    assert spoken.type == "audio/pcmu"


def test_the_format_of_the_user_is_known_where_the_session_says_it() -> None:
    assert input_format(None) is None
    assert input_format(session()) is None
    assert input_format(session(input={})) is None
    assert input_format(session(input={"format": {"type": "audio/pcmu"}})) == PcmuFormat()


def test_only_turn_detection_finds_turns() -> None:
    assert not finds_turns(None)
    assert not finds_turns(session(input={"turn_detection": None}))
    assert finds_turns(session(input={"turn_detection": {"type": "server_vad"}}))
