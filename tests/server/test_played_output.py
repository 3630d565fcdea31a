"""What is played of what a session says, when that is told, and what the conversation keeps."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from tests.server.ear import (
    Ear,
    audio,
    audio_done,
    created,
    done,
    part,
    sound,
    speaking,
    speech,
    spoken,
    updated,
)

from vivavoce.lines.playback import QUEUE_S
from vivavoce.protocol import (
    AudioFormat,
    PcmaFormat,
    PcmFormat,
    PcmuFormat,
    RateLimitsUpdated,
    ServerEvent,
)
from vivavoce.testing.tones import tone_in


@pytest.fixture
def ear() -> Ear:
    return Ear()


# --- one response -------------------------------------------------------------------------------------------


def test_nobody_speaks(ear: Ear) -> None:
    assert ear.pull(100) == []
    assert set(ear.heard) == {b""}


def test_everything_passes_on_in_order(ear: Ear) -> None:
    events = [updated(), *spoken(100), speech(), RateLimitsUpdated(event_id="e", rate_limits=[])]
    for event in events:
        ear.output.receive(event)
    assert ear.output.events_to_send()[: len(events) - 1] == events[:-1]


def test_an_answer_is_started_with_its_first_frame_and_stopped_with_its_last(ear: Ear) -> None:
    assert ear.pull(60) == []
    assert ear.say(*spoken(100)) == ["done r1"]
    assert ear.pull() == ["started r1"]
    assert ear.pull(60) == []
    assert ear.pull() == ["stopped r1"]
    assert ear.pull(100) == []
    assert ear.heard_ms == 100


def test_a_frame_is_960_bytes_or_none(ear: Ear) -> None:
    ear.say(*spoken(50))
    ear.pull(100)
    assert ear.heard == [sound(20), sound(20), sound(10) + bytes(480), b"", b""]


def test_while_it_is_slow_it_is_not_stopped_and_is_started_only_once(ear: Ear) -> None:
    ear.say(*speaking(40))
    assert ear.pull(200) == ["started r1"]
    ear.say(audio("r1", "a1", 40))
    assert ear.pull(200) == []
    assert ear.say(audio_done("r1", "a1"), done("r1")) == ["done r1"]
    assert ear.pull() == ["stopped r1"]
    assert ear.heard_ms == 80


def test_it_is_stopped_after_what_is_said_with_its_end(ear: Ear) -> None:
    ear.say(*speaking(20))
    ear.pull(40)
    ear.say(done("r1"), RateLimitsUpdated(event_id="e", rate_limits=[]))
    ear.pull()
    assert [event.type for event in ear.passed[-3:]] == [
        "response.done",
        "rate_limits.updated",
        "output_audio_buffer.stopped",
    ]


@pytest.mark.parametrize(
    "events",
    [
        [created("r1"), part("r1", "a1", spoken=False), done("r1")],
        [created("r1"), part("r1", "a1"), audio("r1", "a1", b""), audio_done("r1", "a1"), done("r1")],
        [created("r1"), done("r1")],
        [audio("r9", "a1", 100), audio_done("r9", "a1"), done("r9"), part("r9", "a1")],
        [*spoken(0), audio("r1", "a1", 100), done("r1")],
    ],
    ids=["text", "no sample", "nothing", "of nobody", "after its end"],
)
def test_nothing_is_played_of(ear: Ear, events: Sequence[ServerEvent]) -> None:
    ear.say(*events)
    ear.pull(100)
    assert [line for line in ear.log if not line.startswith("done")] == []
    assert ear.heard_ms == 0


def test_bytes_may_come_in_halves_of_samples(ear: Ear) -> None:
    pcm = bytes(range(256)) * 15
    ear.say(created("r1"), *(audio("r1", "a1", pcm[at : at + 3]) for at in range(0, len(pcm), 3)), done("r1"))
    ear.pull(100)
    assert b"".join(ear.heard) == pcm
    assert ear.log[-1] == "stopped r1"


@pytest.mark.parametrize("fmt", [PcmuFormat(), PcmaFormat()], ids=lambda fmt: fmt.type)
@pytest.mark.parametrize("told", ["response", "session"])
def test_a_response_may_speak_as_on_the_telephone(ear: Ear, fmt: AudioFormat, told: str) -> None:
    ear.say(updated(fmt_out=fmt) if told == "session" else updated(fmt_out=PcmFormat()))
    ear.say(created("r1", fmt=fmt if told == "response" else None))
    ear.say(audio("r1", "a1", tone_in(str(fmt.type), 200)))
    ear.pull(100)
    assert len(b"".join(ear.heard)) == 100 * 48
    ear.say(done("r1"))
    assert ear.clear() == ["cleared r1", "truncate a1 100"]


# --- several responses --------------------------------------------------------------------------------------


def test_two_in_a_row_have_a_start_and_an_end_each(ear: Ear) -> None:
    ear.say(*spoken(50), *spoken(50, "r2", "a2"))
    assert ear.pull(200) == ["started r1", "stopped r1", "started r2", "stopped r2"]
    assert ear.heard_ms == 100


def test_one_beside_another_waits_for_its_end(ear: Ear) -> None:
    ear.say(*speaking(40), created("x", beside=True), audio("x", "b", sound(40, 7)))
    assert ear.pull(100) == ["started r1"]
    ear.say(audio("x", "b", sound(20, 7)), done("x", beside=True))
    assert ear.pull(100) == []
    ear.say(audio("r1", "a1", 20), done("r1"))
    assert ear.pull(100) == ["stopped r1", "started x", "stopped x"]
    assert b"".join(ear.heard) == sound(60) + sound(60, 7)


def test_a_third_waits_for_the_second(ear: Ear) -> None:
    ear.say(*speaking(20), created("x", beside=True), audio("x", "b", sound(20, 7)))
    ear.say(created("y", beside=True), audio("y", "c", sound(20, 9)), done("r1"), done("y", beside=True))
    ear.pull(60)
    assert b"".join(ear.heard) == sound(20) + sound(20, 7)
    ear.say(done("x", beside=True))
    ear.pull(60)
    assert b"".join(ear.heard) == sound(20) + sound(20, 7) + sound(20, 9)
    assert ear.log[-3:] == ["stopped x", "started y", "stopped y"]


def test_of_the_conversation_there_is_one_at_a_time_whatever_the_session_forgets_to_say(ear: Ear) -> None:
    ear.say(*speaking(20), *speaking(20, "r2", "a2"))
    assert ear.pull(60) == ["started r1", "stopped r1", "started r2"]


def test_an_id_that_comes_twice_does_no_harm(ear: Ear) -> None:
    ear.say(created("x", beside=True), audio("x", "b", 20), created("x", beside=True), audio("x", "b", 20))
    ear.say(done("x"))
    assert ear.pull(60) == ["started x", "stopped x", "started x", "stopped x"]
    assert ear.heard_ms == 40


def test_responses_that_never_end_are_given_up(ear: Ear) -> None:
    for number in range(100):
        ear.say(created(f"x{number}", beside=True), audio(f"x{number}", f"b{number}", 20))
    ear.pull(4000)
    assert ear.heard_ms == 37 * 20  # the oldest 36 have ended, and the next one speaks


def test_what_is_too_much_for_the_queue_is_dropped_and_was_not_heard(
    ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vivavoce.server.played_output._QUEUE_SAMPLES", 100 * 24)
    ear.say(*spoken(150))
    assert ear.pull(200) == ["started r1", "stopped r1", "truncate a1 100"]
    ear.say(*spoken(150, "r2", "a2"))
    ear.clear()
    ear.say(*spoken(80, "r3", "a3"))  # there is room again
    assert ear.pull(200) == ["started r3", "stopped r3"]
    assert QUEUE_S == 1800
