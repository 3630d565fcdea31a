"""The queue between a session and its socket."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.server.limits import Limits
from vivavoce.server.send_queue import SendQueue

LIMITS = Limits(low_water_bytes=10, high_water_bytes=30, max_queued_bytes=50)


def test_messages_leave_in_order_and_count_until_sent() -> None:
    queue = SendQueue(LIMITS)
    assert queue.add("one")
    assert queue.add("three")
    assert (len(queue), queue.size) == (2, 8)
    assert queue.take() == "one"
    assert (len(queue), queue.size) == (1, 8)
    assert not queue.sent("one")
    assert queue.size == 5


def test_writable_falls_at_the_high_mark_and_returns_at_the_low_mark() -> None:
    queue = SendQueue(LIMITS)
    messages = ["x" * 10] * 3
    for message in messages[:2]:
        queue.add(message)
    marks = [queue.writable]
    queue.add(messages[2])
    marks.append(queue.writable)
    became_writable = []
    while queue:
        became_writable.append(queue.sent(queue.take()))
    marks.append(queue.writable)
    assert became_writable == [False, True, False]
    assert marks == [True, False, True]


def test_what_comes_after_the_bound_is_refused_and_not_kept() -> None:
    queue = SendQueue(LIMITS)
    assert queue.add("x" * 51)
    assert not queue.add("y")
    assert (len(queue), queue.size) == (1, 51)


def test_dropping_keeps_only_the_count_of_what_was_taken() -> None:
    queue = SendQueue(LIMITS)
    for text in ("taken", "dropped", "dropped too"):
        queue.add(text)
    taken = queue.take()
    queue.drop()
    assert (len(queue), queue.size) == (0, len(taken))
    queue.sent(taken)
    assert queue.size == 0
    with pytest.raises(IndexError):
        queue.take()


@given(st.lists(st.one_of(st.integers(0, 60), st.none())))
def test_size_is_bounded_and_the_marks_hold(steps: list[int | None]) -> None:
    """A number adds a message of that length; `None` sends the oldest."""
    queue = SendQueue(LIMITS)
    for step in steps:
        if step is not None:
            queue.add("x" * step)
        elif queue:
            queue.sent(queue.take())
        assert 0 <= queue.size <= LIMITS.max_queued_bytes + 60
        if queue.size <= LIMITS.low_water_bytes:
            assert queue.writable or step is not None
        if queue.size >= LIMITS.high_water_bytes:
            assert not queue.writable
