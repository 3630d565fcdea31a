"""Calls the hooks and the listeners of agents as a session goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from vivavoce.agents.limits import within
from vivavoce.errors import VivavoceError
from vivavoce.session.events import RealtimeError
from vivavoce.tasks import Tasks

if TYPE_CHECKING:
    from vivavoce.agents import RealtimeAgent, RunContextWrapper
    from vivavoce.session.events import RealtimeSessionEvent

WAITING = 256
"""Calls of hooks that may wait for a slow one; beyond them they are left out and reported."""
HOOK_S = 30.0
"""Seconds that one hook may take."""


class HookCalls:
    """Calls hooks one after another, in the order of what happened, beside the conversation.

    Args:
        hooks: of the run, or ``None``.
        context: what hooks receive first.
        publish: takes the errors of hooks that raise.
    """

    def __init__(
        self, hooks: Any, context: RunContextWrapper[Any], publish: Callable[[RealtimeSessionEvent], None]
    ) -> None:
        self._hooks = hooks
        self._context = context
        self._publish = publish
        self._queue: asyncio.Queue[tuple[str, Callable[[], Awaitable[None]]]] = asyncio.Queue(WAITING)
        self._tasks = Tasks()
        self._running = False

    def took_over(self, source: RealtimeAgent[Any] | None, agent: RealtimeAgent[Any]) -> None:
        """Note that an agent has begun to work; `source` handed the conversation to it."""
        if source is not None:
            source.emit("agent_handoff", self._context, agent)
            if agent.hooks is not None:
                self._call(agent.hooks.on_handoff, agent, source)
            if self._hooks is not None:
                self._call(self._hooks.on_handoff, source, agent)
        if agent.hooks is not None:
            self._call(agent.hooks.on_start, agent)
        if self._hooks is not None:
            self._call(self._hooks.on_agent_start, agent)

    def answers(self, agent: RealtimeAgent[Any]) -> None:
        """Note that an agent begins an answer."""
        agent.emit("agent_start", self._context, agent)

    def answered(self, agent: RealtimeAgent[Any], output: str) -> None:
        """Note that an agent has answered."""
        agent.emit("agent_end", self._context, output)
        if agent.hooks is not None:
            self._call(agent.hooks.on_end, agent, output)
        if self._hooks is not None:
            self._call(self._hooks.on_agent_end, agent, output)

    def _call(self, hook: Callable[..., Awaitable[None]], *args: Any) -> None:
        try:
            name = getattr(hook, "__name__", repr(hook))
            self._queue.put_nowait((name, lambda: hook(self._context, *args)))
        except asyncio.QueueFull:
            self._fail(f"a hook is too slow: {WAITING} calls wait for it, and this one is left out")
        if not self._running:
            self._running = True
            self._tasks.spawn(self._run(), name="hooks")

    async def _run(self) -> None:
        try:
            while not self._queue.empty():
                name, call = self._queue.get_nowait()
                try:
                    await within(HOOK_S, call())
                except Exception as error:  # noqa: BLE001  # a hook harms nothing but itself
                    self._fail(f"hook {name} failed: {str(error) or type(error).__name__}", error)
        finally:
            self._running = False

    def _fail(self, reason: str, cause: Exception | None = None) -> None:
        error = VivavoceError(reason)
        error.__cause__ = cause
        self._publish(RealtimeError(error))

    async def aclose(self) -> None:
        """Stop calling."""
        await self._tasks.aclose()
