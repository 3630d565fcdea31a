"""Where ids come from. The conversation never makes one up, so that a replay gives the same bytes."""

from __future__ import annotations

from typing import Protocol


class IdSource(Protocol):
    """Makes ids that are unique within one session."""

    def new(self, prefix: str) -> str:
        """Return a fresh id such as `"item_…"` for the prefix `"item"`."""
        ...

    def padding(self, length: int) -> str:
        """Return so many characters that mean nothing."""
        ...


class CountingIds:
    """Ids that count: `item_1`, `item_2` … For tests, replays and recordings that must be repeatable."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def new(self, prefix: str) -> str:
        """Return the next id of this prefix."""
        count = self._counts.get(prefix, 0) + 1
        self._counts[prefix] = count
        return f"{prefix}_{count}"

    def padding(self, length: int) -> str:
        """Return the same characters for the same length."""
        return "x" * length
