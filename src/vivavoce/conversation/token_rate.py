"""How many tokens a session may spend in a minute, and what is left of them."""

from __future__ import annotations

from math import ceil

from vivavoce.protocol import RateLimit


class TokenRate:
    """A bucket that fills at the speed of time, and that responses empty.

    Args:
        per_minute: tokens that it holds, and that flow in every minute.
    """

    def __init__(self, per_minute: int) -> None:
        self._limit = per_minute
        self._spent = 0.0
        self._at = 0.0

    def spend(self, tokens: int, now: float) -> None:
        """Take tokens out; a response may take more than there are, as nobody knows its length before."""
        self._spent = self._spent_at(now) + tokens
        self._at = now

    def exhausted(self, now: float) -> bool:
        """Whether nothing is left."""
        return self._spent_at(now) >= self._limit

    def wait_s(self, now: float) -> float:
        """Return the seconds until something is left again."""
        return max(0.0, self._spent_at(now) - self._limit + 1) * 60 / self._limit

    def report(self, now: float) -> RateLimit:
        """Return what `rate_limits.updated` says of it."""
        spent = self._spent_at(now)
        return RateLimit(
            name="tokens",
            limit=self._limit,
            remaining=max(0, self._limit - ceil(spent)),
            reset_seconds=round(spent * 60 / self._limit, 3),
        )

    def _spent_at(self, now: float) -> float:
        return max(0.0, self._spent - (now - self._at) * self._limit / 60)
