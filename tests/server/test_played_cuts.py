"""What is not played any more when somebody interrupts, and what the conversation keeps of it."""

from __future__ import annotations

import pytest
from tests.server.ear import (
    Ear,
    audio,
    audio_done,
    created,
    done,
    part,
    speaking,
    speech,
    spoken,
    updated,
)

from vivavoce.protocol import (
    AudioInput,
    AudioOutput,
    ErrorDetail,
    ErrorEvent,
    PcmaFormat,
    PcmFormat,
    RealtimeSession,
    ServerVad,
    SessionAudio,
    SessionUpdated,
    TranscriptionSession,
    TranscriptionSessionAudio,
)
from vivavoce.server.played_output import PlayedOutput
from vivavoce.testing.tones import tone_in


@pytest.fixture
def ear() -> Ear:
    return Ear()


# --- somebody interrupts ------------------------------------------------------------------------------------


def test_speech_stops_it_at_once_and_its_item_keeps_what_was_heard(ear: Ear) -> None:
    ear.say(*speaking(500))
    ear.pull(100)
    news = ear.say(speech(), audio("r1", "a1", 100), audio_done("r1", "a1"), done("r1"))
    assert news == ["speech", "cleared r1", "done r1", "truncate a1 100"]
    assert ear.pull(1000) == []
    assert ear.heard_ms == 100


def test_the_cut_waits_for_the_response_to_be_done(ear: Ear) -> None:
    ear.say(*speaking(500))
    ear.pull(100)
    assert ear.say(speech()) == ["speech", "cleared r1"]
    assert ear.pull(100) == []
    assert ear.say(audio("r1", "a1", 100), done("r1")) == ["done r1", "truncate a1 100"]


def test_speech_in_the_tail_of_what_is_done(ear: Ear) -> None:
    ear.say(*spoken(500))
    ear.pull(480)
    assert ear.say(speech()) == ["speech", "cleared r1", "truncate a1 480"]
    assert ear.pull(100) == []


def test_speech_in_a_pause_of_a_slow_answer(ear: Ear) -> None:
    ear.say(*speaking(40))
    ear.pull(100)
    assert ear.say(speech(), done("r1")) == ["speech", "cleared r1", "done r1", "truncate a1 40"]


def test_what_was_heard_to_its_end_is_left_alone(ear: Ear) -> None:
    ear.say(*speaking(40), audio_done("r1", "a1"), part("r1", "a2"), audio("r1", "a2", 100))
    ear.pull(60)
    assert ear.say(speech(), done("r1")) == ["speech", "cleared r1", "done r1", "truncate a2 20"]


def test_what_waits_was_not_heard_at_all(ear: Ear) -> None:
    ear.say(*spoken(100), *speaking(100, "r2", "a2"))
    ear.pull(60)
    assert ear.say(speech(), done("r2")) == [
        "speech",
        "cleared r1",
        "cleared r2",
        "done r2",
        "truncate a1 60",
        "truncate a2 0",
    ]
    assert ear.pull(100) == []


def test_speech_before_the_first_sample(ear: Ear) -> None:
    ear.say(created("r1"), part("r1", "a1"))
    assert ear.say(speech()) == ["speech"]
    assert ear.say(audio("r1", "a1", 100), done("r1")) == ["done r1", "truncate a1 0"]
    assert ear.pull(100) == []


def test_speech_while_nothing_is_said(ear: Ear) -> None:
    assert ear.say(speech()) == ["speech"]
    ear.say(*spoken(40))
    ear.pull(60)
    assert ear.say(speech()) == ["speech"]
    ear.say(created("r2"))
    assert ear.say(speech()) == ["speech"]
    ear.say(audio("r2", "a2", 40), done("r2"))
    assert ear.pull(60) == ["started r2", "stopped r2"]


def test_what_is_beside_the_conversation_stops_too_and_is_not_truncated(ear: Ear) -> None:
    ear.say(created("x", beside=True), audio("x", "b", 100))
    ear.pull(40)
    assert ear.say(speech(), done("x", beside=True)) == ["speech", "cleared x", "done x"]
    ear.say(created("y", beside=True))
    ear.say(speech(), audio("y", "c", 20), done("y", beside=True))
    assert ear.pull(40) == ["started y", "stopped y"]  # it had not begun


@pytest.mark.parametrize(
    ("detection", "cleared"),
    [
        (ServerVad(interrupt_response=False), False),
        (ServerVad(interrupt_response=True), True),
        (ServerVad(), True),
        (None, False),
    ],
)
def test_whether_speech_interrupts_is_the_sessions_setting(
    ear: Ear, detection: ServerVad | None, cleared: bool
) -> None:
    ear.say(updated(detection=detection), *speaking(100))
    ear.pull(40)
    assert ear.say(speech()) == (["speech", "cleared r1"] if cleared else ["speech"])
    ear.say(done("r1"))
    assert ("stopped r1" in ear.pull(100)) is not cleared


