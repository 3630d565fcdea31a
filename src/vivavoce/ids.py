"""Ids for real sessions."""

from __future__ import annotations

import secrets
import string

_POOL = 509  # characters to take padding from
_BASE62 = string.ascii_letters + string.digits


class RandomIds:
    """Ids in the shape of the hosted API: a prefix and 21 characters, 16 for calls.

    The first characters are random and the same for all ids of a session, the last count: unique everywhere
    and cheap to make for every event.
    """

    def __init__(self) -> None:
        self._session = "".join(secrets.choice(_BASE62) for _ in range(14))
        self._count = 0
        self._pool = "".join(secrets.choice(_BASE62) for _ in range(_POOL))

    def new(self, prefix: str) -> str:
        """Return a fresh id such as `"event_Ab3…000012f"`."""
        self._count += 1
        session = self._session[:9] if prefix == "call" else self._session
        return f"{prefix}_{session}{self._count:07x}"

    def padding(self, length: int) -> str:
        """Return so many characters, at most 64, that mean nothing and that nobody can foretell."""
        start = self._count * 7 % (_POOL - 64)
        return self._pool[start : start + length]
