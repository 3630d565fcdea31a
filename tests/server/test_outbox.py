"""The queue between a session and its socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.server.limits import Limits
from vivavoce.server.outbox import Outbox

LIMITS = Limits(low_water_bytes=10, high_water_bytes=30, max_queued_bytes=50)


def test_messages_leave_in_order_and_count_until_sent() -> None:
    outbox = Outbox(LIMITS)
    assert outbox.add("one")
    assert outbox.add("three")
    assert (len(outbox), outbox.size) == (2, 8)
    assert outbox.take() == "one"
    assert (len(outbox), outbox.size) == (1, 8)
    assert not outbox.sent("one")
    assert outbox.size == 5


def test_writable_falls_at_the_high_mark_and_returns_at_the_low_mark() -> None:
    outbox = Outbox(LIMITS)
    messages = ["x" * 10] * 3
    for message in messages[:2]:
        outbox.add(message)
    marks = [outbox.writable]
    outbox.add(messages[2])
    marks.append(outbox.writable)
    became_writable = []
    while outbox:
        became_writable.append(outbox.sent(outbox.take()))
    marks.append(outbox.writable)
    assert became_writable == [False, True, False]
    assert marks == [True, False, True]


def test_what_comes_after_the_bound_is_refused_and_not_kept() -> None:
    outbox = Outbox(LIMITS)
    assert outbox.add("x" * 51)
    assert not outbox.add("y")
    assert (len(outbox), outbox.size) == (1, 51)


def test_dropping_keeps_only_the_count_of_what_was_taken() -> None:
    outbox = Outbox(LIMITS)
    for text in ("taken", "dropped", "dropped too"):
        outbox.add(text)
    taken = outbox.take()
    outbox.drop()
    assert (len(outbox), outbox.size) == (0, len(taken))
    outbox.sent(taken)
    assert outbox.size == 0
    with pytest.raises(IndexError):
        outbox.take()


@given(st.lists(st.one_of(st.integers(0, 60), st.none())))
def test_size_is_bounded_and_the_marks_hold(steps: list[int | None]) -> None:
    """A number adds a message of that length; `None` sends the oldest."""
    outbox = Outbox(LIMITS)
    for step in steps:
        if step is not None:
            outbox.add("x" * step)
        elif outbox:
            outbox.sent(outbox.take())
        assert 0 <= outbox.size <= LIMITS.max_queued_bytes + 60
        if outbox.size <= LIMITS.low_water_bytes:
            assert outbox.writable or step is not None
        if outbox.size >= LIMITS.high_water_bytes:
            assert not outbox.writable
