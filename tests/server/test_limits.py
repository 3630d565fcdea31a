"""The bounds of a server and the decisions made by them."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest

from vivavoce.errors import ConfigurationError, RemoteProtocolError
from vivavoce.server.keys import KeyLimits
from vivavoce.server.limits import (
    GARBAGE_COST,
    MAX_FIELDS,
    MAX_VALUES,
    Admission,
    ErrorStreak,
    Limits,
    ReadingPace,
    check_fields,
    default_max_sessions,
)


@pytest.mark.parametrize(
    ("engine_cores", "cpus", "expected"),
    [
        (0.0, 1, 200),
        (0.0, 4, 800),
        (0.005, 2, 400),
        (0.25, 1, 4),
        (0.25, 2, 8),
        (0.3, 2, 6),
        (3.0, 2, 1),
        (0.0, 0, 200),
        (-1.0, 1, 200),
    ],
)
def test_default_number_of_sessions_follows_cores_and_engines(
    engine_cores: float, cpus: int, expected: int
) -> None:
    assert default_max_sessions(engine_cores, cpus) == expected


def test_fifteen_mebibytes_of_audio_fit_into_a_message() -> None:
    event = {
        "event_id": "e" * 512,
        "type": "input_audio_buffer.append",
        "audio": base64.b64encode(bytes(15 * 1024 * 1024)).decode(),
    }
    assert len(json.dumps(event)) <= Limits().max_message_bytes


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_sessions": 0},
        {"max_sessions_per_key": 0},
        {"max_minutes_per_key": 0},
        {"max_audio_s_per_key": math.inf},
        {"max_message_bytes": 0},
        {"max_messages_per_s": 0},
        {"max_bytes_per_s": 0},
        {"max_consecutive_errors": 0},
        {"low_water_bytes": 0},
        {"low_water_bytes": 2, "high_water_bytes": 1},
        {"high_water_bytes": 20, "max_queued_bytes": 10, "low_water_bytes": 5},
        {"stall_s": 0.0},
        {"close_grace_s": -1.0},
    ],
)
def test_impossible_bounds_are_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        Limits(**wrong)


def test_admission_counts_and_refuses_when_full() -> None:
    admission = Admission(2)
    assert [admission.admit(), admission.admit(), admission.admit()] == [True, True, False]
    assert admission.sessions == admission.max_sessions == 2
    admission.leave()
    assert admission.admit()


def test_admission_refuses_everyone_once_it_drains() -> None:
    admission = Admission(2)
    assert admission.admit()
    admission.drain()
    assert admission.draining
    assert not admission.admit()
    admission.leave()
    assert admission.sessions == 0


def test_no_key_takes_more_than_its_share() -> None:
    admission = Admission(4, max_sessions_per_key=2)
    assert [admission.admit("a"), admission.admit("a"), admission.admit("a")] == [True, True, False]
    assert [admission.admit("b"), admission.admit("b")] == [True, True]
    assert admission.full
    admission.leave("a")
    assert [admission.admit("b"), admission.admit("a")] == [False, True]


def test_a_key_may_have_a_share_of_its_own() -> None:
    admission = Admission(
        9, max_sessions_per_key=2, of_key={"a": KeyLimits(max_sessions=1), "b": KeyLimits()}
    )
    assert [admission.max_sessions_of("a"), admission.max_sessions_of("b")] == [1, 2]
    assert [admission.admit("a"), admission.admit("a")] == [True, False]
    assert [admission.admit("b"), admission.admit("b"), admission.admit("b")] == [True, True, False]


def test_who_is_not_let_in_is_told_why() -> None:
    admission = Admission(2, max_sessions_per_key=1)
    admission.admit("a")
    assert (admission.refusal("a").status, admission.refusal("a").code) == (429, "key_session_limit_reached")
    assert "The one session of this API key is taken." in admission.refusal("a").message
    admission.admit("b")
    assert (admission.refusal("a").status, admission.refusal("a").code) == (503, "session_limit_reached")
    assert "All 2 sessions of this server are taken." in admission.refusal("a").message
    assert admission.refusal().code == "session_limit_reached"
    admission.drain()
    assert (admission.refusal("a").status, admission.refusal("a").code) == (503, "server_shutting_down")
    assert admission.refusal().headers == {"retry-after": "5"}


def test_without_keys_there_is_no_share() -> None:
    admission = Admission(2, max_sessions_per_key=1)
    assert [admission.admit(), admission.admit()] == [True, True]


def test_a_peer_is_read_at_the_pace_of_what_it_has_most_of() -> None:
    pace = ReadingPace(Limits(max_messages_per_s=100, max_bytes_per_s=1000), now=0.0)
    assert pace.wait_s(50, 10, 0.0) == pytest.approx(0.5)
    assert pace.wait_s(1, 2000, 0.5) == pytest.approx(2.0)
    assert pace.wait_s(50, 10, 2.25) == pytest.approx(0.75)


def test_a_silent_second_is_credit_for_one_and_no_more() -> None:
    pace = ReadingPace(Limits(max_bytes_per_s=1000), now=0.0)
    assert pace.wait_s(1, 1000, 60.0) == 0.0
    assert pace.wait_s(1, 1000, 60.0) == pytest.approx(1.0)


def test_only_errors_in_a_row_add_up() -> None:
    streak = ErrorStreak(3)
    assert [streak.bad(), streak.bad()] == [1, 1]
    streak.good()
    assert [(streak.bad(), streak.begins) for _ in range(4)] == [
        (1, False),
        (1, False),
        (GARBAGE_COST, True),
        (GARBAGE_COST, False),
    ]


_MANY = {f"field {number}": number for number in range(MAX_FIELDS + 1)}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(_MANY),
        json.dumps(_MANY, separators=(" ,", " : ")),
        json.dumps({f"{name}\\": None for name in _MANY}),
        json.dumps([{} for _ in range(MAX_VALUES + 2)]),
    ],
    ids=["fields", "blanks", "backslashes", "list"],
)
def test_json_of_too_many_pieces_is_not_read(text: str) -> None:
    for form in (text, text.encode()):
        with pytest.raises(RemoteProtocolError) as caught:
            check_fields(form)
        assert caught.value.code == "message_too_large"


@pytest.mark.parametrize(
    "value",
    [
        base64.b64encode(bytes(15 * 1024 * 1024)).decode(),
        "He came in, and said: nothing. Then, after a while, he left again. " * 5_000,
        json.dumps(_MANY),
        list(range(MAX_VALUES - 1)),
    ],
    ids=["audio", "words", "JSON in a string", "list"],
)
def test_json_that_is_only_long_is_read(value: object) -> None:
    text = json.dumps({"type": "x", "value": value})
    check_fields(text)
    check_fields(text.encode())
