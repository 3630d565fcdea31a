"""A run whose events can be read while it goes on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Literal

from vivavoce.agents.context import TContext
from vivavoce.errors import ConfigurationError
from vivavoce.tasks import Tasks
from vivavoce.text.loop import Run
from vivavoce.text.result import RunResultBase
from vivavoce.text.stream_events import (
    RawResponsesStreamEvent,
    ResponseFunctionCallArgumentsDeltaEvent,
    ResponseTextDeltaEvent,
    StreamEvent,
)

if TYPE_CHECKING:
    from vivavoce.agents import RunHooks
    from vivavoce.text.agent import Agent
    from vivavoce.text.run_config import RunConfig
    from vivavoce.text.state import RunState

UNREAD = 256
"""Events that may wait for their reader before deltas of the same kind become one."""


class EventQueue:
    """Events on their way to the reader.

    Bounded, and nothing is lost: when `UNREAD` events wait, each further delta joins the delta before it. All
    other events are as few as the items of a run.
    """

    def __init__(self) -> None:
        self._events: deque[StreamEvent] = deque()
        self._ready = asyncio.Event()
        self._ended = False

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: StreamEvent) -> None:
        """Add an event."""
        joined = _joined(self._events[-1], event) if len(self._events) >= UNREAD else None
        if joined is None:
            self._events.append(event)
        else:
            self._events[-1] = joined
        self._ready.set()

    def end(self) -> None:
        """Say that no event comes any more."""
        self._ended = True
        self._ready.set()

    async def get(self) -> StreamEvent | None:
        """Return the next event; ``None`` when there are no more."""
        while not self._events:
            if self._ended:
                return None
            self._ready.clear()
            await self._ready.wait()
        return self._events.popleft()


def _joined(last: StreamEvent, event: StreamEvent) -> StreamEvent | None:
    """Return two deltas as one, or ``None`` where they are not of one kind."""
    if not isinstance(last, RawResponsesStreamEvent) or not isinstance(event, RawResponsesStreamEvent):
        return None
    before, more = last.data, event.data
    if isinstance(before, ResponseTextDeltaEvent) and isinstance(more, ResponseTextDeltaEvent):
        return RawResponsesStreamEvent(ResponseTextDeltaEvent(before.delta + more.delta))
    deltas = ResponseFunctionCallArgumentsDeltaEvent
    if isinstance(before, deltas) and isinstance(more, deltas) and before.output_index == more.output_index:
        return RawResponsesStreamEvent(deltas(before.delta + more.delta, before.name, before.output_index))
    return None


class RunResultStreaming(RunResultBase[TContext]):
    """A run that goes on. Its result is complete when `stream_events` has ended.

    Args:
        state: the run.
        config: its settings.
        hooks: told of what happens.
    """

    def __init__(
        self, state: RunState[TContext], config: RunConfig, hooks: RunHooks[Any] | None = None
    ) -> None:
        super().__init__(state)
        self._queue = EventQueue()
        self._tasks = Tasks()
        self._error: BaseException | None = None
        self._complete = self._stopping = self._read = False
        run = Run(state, config, hooks, self._queue.put, lambda: not self._stopping)
        self._task = self._tasks.spawn(self._work(run), name=f"run of agent {state.current_agent.name}")

    async def _work(self, run: Run) -> None:
        try:
            await run.drive()
        except Exception as error:  # noqa: BLE001  # whoever reads the events gets it
            self._error = error
        finally:
            self._complete = True
            self._queue.end()

    @property
    def current_agent(self) -> Agent[Any, Any]:
        """Return the agent at work."""
        return self.last_agent

    @property
    def current_turn(self) -> int:
        """Return how many answers the model was asked for."""
        return self._state.progress.turns

    @property
    def max_turns(self) -> int | None:
        """Return after how many answers the run fails."""
        return self._state.max_turns

    @property
    def is_complete(self) -> bool:
        """Return whether the run has ended, in whichever way."""
        return self._complete

    async def stream_events(self) -> AsyncGenerator[StreamEvent, None]:
        """Return what happens, as it happens, until the run has ended. Can be read once.

        The run does not wait for its reader: deltas that are not read join each other. A reader that stops
        early ends the run.

        Raises:
            ConfigurationError: it is read a second time.
            Exception: what the run failed with, after its last event.
        """
        if self._read:
            raise ConfigurationError("the events of a run can be read once; its result has all items")
        self._read = True
        try:
            while (event := await self._queue.get()) is not None:
                yield event
        finally:
            await self._tasks.aclose()
        if self._error is not None:
            raise self._error

    def cancel(self, mode: Literal["immediate", "after_turn"] = "immediate") -> None:
        """End the run. Its events end, without an error; safe to call twice.

        Args:
            mode: ``"immediate"`` stops the model and the tools at once; ``"after_turn"`` lets the answer that
                has begun and its tools come to their end.

        Raises:
            ConfigurationError: there is no such mode.
        """
        if mode not in {"immediate", "after_turn"}:
            raise ConfigurationError(f"mode must be 'immediate' or 'after_turn', got {mode!r}")
        self._stopping = True
        if mode == "immediate" and self._task is not None:
            self._task.cancel()
            # A task that has not begun yet never says that it has ended.
            self._complete = True
            self._queue.end()
