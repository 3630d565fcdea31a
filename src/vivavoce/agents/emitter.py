"""`Emitter`: named events and those who listen to them."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeAlias

from vivavoce.agents.limits import within
from vivavoce.errors import ConfigurationError
from vivavoce.tasks import Tasks

logger = logging.getLogger(__name__)

Listener: TypeAlias = Callable[..., Any]

LISTENER_S = 30.0
"""Seconds that an async listener may take over one event."""
LISTENERS = 256
"""Calls of async listeners of one emitter that may run at the same time."""


class Emitter:
    """Calls the listeners of an event, in the order in which they came.

    A listener may be plain or async; an async one becomes a task, and is stopped after `LISTENER_S`. Beyond
    `LISTENERS` of these tasks new ones are dropped, and logged. What a listener raises is logged, and the
    others are called all the same.
    """

    def __init__(self) -> None:
        self._listeners: dict[str, list[tuple[Listener, bool]]] = {}
        self._tasks = Tasks()

    def on(self, event: str, listener: Listener) -> Self:
        """Call `listener` at every `event`; returns the emitter.

        Raises:
            ConfigurationError: the listener cannot be called.
        """
        return self._add(event, listener, once=False)

    def once(self, event: str, listener: Listener) -> Self:
        """Call `listener` at the next `event` only; returns the emitter.

        Raises:
            ConfigurationError: the listener cannot be called.
        """
        return self._add(event, listener, once=True)

    def off(self, event: str, listener: Listener) -> Self:
        """Call `listener` no more; one that is not there is no error. Returns the emitter."""
        held = self._listeners.get(event, [])
        self._listeners[event] = [entry for entry in held if entry[0] != listener]
        return self

    def emit(self, event: str, *args: Any) -> bool:
        """Call the listeners of an event.

        Args:
            event: its name.
            args: what the listeners receive.

        Returns:
            Whether anybody listened.
        """
        called = self._listeners.get(event, [])
        # Before the calls: a listener may add and remove listeners, and emit the event again.
        self._listeners[event] = [entry for entry in called if not entry[1]]
        for listener, _ in called:
            try:
                result = listener(*args)
            except Exception:
                logger.exception("A listener failed", extra={"event": event})
            else:
                if inspect.isawaitable(result):
                    self._finish(event, result)
        return bool(called)

    def _add(self, event: str, listener: Listener, *, once: bool) -> Self:
        if not callable(listener):
            raise ConfigurationError(f"a listener of {event!r} must be a function, got {listener!r}")
        self._listeners.setdefault(event, []).append((listener, once))
        return self

    def _finish(self, event: str, result: Awaitable[Any]) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            logger.error("An async listener needs a running event loop", extra={"event": event})  # noqa: TRY400  # the loop's absence says it all
            _drop(result)
            return
        if len(self._tasks) >= LISTENERS:
            logger.warning(
                "An event is not heard: too many async listeners still run", extra={"event": event}
            )
            _drop(result)
        else:
            self._tasks.spawn(_wait(event, result), name=f"listener of {event}")


def _drop(result: Awaitable[Any]) -> None:
    if inspect.iscoroutine(result):
        result.close()


async def _wait(event: str, result: Awaitable[Any]) -> None:
    try:
        await within(LISTENER_S, result)
    except Exception:
        logger.exception("A listener failed", extra={"event": event})
