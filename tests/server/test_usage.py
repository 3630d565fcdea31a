"""How much each key has used."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.server.keys import KeyLimits
from vivavoce.server.usage import DAY_S, KeyUsage


def test_sessions_that_run_together_use_their_minutes_together() -> None:
    usage = KeyUsage(KeyLimits(max_minutes_per_day=10))
    assert usage.shortage("a", 0.0) is None
    usage.begin("a", 0.0)
    usage.begin("a", 60.0)
    assert usage.seconds_left("a", 60.0) == (600 - 60) / 2
    assert usage.shortage("a", 329.0) is None
    assert usage.shortage("a", 330.0) is not None
    assert usage.seconds_left("a", 330.0) == 0.0
    usage.end("a", 330.0)
    usage.end("a", 330.0)
    shortage = usage.shortage("a", 400.0)
    assert shortage is not None
    refusal = shortage.refusal()
    assert (refusal.status, refusal.code, refusal.type) == (429, "key_minutes_reached", "rate_limit_error")
    assert refusal.headers == {"retry-after": str(int(DAY_S - 400))}
    assert usage.shortage("b", 400.0) is None


def test_a_new_day_begins_empty_also_for_a_session_that_runs_through() -> None:
    usage = KeyUsage(KeyLimits(max_minutes_per_day=10))
    usage.begin("a", 0.0)
    assert usage.shortage("a", DAY_S - 1) is not None
    assert usage.shortage("a", DAY_S + 599) is None
    assert usage.shortage("a", DAY_S + 600) is not None
    usage.end("a", DAY_S + 601)
    assert usage.shortage("a", 3 * DAY_S) is None
    assert usage.seconds_left("a", 3 * DAY_S) == 600.0


def test_a_key_may_have_limits_of_its_own() -> None:
    usage = KeyUsage(
        KeyLimits(max_minutes_per_day=10, max_audio_s_per_minute=60),
        {"big": KeyLimits(max_minutes_per_day=1000), "small": KeyLimits(max_audio_s_per_minute=6)},
    )
    assert [usage.seconds_left(name, 0.0) for name in ("big", "small", "c")] == [60_000, 600, 600]
    assert usage.audio("big", 60, 0.0) is None
    assert usage.audio("big", 1, 0.0) is not None
    assert usage.audio("small", 6, 0.0) is None
    assert usage.audio("small", 1, 0.0) is not None


def test_audio_is_taken_as_fast_as_the_minute_gives_it() -> None:
    usage = KeyUsage(KeyLimits(max_audio_s_per_minute=120))
    assert usage.audio("a", 120, 0.0) is None
    shortage = usage.audio("a", 20, 1.0)
    assert shortage is not None
    assert shortage.code == "rate_limit_exceeded"
    assert shortage.retry_after_s == pytest.approx(9.0)
    assert usage.audio("a", 20, 10.0) is None
    assert usage.audio("b", 20, 10.0) is None


def test_a_piece_longer_than_a_minutes_worth_is_taken_when_nothing_was_before() -> None:
    usage = KeyUsage(KeyLimits(max_audio_s_per_minute=60))
    assert usage.audio("a", 90, 0.0) is None
    shortage = usage.audio("a", 1, 0.0)
    assert shortage is not None
    assert usage.audio("a", 1, shortage.retry_after_s + 0.001) is None


def test_without_limits_or_without_a_name_nothing_is_short() -> None:
    usage = KeyUsage()
    strict = KeyUsage(KeyLimits(max_minutes_per_day=1, max_audio_s_per_minute=1))
    for one, name in ((usage, "a"), (strict, None)):
        one.begin(name, 0.0)
        assert one.shortage(name, 1e6) is None
        assert one.audio(name, 1e6, 1e6) is None
        assert one.audio(name, 1e6, 1e6) is None
        assert one.seconds_left(name, 1e6) == math.inf
        one.end(name, 1e6)


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0.1, 30)), max_size=60))
def test_no_minute_takes_more_than_two_minutes_worth(pieces: list[tuple[float, float]]) -> None:
    usage = KeyUsage(KeyLimits(max_audio_s_per_minute=60))
    now, taken = 0.0, []
    for wait, seconds in pieces:
        now += wait
        if usage.audio("a", seconds, now) is None:
            taken.append((now, seconds))
    for start, _ in taken:
        assert sum(seconds for when, seconds in taken if start <= when < start + 60) <= 120.001
