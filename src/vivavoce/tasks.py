"""The tasks of one session: started here, watched here, ended here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

logger = logging.getLogger(__name__)

_GRACE_S = 0.5


class Tasks:
    """Tasks that share their owner's life: a `TaskGroup` that one failure does not bring down."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def __len__(self) -> int:
        return len(self._tasks)

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None] | None:
        """Start a task, or drop the work when the owner has ended."""
        if self._closed:
            work.close()
            return None
        return self._start(work, name)

    def _start(self, work: Coroutine[Any, Any, None], name: str | None = None) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("A task of the session failed", exc_info=error, extra={"task": task.get_name()})

    async def aclose(self, *last: Coroutine[Any, Any, None]) -> None:
        """Cancel every task and wait until they have ended, but not longer than half a second.

        Args:
            last: work that is still to be done, within that time.
        """
        self._closed = True
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        tasks += (last_works := [self._start(work) for work in last])
        if tasks:
            await asyncio.wait(tasks, timeout=_GRACE_S)
        for task in last_works:
            task.cancel()
