"""Time limits around what users wrote: nothing of theirs may wait for ever, or end its caller."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class TookTooLongError(TimeoutError):
    """A time limit passed; not a `TimeoutError` of the code that was limited.

    Args:
        seconds: the limit.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it took longer than {seconds:g} s")
        self.seconds = seconds


async def within(seconds: float, work: Awaitable[T]) -> T:
    """Wait for something, but not longer than a time.

    Args:
        seconds: the limit.
        work: what to wait for; it is cancelled at the limit.

    Raises:
        TookTooLongError: the limit passed.
        RuntimeError: the work cancelled itself.
        Exception: whatever the work raised.
    """
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await work
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise RuntimeError("it was cancelled from within") from error
    except Exception as error:
        # The work may raise a TimeoutError of its own: only the limit knows whether it was the limit.
        if limit.expired():
            raise TookTooLongError(seconds) from error
        raise
