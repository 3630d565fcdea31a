"""From one session to many readers: each gets every event, none can hold up another or fill the memory.

The rule for a reader that lags: unread audio beyond `AUDIO_BYTES` is dropped, oldest first, and counted; an
unread `history_updated` stands for all later ones; of all else the oldest is dropped and counted beyond
`EVENTS`.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import weakref
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any, TypeAlias

from vivavoce.connections.spelling import closest
from vivavoce.errors import ConfigurationError
from vivavoce.session.events import (
    JS_NAMES,
    SESSION_EVENTS,
    RealtimeAudio,
    RealtimeHistoryUpdated,
    RealtimeSessionEvent,
)
from vivavoce.tasks import Tasks

logger = logging.getLogger(__name__)

AUDIO_BYTES = 16 * 1024 * 1024
"""Unread audio of one reader: more than five minutes of PCM16 at 24 kHz."""
EVENTS = 10_000
"""Unread other events of one reader."""
OPENING_EVENTS = 256
"""A second loop that comes while the session is this young gets everything from its beginning."""
OPENING_AUDIO_BYTES = 1024 * 1024
"""Audio that waits for a first reader."""

_TYPING_ERROR = 0.85
"""How alike an unknown type and a known one are where it is a typing error and no vendor's."""
CALLBACK_S = 0.2
"""Seconds that callbacks have for their last events when the session ends."""

Callback: TypeAlias = Callable[[Any], Awaitable[None] | None]
_Slot: TypeAlias = list[RealtimeSessionEvent | None]


class EventStream(AsyncIterator[RealtimeSessionEvent]):
    """One reader's events.

    Args:
        types: only events of these types; none means all.
        audio_bytes: bound on unread audio.

    Attributes:
        dropped_audio_bytes: audio that was dropped because it was not read.
        dropped_events: other events that were dropped because they were not read.
    """

    def __init__(self, types: frozenset[str] = frozenset(), *, audio_bytes: int = AUDIO_BYTES) -> None:
        self.dropped_audio_bytes = 0
        self.dropped_events = 0
        self._types = types
        self._slots: deque[_Slot] = deque()
        self._audio: deque[_Slot] = deque()
        self._rest: deque[_Slot] = deque()
        self._audio_bytes = 0
        self._audio_limit = audio_bytes
        self._gone = 0
        self._history_waits = False
        self._ready = asyncio.Event()
        self._ended = False

    def __len__(self) -> int:
        return len(self._slots) - self._gone

    def put(self, event: RealtimeSessionEvent) -> None:
        """Add an event; never waits."""
        if self._ended or (self._types and event.type not in self._types):
            return
        slot: _Slot = [event]
        if isinstance(event, RealtimeAudio):
            self._audio.append(slot)
            self._audio_bytes += len(event.audio.data)
            self._drop_audio()
        else:
            if isinstance(event, RealtimeHistoryUpdated):
                if self._history_waits:
                    return
                self._history_waits = True
            self._rest.append(slot)
            self._drop_rest()
        self._slots.append(slot)
        if self._gone > EVENTS:
            self._slots = deque(slot for slot in self._slots if slot[0] is not None)
            self._gone = 0
        self._ready.set()

    def _drop_audio(self) -> None:
        while self._audio_bytes > self._audio_limit and len(self._audio) > 1:
            event = self._drop(self._audio)
            assert isinstance(event, RealtimeAudio)
            self._audio_bytes -= len(event.audio.data)
            self.dropped_audio_bytes += len(event.audio.data)

    def _drop_rest(self) -> None:
        while len(self._rest) > EVENTS:
            if isinstance(self._drop(self._rest), RealtimeHistoryUpdated):
                self._history_waits = False
            if not self.dropped_events:
                logger.warning("A reader of the session is too slow: its oldest events are dropped")
            self.dropped_events += 1

    def _drop(self, kind: deque[_Slot]) -> RealtimeSessionEvent | None:
        """Empty the oldest slot of a kind; it is skipped when its turn comes."""
        slot = kind.popleft()
        event, slot[0] = slot[0], None
        self._gone += 1
        return event

    def allow_audio(self, audio_bytes: int) -> None:
        """Set the bound on unread audio."""
        self._audio_limit = audio_bytes

    def end(self) -> None:
        """Let the reader finish what it has, and then end."""
        self._ended = True
        self._ready.set()

    def copy_to(self, other: EventStream) -> None:
        """Give another reader everything that is unread here."""
        for slot in self._slots:
            if slot[0] is not None:
                other.put(slot[0])

    async def __anext__(self) -> RealtimeSessionEvent:
        while True:
            while self._slots:
                (event,) = self._slots.popleft()
                if event is None:
                    self._gone -= 1
                    continue
                if isinstance(event, RealtimeAudio):
                    self._audio.popleft()
                    self._audio_bytes -= len(event.audio.data)
                    return event
                self._rest.popleft()
                if isinstance(event, RealtimeHistoryUpdated):
                    self._history_waits = False
                return event
            if self._ended:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()


