"""When a peer counts as gone: decides, never waits."""

from __future__ import annotations

from enum import Enum

_PROBES = 4


class Verdict(Enum):
    """What a deadline of `Presence` means."""

    WAIT = "wait"
    """Nothing to do until the next deadline."""
    PROBE = "probe"
    """The peer has been silent for a while: ask whether it is there."""
    ABSENT = "absent"
    """It never connected."""
    VANISHED = "vanished"
    """It was there and has not been heard of for too long."""


class Presence:
    """Whether a peer is still there, by what was heard of it.

    A silent peer is asked three times before it counts as gone, so lost packets alone do not end a call.

    Args:
        connect_s: seconds from now within which it must connect.
        vanish_s: seconds of silence after which it counts as gone.
        now: the time, in seconds of any clock that does not jump.
    """

    def __init__(self, connect_s: float, vanish_s: float, now: float) -> None:
        self._deadline = now + connect_s
        self._vanish_s = vanish_s
        self._heard = now
        self._connected = False

    def connected(self, now: float) -> None:
        """Say that the peer has connected."""
        self._connected = True
        self._heard = now
        self._deadline = now + self._vanish_s / _PROBES

    def heard(self, now: float) -> None:
        """Say that something came from the peer."""
        self._heard = now

    def next_deadline(self) -> float:
        """When to call `handle_deadline`."""
        return self._deadline

    def handle_deadline(self, now: float) -> Verdict:
        """Judge the silence so far; the next deadline is set."""
        if not self._connected:
            return Verdict.ABSENT if now >= self._deadline else Verdict.WAIT
        gone, quiet = self._heard + self._vanish_s, self._heard + self._vanish_s / _PROBES
        if now >= gone:
            return Verdict.VANISHED
        if now < quiet:
            self._deadline = quiet
            return Verdict.WAIT
        self._deadline = min(now + self._vanish_s / _PROBES, gone)
        return Verdict.PROBE
