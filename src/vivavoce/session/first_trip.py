"""Checks side by side, of which the first that trips is enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from vivavoce.tasks import Tasks

T = TypeVar("T")

GRACE_S = 0.05
"""Seconds in which, after the first trip, the others may still say the same."""


async def until_trip(
    tasks: Tasks, checks: Sequence[Callable[[], Coroutine[Any, Any, T]]], trips: Callable[[T], bool]
) -> list[T]:
    """Run checks side by side until all are done or one has tripped: the person may be listening.

    Args:
        tasks: owns the checks. One that was cancelled and goes on all the same is theirs to end.
        checks: each returns what it found, and raises nothing.
        trips: whether that is a trip.

    Returns:
        What was found by then, in the order of the checks.
    """
    found: dict[int, T] = {}

    async def run(index: int, check: Callable[[], Coroutine[Any, Any, T]]) -> None:
        found[index] = await check()

    spawned = [tasks.spawn(run(index, check), name="guardrail") for index, check in enumerate(checks)]
    pending = {task for task in spawned if task is not None}
    while pending and not any(map(trips, found.values())):
        _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    if pending:
        _, pending = await asyncio.wait(pending, timeout=GRACE_S)
    for task in pending:
        task.cancel()
    return [found[index] for index in sorted(found)]
