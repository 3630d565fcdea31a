"""From one session to many readers: each gets every event, none can hold up another or fill the memory.

The rule for a reader that lags: unread audio beyond `AUDIO_BYTES` is dropped, oldest first, and counted; an
unread `history_updated` stands for all later ones; of all else the oldest is dropped and counted beyond
`EVENTS`.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

from vivavoce.errors import ConfigurationError
from vivavoce.pipeline.tasks import Tasks
from vivavoce.session.events import (
    SESSION_EVENTS,
    RealtimeAudio,
    RealtimeHistoryUpdated,
    RealtimeSessionEvent,
)

logger = logging.getLogger(__name__)

AUDIO_BYTES = 16 * 1024 * 1024
"""Unread audio of one reader: more than five minutes of PCM16 at 24 kHz."""
EVENTS = 10_000
"""Unread other events of one reader."""
OPENING_EVENTS = 256
"""A reader that comes while the session is this young gets everything from its beginning."""
OPENING_AUDIO_BYTES = 1024 * 1024

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
        elif isinstance(event, RealtimeHistoryUpdated):
            if self._history_waits:
                return
            self._history_waits = True
        self._slots.append(slot)
        self._drop_audio()
        if len(self) - len(self._audio) > EVENTS:
            self._drop_oldest()
        self._ready.set()

    def _drop_audio(self) -> None:
        while self._audio_bytes > self._audio_limit and len(self._audio) > 1:
            slot = self._audio.popleft()
            event, slot[0] = slot[0], None
            assert isinstance(event, RealtimeAudio)
            self._audio_bytes -= len(event.audio.data)
            self.dropped_audio_bytes += len(event.audio.data)
            self._gone += 1
        if self._gone > EVENTS:
            self._slots = deque(slot for slot in self._slots if slot[0] is not None)
            self._gone = 0

    def _drop_oldest(self) -> None:
        for slot in self._slots:
            if slot[0] is not None and not isinstance(slot[0], RealtimeAudio):
                if isinstance(slot[0], RealtimeHistoryUpdated):
                    self._history_waits = False
                if not self.dropped_events:
                    logger.warning("A reader of the session is too slow: its oldest events are dropped")
                slot[0] = None
                self._gone += 1
                self.dropped_events += 1
                return

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
                elif isinstance(event, RealtimeHistoryUpdated):
                    self._history_waits = False
                return event
            if self._ended:
                raise StopAsyncIteration
            self._ready.clear()
            await self._ready.wait()


class EventStreams:
    """Everybody who reads one session's events."""

    def __init__(self) -> None:
        self._streams: list[EventStream] = []
        self._opening: EventStream | None = EventStream(audio_bytes=OPENING_AUDIO_BYTES)
        self._read = False
        self._tasks = Tasks()
        self._ended = False

    def publish(self, event: RealtimeSessionEvent) -> None:
        """Give an event to every reader."""
        for stream in self._streams:
            stream.put(event)
        if self._opening is not None:
            self._opening.put(event)
            if self._read and len(self._opening) > OPENING_EVENTS:
                self._opening = None

    def open(self, types: frozenset[str] = frozenset()) -> EventStream:
        """Return a new reader. The first one, and any that comes early, gets what happened before it."""
        stream = EventStream(types)
        if self._opening is not None:
            self._opening.copy_to(stream)
            if len(self._opening) > OPENING_EVENTS:
                self._opening = None
        self._read = True
        if self._ended:
            stream.end()
        else:
            self._streams.append(stream)
        return stream

    def close(self, stream: EventStream) -> None:
        """Forget a reader."""
        if stream in self._streams:
            self._streams.remove(stream)
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
        if name not in SESSION_EVENTS and "." not in name:
            raise ConfigurationError(f"there is no event {name!r}; there are: {', '.join(SESSION_EVENTS)}")
        if not callable(callback):
            raise ConfigurationError(f"the callback for {name!r} must be a function, got {callback!r}")
        stream = EventStream(frozenset({name}))
        self._streams.append(stream)
        self._tasks.spawn(_call(stream, callback, failed), name=f"callback {name}")
        return lambda: self.close(stream)

    def end(self) -> None:
        """Let every reader finish what it has, and then end."""
        self._ended = True
        for stream in self._streams:
            stream.end()
        self._streams = []

    async def aclose(self) -> None:
        """End every reader, and callbacks even in the middle of their work."""
        self.end()
        await asyncio.sleep(0)
        await self._tasks.aclose()


async def _call(stream: EventStream, callback: Callback, failed: Callable[[Exception], None]) -> None:
    async for event in stream:
        try:
            result = callback(event)
            if inspect.isawaitable(result):
                await result
        except Exception as error:
            logger.exception("A callback of the session raised")
            failed(error)