@pytest.mark.parametrize(
    "session",
    [
        RealtimeSession(),
        RealtimeSession(audio=SessionAudio()),
        RealtimeSession(audio=SessionAudio(input=AudioInput(), output=AudioOutput())),
        TranscriptionSession(audio=TranscriptionSessionAudio(input=AudioInput(format=PcmFormat()))),
    ],
)
def test_what_a_session_does_not_show_stays_as_it_was(
    ear: Ear, session: RealtimeSession | TranscriptionSession
) -> None:
    ear.say(updated(fmt_in=PcmFormat(), fmt_out=PcmaFormat(), detection=ServerVad(interrupt_response=False)))
    ear.say(SessionUpdated(event_id="e", session=session))
    assert ear.output.input_format == PcmFormat()
    ear.say(created("r1"), audio("r1", "a1", tone_in("audio/pcma", 200)))
    ear.pull(100)
    assert ear.say(speech()) == ["speech"]
    ear.pull(200)
    assert len(b"".join(ear.heard)) == 200 * 48


# --- clients ------------------------------------------------------------------------------------------------


def test_a_client_clears(ear: Ear) -> None:
    ear.say(*speaking(500))
    ear.pull(100)
    assert ear.clear() == ["cleared r1", "truncate a1 100"]
    assert ear.clear() == []
    ear.say(audio("r1", "a1", 100), audio_done("r1", "a1"), part("r1", "a2"), audio("r1", "a2", 100))
    assert ear.pull(100) == []
    assert ear.say(done("r1")) == ["done r1", "truncate a2 0"]
    assert ear.heard_ms == 100


def test_a_client_clears_while_nothing_plays(ear: Ear) -> None:
    assert ear.clear() == []
    ear.say(*spoken(40))
    ear.pull(60)
    assert ear.clear() == []
    ear.say(created("r2"))
    assert ear.clear() == []
    ear.say(audio("r2", "a2", 40), done("r2"))
    assert ear.pull(60) == ["started r2", "stopped r2"]


@pytest.mark.parametrize("named", [None, "r1", "r2"])
def test_what_is_cancelled_and_cleared_is_not_heard_though_its_end_comes_late(
    ear: Ear, named: str | None
) -> None:
    ear.say(created("r1"))
    ear.output.cancel_asked(named)
    assert ear.clear() == []
    ear.say(part("r1", "a1"), audio("r1", "a1", 40))
    assert ear.say(done("r1")) == (["done r1"] if named == "r2" else ["done r1", "truncate a1 0"])
    assert ear.pull(60) == (["started r1", "stopped r1"] if named == "r2" else [])


def test_a_cancel_alone_lets_what_was_said_be_heard(ear: Ear) -> None:
    ear.say(*speaking(40))
    ear.output.cancel_asked(None)
    ear.say(done("r1"))
    assert ear.pull(60) == ["started r1", "stopped r1"]


def test_a_client_truncates_what_is_playing(ear: Ear) -> None:
    ear.say(*speaking(500))
    ear.pull(100)
    assert ear.output.take_truncate("a1")
    assert ear.note() == ["cleared r1", "truncate a1 100"]
    assert ear.output.take_truncate("a1")
    assert ear.note() == []
    assert ear.say(audio("r1", "a1", 100), done("r1")) == ["done r1"]
    assert ear.output.take_truncate("a1")
    assert ear.note() == []


def test_a_client_truncates_what_speech_has_cut(ear: Ear) -> None:
    ear.say(*speaking(500))
    ear.pull(100)
    ear.say(speech(), done("r1"))
    assert ear.output.take_truncate("a1")
    assert ear.note() == []


def test_a_client_truncates_what_is_not_playing(ear: Ear) -> None:
    assert not ear.output.take_truncate("nobodys")
    ear.say(*speaking(40), audio_done("r1", "a1"), part("r1", "a2"), audio("r1", "a2", 100))
    ear.pull(40)
    assert not ear.output.take_truncate("a1")
    assert ear.note() == []
    ear.say(done("r1"))
    ear.pull(200)
    assert not ear.output.take_truncate("a2")


def test_what_was_cut_is_not_remembered_for_ever(ear: Ear) -> None:
    for number in range(300):
        ear.say(*speaking(40, f"r{number}", f"a{number}"), speech(), done(f"r{number}"))
    assert not ear.output.take_truncate("a0")
    assert ear.output.take_truncate("a299")


def test_errors_of_its_own_truncations_are_nobodys(ear: Ear) -> None:
    ear.say(*spoken(100))
    ear.clear()
    (own,) = ear.told
    assert ear.say(*(failed(event_id) for event_id in (own, "mine", None))) == ["error", "error"]
    other = PlayedOutput(lambda: "event_other")
    other.receive(failed(own))
    assert other.events_to_send()


def failed(event_id: str | None) -> ErrorEvent:
    detail = ErrorDetail(type="invalid_request_error", code="x", message="", param=None, event_id=event_id)
    return ErrorEvent(event_id="e", error=detail)
