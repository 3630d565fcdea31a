"""A new connection before the server's time limit ends the old one, in a moment when nobody notices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

RENEW_S = 60.0
"""Seconds before the end of the server's time limit from which on a quiet moment is used."""
SHORT_LIFE = 0.25
"""Share of a short session's life that stands for `RENEW_S`."""
SHORTEST_S = 5.0
"""A session that lives less than this has no limit, only a server whose clock is wrong."""


class Renewal:
    """Waits for the quiet moment before a session expires.

    Args:
        clock: returns seconds since 1970, in which servers write their limits; ``None`` renews nothing.
        is_quiet: says whether nobody speaks and nothing is under way.
        renew: called in such a moment.
    """

    def __init__(
        self, clock: Callable[[], float] | None, is_quiet: Callable[[], bool], renew: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._is_quiet = is_quiet
        self._renew = renew
        self._timer: asyncio.TimerHandle | None = None
        self._due = False

    def plan(self, expires_at: int | None) -> None:
        """Note when the server will end the session; ``None`` is never."""
        self.cancel()
        if expires_at is None or self._clock is None:
            return
        life = expires_at - self._clock()
        if life >= SHORTEST_S:
            wait = life - min(RENEW_S, life * SHORT_LIFE)
            self._timer = asyncio.get_running_loop().call_later(wait, self._fall_due)

    def _fall_due(self) -> None:
        self._due = True
        self.look()

    def look(self) -> None:
        """Renew if it is due and quiet. Cheap: called with every event."""
        if self._due and self._is_quiet():
            self._due = False
            self._renew()

    def cancel(self) -> None:
        """Plan nothing any more."""
        self._due = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
