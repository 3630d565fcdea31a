"""Time limits around what users wrote: nothing of theirs may wait for ever, or end its caller."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Generic, TypeVar

from vivavoce.tasks import Tasks

T = TypeVar("T")

GRACE_S = 0.25
"""Seconds that work has to end after it was cancelled; then it is left to itself."""

_WORK = Tasks()


class TookTooLongError(TimeoutError):
    """A time limit passed; not a `TimeoutError` of the code that was limited.

    Args:
        seconds: the limit.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it took longer than {seconds:g} s")
        self.seconds = seconds


class _Outcome(Generic[T]):
    """What became of some work."""

    def __init__(self) -> None:
        self.results: list[T] = []
        self.error: Exception | None = None

    async def of(self, work: Awaitable[T]) -> None:
        try:
            self.results.append(await work)
        except Exception as error:  # noqa: BLE001  # `within` raises it
            self.error = error


async def within(seconds: float, work: Awaitable[T]) -> T:
    """Wait for something, but not longer than a time.

    Args:
        seconds: the limit.
        work: what to wait for, as a task of its own. It is cancelled at the limit, or when the caller is;
            work that ignores this does not hold the caller up.

    Raises:
        TookTooLongError: the limit passed.
        RuntimeError: the work cancelled itself.
        Exception: whatever the work raised.
    """
    outcome: _Outcome[T] = _Outcome()
    task = _WORK.spawn(outcome.of(work), name="work with a time limit")
    assert task is not None, "nobody closes these tasks"
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=GRACE_S)
            raise TookTooLongError(seconds) from outcome.error
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task}, timeout=GRACE_S)
        raise
    if outcome.error is not None:
        raise outcome.error
    if not outcome.results:
        raise RuntimeError("it was cancelled from within")
    return outcome.results[0]
