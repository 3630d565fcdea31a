"""Who hears a model's events, and how a slow one is kept from holding up the rest."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from vivavoce.tasks import Tasks

logger = logging.getLogger(__name__)

QUEUE = 1024
"""Events that wait for one slow listener before the oldest are dropped."""


GRACE_S = 0.2
"""Seconds that slow listeners get to finish when the connection closes."""


@dataclass(slots=True, eq=False)
class _Slow:
    """A listener with a queue of its own; its task runs while there is a connection."""

    listener: object
    method: Callable[[Any], Awaitable[None]]
    queue: asyncio.Queue[Any] = field(default_factory=lambda: asyncio.Queue(QUEUE))
    task: asyncio.Task[None] | None = None

    def put(self, event: object) -> None:
        if self.queue.full():
            self.queue.get_nowait()
            logger.warning("A listener of the model is too slow: an event was dropped")
        self.queue.put_nowait(event)

    async def run(self) -> None:
        while (event := await self.queue.get()) is not None:
            try:
                await self.method(event)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                logger.warning("What a listener of the model waited for was cancelled")
            except Exception:
                logger.exception("A listener of the model raised")


class Listeners:
    """Delivers events in order: to functions at once, to coroutine functions through a queue of their own."""

    def __init__(self) -> None:
        self._direct: list[tuple[object, Callable[[Any], object]]] = []
        self._slow: list[_Slow] = []
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
            self._slow.append(_Slow(listener, method))
        else:
            self._direct = [*self._direct, (listener, method)]

    def remove(self, listener: object) -> None:
        """Stop delivering to a listener."""
        # Equal, not identical: a bound method is a new object every time it is named.
        self._direct = [entry for entry in self._direct if entry[0] != listener]
        for slow in [slow for slow in self._slow if slow.listener == listener]:
            self._slow.remove(slow)
            if slow.task is not None:
                slow.task.cancel()

    def emit(self, event: object) -> None:
        """Deliver one event."""
        for _, method in self._direct:
            try:
                method(event)
            except Exception:
                logger.exception("A listener of the model raised")
        for slow in self._slow:
            slow.put(event)
            if slow.task is None:
                slow.task = self._tasks.spawn(slow.run(), name="model listener")

    async def aclose(self) -> None:
        """Give slow listeners a moment to finish what they have; the next event begins anew."""
        running = [slow.task for slow in self._slow if slow.task is not None]
        for slow in self._slow:
            slow.put(None)
            slow.task = None
        if running:
            await asyncio.wait(running, timeout=GRACE_S)
        tasks, self._tasks = self._tasks, Tasks()
        await tasks.aclose()
        for slow in self._slow:
            slow.queue = asyncio.Queue(QUEUE)
