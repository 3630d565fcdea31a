"""The order of media packets: at once what comes in order, after a bounded wait what does not.

Nothing is played here, so nothing needs a steady pace: a packet that comes in order goes on at once, however
late it is. Only behind a missing packet others wait, for it may have been overtaken, and no longer than
`patience_s`, which follows what this network has done lately.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

P = TypeVar("P")

MIN_PATIENCE_S = 0.04
FIRST_PATIENCE_S = 0.08
MAX_PATIENCE_S = 0.12

MAX_WAITING = 64
"""Packets behind a missing one: ten times what a sender of 20 ms packets sends in the longest wait."""

RESTART_DISTANCE = 3000
"""A sequence number so far away is no delay (a minute of 20 ms packets): the sender may have begun anew."""

_SPARE_S = 0.01
_MARGIN = 1.25
_FORGETTING = 0.999  # per packet: half in 14 s
_ENDED_GAPS = 64


@dataclass(frozen=True, slots=True)
class InOrder(Generic[P]):
    """The next packet of a stream.

    Attributes:
        payload: what came in it.
        timestamp: its RTP timestamp, counted on beyond 32 bits.
        lost: packets directly before it that never came, or too late.
        restarted: a new stream begins with it; its timestamp has nothing to do with the one before.
    """

    payload: P
    timestamp: int
    lost: int = 0
    restarted: bool = False


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[P]):
    payload: P
    timestamp: int
    came: float


class PacketOrder(Generic[P]):
    """Puts the packets of one stream in order.

    Attributes:
        lost: packets told as lost, whether they came later or never.
        late: packets that came after they had been told as lost.
        duplicates: packets that came again; also those that were overtaken by the first one.
        recovered: missing packets of which a copy came with a later packet.
    """

    def __init__(self) -> None:
        self.lost = self.late = self.duplicates = self.recovered = 0
        self._next: int | None = None  # the sequence number whose turn it is, counted on beyond 16 bits
        self._timestamp = 0  # of the last packet that was told
        self._waiting: dict[int, _Waiting[P]] = {}
        self._ended_gaps: dict[int, float] = {}  # packets told as lost, and when each was first missed
        self._lateness = (FIRST_PATIENCE_S - _SPARE_S) / _MARGIN
        self._stray: int | None = None  # the sequence number that would prove that a new stream has begun

    @property
    def patience_s(self) -> float:
        """How long a missing packet is waited for at the moment, in seconds: 0.04 to 0.12."""
        return min(MAX_PATIENCE_S, max(MIN_PATIENCE_S, self._lateness * _MARGIN + _SPARE_S))

    def receive(
        self, sequence: int, timestamp: int, payload: P, now: float, *, copy: bool = False
    ) -> list[InOrder[P]]:
        """Take a packet and return what is in order with it.

        Args:
            sequence: its sequence number, 16 bits.
            timestamp: its RTP timestamp, 32 bits.
            payload: what it carries.
            now: seconds of any clock that does not go back.
            copy: it is a copy that came with a later packet, needed only where the original is missing.
        """
        if self._next is None:
            return [] if copy else [self._begin(sequence, timestamp, payload)]
        number = self._next + _difference(sequence, self._next, 16)
        if abs(number - self._next) >= RESTART_DISTANCE:
            return [] if copy else self._far_away(sequence, timestamp, payload)
        if copy:
            if number < self._next or number in self._waiting:
                return []
            self.recovered += 1
        else:
            self._stray = None
            if not self._is_wanted(number, now):
                return []
        self._waiting[number] = _Waiting(payload, timestamp, now)
        return self._in_order(now)

    def next_deadline(self) -> float | None:
        """When to call `handle_deadline`, on the clock of `receive`; `None` while nothing waits."""
        return self._missed_at(0) + self.patience_s if self._waiting else None

    def handle_deadline(self, now: float) -> list[InOrder[P]]:
        """Give up the packets that have been waited for long enough; return what waited behind them."""
        return self._in_order(now)

    def restart(self) -> None:
        """Expect a new stream: another sender, or another SSRC of the same. What waits is dropped."""
        self._waiting.clear()
        self._ended_gaps.clear()
        self._next = self._stray = None

    def _begin(self, sequence: int, timestamp: int, payload: P) -> InOrder[P]:
        self._next, self._timestamp = sequence + 1, timestamp
        return InOrder(payload, timestamp, restarted=True)

    def _far_away(self, sequence: int, timestamp: int, payload: P) -> list[InOrder[P]]:
        """Believe in a new stream when two packets follow each other in it (RFC 3550, A.1)."""
        if sequence != self._stray:
            self._stray = (sequence + 1) & 0xFFFF
            return []
        self.restart()
        return [self._begin(sequence, timestamp, payload)]

    def _is_wanted(self, number: int, now: float) -> bool:
        """Tell whether a packet is neither too late nor there already, and learn from its way."""
        assert self._next is not None
        self._lateness *= _FORGETTING
        if number < self._next:
            missed_at = self._ended_gaps.pop(number, None)
            if missed_at is None:
                self.duplicates += 1
            else:
                self.late += 1
                self._learn(now - missed_at)
            return False
        if number in self._waiting:
            self.duplicates += 1
            return False
        if any(other > number for other in self._waiting):
            self._learn(now - self._missed_at(number))
        return True

    def _learn(self, lateness: float) -> None:
        self._lateness = max(self._lateness, min(lateness, MAX_PATIENCE_S))

    def _missed_at(self, number: int) -> float:
        """When the first packet came that should have come after this one."""
        return min(packet.came for other, packet in self._waiting.items() if other > number)

    def _in_order(self, now: float) -> list[InOrder[P]]:
        told: list[InOrder[P]] = []
        while self._waiting:
            assert self._next is not None
            lost = 0
            if self._next not in self._waiting:
                missed_at = self._missed_at(self._next)
                if now < missed_at + self.patience_s and len(self._waiting) <= MAX_WAITING:
                    break
                lost = self._give_up(missed_at)
            packet = self._waiting.pop(self._next)
            self._next += 1
            self._timestamp += _difference(packet.timestamp, self._timestamp, 32)
            told.append(InOrder(packet.payload, self._timestamp, lost))
        return told

    def _give_up(self, missed_at: float) -> int:
        """Go on with the first packet that waits; return how many are missing before it."""
        assert self._next is not None
        first = min(self._waiting)
        lost = first - self._next
        for number in range(max(self._next, first - _ENDED_GAPS), first):
            self._ended_gaps[number] = missed_at
        while len(self._ended_gaps) > _ENDED_GAPS:
            del self._ended_gaps[next(iter(self._ended_gaps))]
        self.lost += lost
        self._next = first
        return lost


def _difference(value: int, reference: int, bits: int) -> int:
    """How far a counter of so many bits is ahead of another, or behind it when that is nearer."""
    half = 1 << (bits - 1)
    return (value - reference + half) % (2 * half) - half
