"""Who hears a model's events, and how a slow one is kept from holding up the rest."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from vivavoce.pipeline.tasks import Tasks

logger = logging.getLogger(__name__)

QUEUE = 1024
"""Events that wait for one slow listener before the oldest are dropped."""


class Listeners:
    """Delivers events in order: to functions at once, to coroutine functions through a queue of their own."""

    def __init__(self) -> None:
        self._direct: list[tuple[object, Callable[[Any], object]]] = []
        self._queued: list[tuple[object, asyncio.Queue[Any], asyncio.Task[None] | None]] = []
        self._tasks = Tasks()

    def add(self, listener: object) -> None:
        """Deliver to a function or an object with `on_event`, from now on.

        Raises:
            TypeError: it is neither.
        """
        method = getattr(listener, "on_event", listener)
        if not callable(method):
            raise TypeError(f"a listener is a function or has a method on_event, got {listener!r}")
        if inspect.iscoroutinefunction(method):
            queue: asyncio.Queue[Any] = asyncio.Queue(QUEUE)
            task = self._tasks.spawn(_deliver(queue, method), name="model listener")
            self._queued.append((listener, queue, task))
        else:
            self._direct.append((listener, method))

    def remove(self, listener: object) -> None:
        """Stop delivering to a listener."""
        self._direct = [entry for entry in self._direct if entry[0] is not listener]
        for entry in [entry for entry in self._queued if entry[0] is listener]:
            self._queued.remove(entry)
            if entry[2] is not None:
                entry[2].cancel()

    def emit(self, event: object) -> None:
        """Deliver one event."""
        for _, method in list(self._direct):
            try:
                method(event)
            except Exception:
                logger.exception("A listener of the model raised")
        for _, queue, _ in self._queued:
            if queue.full():
                queue.get_nowait()
                logger.warning("A listener of the model is too slow: an event was dropped")
            queue.put_nowait(event)

    async def aclose(self) -> None:
        """End the slow listeners."""
        await self._tasks.aclose()


async def _deliver(queue: asyncio.Queue[Any], method: Callable[[Any], Awaitable[None]]) -> None:
    while True:
        event = await queue.get()
        try:
            await method(event)
        except Exception:
            logger.exception("A listener of the model raised")