class _Loop(AsyncIterator[RealtimeSessionEvent]):
    """One ``async for`` over a stream that outlives it."""

    def __init__(self, stream: EventStream) -> None:
        self._stream = stream

    def __anext__(self) -> Coroutine[Any, Any, RealtimeSessionEvent]:
        return self._stream.__anext__()


class EventStreams:
    """Everybody who reads one session's events. A reader that nobody holds any more is forgotten."""

    def __init__(self) -> None:
        # The main stream is there from the beginning: what happens before and between loops waits in it.
        self._main = EventStream(audio_bytes=OPENING_AUDIO_BYTES)
        self._loop: weakref.ref[_Loop] | None = None
        self._opening: EventStream | None = EventStream(audio_bytes=OPENING_AUDIO_BYTES)
        self._others: tuple[weakref.ref[EventStream], ...] = ()
        self._callbacks: set[asyncio.Task[None]] = set()
        self._tasks = Tasks()
        self._ended = False

    def publish(self, event: RealtimeSessionEvent) -> None:
        """Give an event to every reader."""
        self._main.put(event)
        for reader in self._others:
            if (stream := reader()) is not None:
                stream.put(event)
        if self._opening is not None:
            self._opening.put(event)
            if len(self._opening) > OPENING_EVENTS:
                self._opening = None

    def iterate(self) -> AsyncIterator[RealtimeSessionEvent]:
        """Return what an ``async for`` over the session reads.

        One loop after another goes on where the last one stopped. A loop beside another gets every event of
        its own, and while the session is young those from its beginning, too.
        """
        if self._loop is None or self._loop() is None:
            loop = _Loop(self._main)
            self._loop = weakref.ref(loop)
            self._main.allow_audio(AUDIO_BYTES)
            return loop
        stream = EventStream()
        if self._opening is not None:
            self._opening.copy_to(stream)
        return self._add(stream)

    def open(self, types: frozenset[str] = frozenset()) -> EventStream:
        """Return a reader of the events from now on; of some types, or of all.

        Raises:
            ConfigurationError: a type looks like a typing error; others may be a vendor's own.
        """
        names = frozenset(JS_NAMES.get(name, name) for name in types)
        for name in names.difference(SESSION_EVENTS):
            if "." not in name and closest(name, SESSION_EVENTS, likeness=_TYPING_ERROR) is not None:
                raise _no_event(name)
        return self._add(EventStream(names))

    def _add(self, stream: EventStream) -> EventStream:
        if self._ended:
            stream.end()
        self._others = (*self._others, weakref.ref(stream, self._forget))
        return stream

    def _forget(self, gone: weakref.ref[EventStream]) -> None:
        self._others = tuple(reader for reader in self._others if reader is not gone)

    def close(self, stream: EventStream) -> None:
        """Forget a reader; it may finish what it has."""
        self._others = tuple(reader for reader in self._others if reader() is not stream)
        stream.end()

    def on(self, name: str, callback: Callback, failed: Callable[[Exception], None]) -> Callable[[], None]:
        """Call a function, plain or async, with every event of a type, in order.

        Args:
            name: a type of event.
            callback: what to call. It may be slow: it has a queue of its own.
            failed: called with what the callback raised.

        Returns:
            A function that ends this.

        Raises:
            ConfigurationError: there is no such event, or `callback` is no function.
        """
        name = JS_NAMES.get(name, name)
        if name not in SESSION_EVENTS and "." not in name:
            raise _no_event(name)
        if not callable(callback):
            raise ConfigurationError(f"the callback for {name!r} must be a function, got {callback!r}")
        stream = self.open(frozenset({name}))
        task = self._tasks.spawn(_call(stream, callback, failed), name=f"callback {name}")
        if task is not None:
            self._callbacks.add(task)
            task.add_done_callback(self._callbacks.discard)
        return lambda: self.close(stream)

    def runs(self, task: asyncio.Task[Any] | None) -> bool:
        """Say whether a task is one of the callbacks."""
        return task in self._callbacks

    def end(self) -> None:
        """Let every reader finish what it has, and then end."""
        self._ended = True
        self._main.end()
        for reader in self._others:
            if (stream := reader()) is not None:
                stream.end()

    async def aclose(self) -> None:
        """End every reader; callbacks have a moment to take what is left for them."""
        self.end()
        waiting = [task for task in self._callbacks if task is not asyncio.current_task()]
        if waiting:
            await asyncio.wait(waiting, timeout=CALLBACK_S)
        await self._tasks.aclose()


def _no_event(name: str) -> ConfigurationError:
    hint = f" did you mean {near!r}?" if (near := closest(name, SESSION_EVENTS)) else ""
    return ConfigurationError(f"there is no event {name!r};{hint} there are: {', '.join(SESSION_EVENTS)}")


async def _call(stream: EventStream, callback: Callback, failed: Callable[[Exception], None]) -> None:
    async for event in stream:
        try:
            result = callback(event)
            if inspect.isawaitable(result):
                await result
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # What it waited for was cancelled: that is the end of this call only.
            failed(RuntimeError(f"a callback was cancelled from within: {error}"))
        except Exception as error:
            logger.exception("A callback of the session raised")
            failed(error)
