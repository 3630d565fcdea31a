"""The order of packets: nothing lost that came in time, nobody waits longer than the bound."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.audio.packets import (
    FIRST_PATIENCE_S,
    MAX_PATIENCE_S,
    MAX_WAITING,
    MIN_PATIENCE_S,
    RESTART_DISTANCE,
    InOrder,
    PacketOrder,
)

FRAME_S = 0.02
TICKS = 960
SEQUENCES, TIMESTAMPS = 1 << 16, 1 << 32


@dataclass
class Told:
    """What came out, and when."""

    packets: list[InOrder[int]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def take(self, packets: list[InOrder[int]], now: float) -> None:
        self.packets += packets
        self.times += [now] * len(packets)

    @property
    def payloads(self) -> list[int]:
        return [packet.payload for packet in self.packets]


def play(arrivals: list[tuple[float, int]], first: int = 0, order: PacketOrder[int] | None = None) -> Told:
    """Let packets come at these times: (seconds, number); deadlines are kept to the moment."""
    order = order or PacketOrder[int]()
    told = Told()
    for now, number in sorted(arrivals):
        while (deadline := order.next_deadline()) is not None and deadline <= now:
            told.take(order.handle_deadline(deadline), deadline)
        sequence, timestamp = (first + number) % SEQUENCES, (first + number) * TICKS % TIMESTAMPS
        told.take(order.receive(sequence, timestamp, number, now), now)
    while (deadline := order.next_deadline()) is not None:
        told.take(order.handle_deadline(deadline), deadline)
    return told


def steady(*numbers: int) -> list[tuple[float, int]]:
    return [(number * FRAME_S, number) for number in numbers]


def test_what_comes_in_order_goes_on_at_once() -> None:
    told = play(steady(*range(5)))
    assert told.payloads == [0, 1, 2, 3, 4]
    assert told.times == [number * FRAME_S for number in range(5)]
    assert [packet.restarted for packet in told.packets] == [True] + 4 * [False]


def test_a_packet_that_was_overtaken_is_waited_for() -> None:
    told = play([(0.0, 0), (0.04, 2), (0.07, 1), (0.08, 3)])
    assert told.payloads == [0, 1, 2, 3]
    assert told.times == [0.0, 0.07, 0.07, 0.08]


def test_a_packet_that_never_comes_is_told_with_the_next_one() -> None:
    order = PacketOrder[int]()
    told = play(steady(0, 1, 4, 5), order=order)
    assert [(packet.payload, packet.lost) for packet in told.packets] == [(0, 0), (1, 0), (4, 2), (5, 0)]
    assert told.times[2] == pytest.approx(4 * FRAME_S + FIRST_PATIENCE_S, abs=0.001)
    assert order.lost == 2


def test_each_gap_has_its_own_time() -> None:
    told = play(steady(0, 2, 4, 5, 6, 7, 8, 9))
    assert [(packet.payload, packet.lost) for packet in told.packets if packet.lost] == [(2, 1), (4, 1)]
    assert told.times[2] - told.times[1] == pytest.approx(2 * FRAME_S, abs=0.001)


def test_numbers_and_timestamps_begin_again() -> None:
    # The last timestamp of 32 bits lies within these packets, and so does the last sequence number.
    first = TIMESTAMPS // TICKS - 5
    first -= (first + 5) % SEQUENCES
    told = play(steady(*range(10)), first)
    assert told.payloads == list(range(10))
    steps = {b.timestamp - a.timestamp for a, b in zip(told.packets, told.packets[1:], strict=False)}
    assert steps == {TICKS}
    wrapping = TIMESTAMPS // TICKS - 2
    told = play(steady(0, 1, 3, 2, 4, 5), wrapping)
    assert {b.timestamp - a.timestamp for a, b in zip(told.packets, told.packets[1:], strict=False)} == {
        TICKS
    }


def test_what_comes_twice_is_told_once() -> None:
    order = PacketOrder[int]()
    told = play([*steady(0, 1, 3), (0.061, 3), (0.062, 1), (0.063, 2)], order=order)
    assert told.payloads == [0, 1, 2, 3]
    assert order.duplicates == 2
    assert order.late == order.lost == 0


def test_what_is_late_is_dropped_and_makes_patient() -> None:
    order = PacketOrder[int]()
    before = order.patience_s
    told = play([*steady(0, *range(2, 9)), (0.145, 1)], order=order)
    assert told.payloads == [0, 2, 3, 4, 5, 6, 7, 8]
    assert (order.late, order.lost, order.duplicates) == (1, 1, 0)
    assert order.patience_s > before
    play([(0.3, 9), (0.31, 1)], order=order)
    assert order.duplicates == 1


def test_patience_is_learnt_and_forgotten() -> None:
    order = PacketOrder[int]()
    assert order.patience_s == pytest.approx(FIRST_PATIENCE_S)
    play([*steady(0, 2), (0.115, 1)], order=order)
    assert order.patience_s == pytest.approx(0.075 * 1.25 + 0.01, rel=0.01)
    play(steady(*range(3, 3000)), order=order)
    assert order.patience_s == MIN_PATIENCE_S
    play([(70.0, 3001), (70.039, 3000), (71.0, 3003), (71.115, 3004), (73.0, 3002)], order=order)
    assert order.patience_s == MAX_PATIENCE_S


def test_a_hole_of_any_length_holds_a_bounded_number() -> None:
    order = PacketOrder[int]()
    order.receive(0, 0, 0, 0.0)
    told: list[InOrder[int]] = []
    for number in range(2, MAX_WAITING + 3):
        assert not told
        told = order.receive(number, number * TICKS, number, 0.001)
    assert [packet.payload for packet in told] == list(range(2, MAX_WAITING + 3))
    assert order.next_deadline() is None


def test_little_is_remembered_of_what_was_lost() -> None:
    order = PacketOrder[int]()
    play(steady(0, 2900, 2902, 2904), order=order)
    assert order.lost == 2901
    assert len(order._ended_gaps) == 64


def test_a_new_stream_is_believed_when_two_packets_say_so() -> None:
    order = PacketOrder[int]()
    play(steady(0, 1, 2), order=order)
    far = 2 + RESTART_DISTANCE + 1
    assert order.receive(far, 5, far, 1.0) == []
    assert order.receive(3, 3 * TICKS, 3, 1.0)[0].lost == 0
    assert order.receive(far + 1, 5, far, 1.0) == []
    assert order.receive(5, 5 * TICKS, 5, 1.01) == []
    assert order.receive(40_000, 5, 7, 1.02) == []
    assert order.receive(40_001, 77, 8, 1.04) == [InOrder(8, 77, restarted=True)]
    assert order.next_deadline() is None
    assert order.receive(40_002, 78, 9, 1.06) == [InOrder(9, 78)]


def test_another_sender_begins_anew() -> None:
    order = PacketOrder[int]()
    play(steady(0, 1, 2), order=order)
    order.receive(4, 4 * TICKS, 4, 0.1)
    order.restart()
    assert order.next_deadline() is None
    assert order.handle_deadline(5.0) == []
    assert order.receive(1, 7, 1, 0.12) == [InOrder(1, 7, restarted=True)]


def test_a_copy_stands_in_for_what_is_missing_only() -> None:
    order = PacketOrder[int]()
    assert order.receive(9, 9 * TICKS, 9, 0.0, copy=True) == []
    order.receive(10, 10 * TICKS, 10, 0.0)
    assert order.receive(10, 10 * TICKS, -10, 0.02, copy=True) == []
    assert order.receive(11, 11 * TICKS, -11, 0.02, copy=True) == [InOrder(-11, 11 * TICKS)]
    assert order.receive(12, 12 * TICKS, 12, 0.02) == [InOrder(12, 12 * TICKS)]
    assert order.receive(40_000, 0, -1, 0.02, copy=True) == []
    order.receive(14, 14 * TICKS, 14, 0.04)
    assert order.receive(14, 14 * TICKS, -14, 0.05, copy=True) == []
    # The original of 11 was overtaken by its copy, and is one too many.
    assert order.receive(11, 11 * TICKS, 11, 0.06) == []
    assert (order.recovered, order.duplicates, order.late, order.lost) == (1, 1, 0, 0)


DELAYS = st.lists(st.floats(0.0, 0.08), min_size=2, max_size=120)


@settings(max_examples=200, deadline=None)
@given(DELAYS, st.integers(0, SEQUENCES - 1))
def test_80_ms_of_jitter_lose_nothing(delays: list[float], first: int) -> None:
    # The first packet sets the beginning: what it overtakes is before it.
    delays[0] = 0.0
    arrivals = {number: number * FRAME_S + delay for number, delay in enumerate(delays)}
    order = PacketOrder[int]()
    told = play([(now, number) for number, now in arrivals.items()], first, order)
    assert told.payloads == list(range(len(delays)))
    assert order.lost == order.late == order.duplicates == 0
    # And nobody waits for anything but packets that came later.
    for number, at in zip(told.payloads, told.times, strict=True):
        assert at == max(arrivals[earlier] for earlier in range(number + 1))


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.0, 0.5), st.booleans(), st.booleans()), min_size=1, max_size=80),
    st.integers(0, SEQUENCES - 1),
)
def test_whatever_comes_the_order_holds(packets: list[tuple[float, bool, bool]], first: int) -> None:
    arrivals = [(0.0, 0)]
    for number, (delay, comes, twice) in enumerate(packets, 1):
        arrivals += comes * (1 + twice) * [(number * FRAME_S + delay, number)]
    first_came: dict[int, float] = {}
    for now, number in sorted(arrivals):
        first_came.setdefault(number, now)
    order = PacketOrder[int]()
    told = play(arrivals, first, order)
    assert told.payloads == sorted(set(told.payloads))
    # Every packet is told, or was dropped because it came after others had been waiting long enough.
    assert len(told.payloads) + order.late + order.duplicates == len(arrivals)
    for number, at in zip(told.payloads, told.times, strict=True):
        assert at - first_came[number] <= MAX_PATIENCE_S + 1e-9
    for number in set(first_came) - set(told.payloads):
        later = min(now for other, now in first_came.items() if other > number)
        assert first_came[number] - later >= MIN_PATIENCE_S - 1e-9
    told_lost = sum(packet.lost for packet in told.packets)
    assert told_lost == order.lost == told.payloads[-1] + 1 - len(told.payloads)
