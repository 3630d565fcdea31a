"""`LocalRealtimeModel`: the realtime model of this very process. No socket, no JSON, no key."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vivavoce.connections.base import (
    ConnectionFailed,
    ConnectionStatus,
    RealtimeModel,
    RealtimeModelConfig,
    model_name_of,
)
from vivavoce.errors import ConfigurationError, ConnectionLostError, EngineError
from vivavoce.pipeline import LocalSession, SessionOptions
from vivavoce.tasks import Tasks

if TYPE_CHECKING:
    from vivavoce.engines.base import Engines, Transcriber
    from vivavoce.engines.registry import EngineChoice
    from vivavoce.protocol import ClientEvent, ServerEvent

logger = logging.getLogger(__name__)

HIGH_WATER = 256
"""Events on the way above which the session is asked to hold its audio back."""
LOW_WATER = 64
"""Events on the way at which it may go on."""
OVERFLOW = 16_384
"""Events on the way at which the consumer is taken for dead."""
BATCH = 32
"""Events delivered before other work on the event loop gets its turn."""


class SharedEngines:
    """Engines that are built when the first session needs them and closed when the last one ends.

    Args:
        choice: which engines; ``None`` is the embedded ones.
    """

    def __init__(self, choice: EngineChoice | None = None) -> None:
        self._choice = choice
        self._users = 0
        self._engines: Engines | None = None
        self._lock = asyncio.Lock()

    async def acquire(self) -> Engines:
        """Return the engines; every call needs its `release`.

        Raises:
            ConfigurationError: there are no such engines, or an extra is missing.
        """
        async with self._lock:
            if self._engines is None:
                from vivavoce.engines.registry import build_local_engines

                # Loading acoustic models takes a second: not on the event loop.
                self._engines = await asyncio.to_thread(build_local_engines, self._choice)
            self._users += 1
            return self._engines

    async def release(self) -> None:
        """Give the engines back."""
        async with self._lock:
            self._users -= 1
            if self._users == 0 and self._engines is not None:
                engines, self._engines = self._engines, None
                await engines.aclose()


class LocalRealtimeModel(RealtimeModel):
    """A realtime model made of engines on this machine.

    Args:
        engines: `Engines` of your own (you close them), an `EngineChoice`, or `SharedEngines`, from which
            several models may draw. ``None`` is the embedded engines, which need no download.
        options: what an operator decides about sessions.
    """

    def __init__(
        self,
        engines: Engines | EngineChoice | SharedEngines | None = None,
        *,
        options: SessionOptions | None = None,
    ) -> None:
        super().__init__()
        from vivavoce.engines.base import Engines

        self._own = engines if isinstance(engines, Engines) else None
        if isinstance(engines, SharedEngines):
            self._shared = engines
        else:
            self._shared = SharedEngines(None if isinstance(engines, Engines) else engines)
        self._options = options
        self._session: LocalSession | None = None
        self._pipe: _Pipe | None = None
        self._ending: asyncio.Task[None] | None = None
        self._warming: asyncio.Task[None] | None = None
        self._tasks = Tasks()

    async def connect(self, config: RealtimeModelConfig) -> None:
        """Start a session.

        Raises:
            ConfigurationError: the engines cannot be built, there is a call to attach to, which only a server
                has, or this model is connected already.
        """
        if "call_id" in config:
            raise ConfigurationError(
                f"there is no call {config['call_id']!r} to attach to in this process: name the server that "
                "carries it, model='ws://…'"
            )
        if self._pipe is not None:
            raise ConfigurationError(
                "this model is connected already; use one model for one session at a time"
            )
        self.emit(ConnectionStatus("connecting"))
        self._pipe = pipe = _Pipe()
        self._tasks = Tasks()
        try:
            self._session = await self._begin(pipe, config)
        except BaseException:
            self._pipe = None
            self.emit(ConnectionStatus("disconnected"))
            raise
        self.emit(ConnectionStatus("connected"))
        self._session.start()
        self._tasks.spawn(self._deliver(pipe, self._session), name="local model")

    async def _begin(self, pipe: _Pipe, config: RealtimeModelConfig) -> LocalSession:
        engines = self._own or await self._shared.acquire()
        try:
            session = LocalSession(engines, pipe, self._session_options(config), on_end=pipe.end)
        except BaseException:
            if self._own is None:
                await self._shared.release()
            raise
        self._warming = self._tasks.spawn(_warm(engines.transcriber), name="warm-up")
        return session

    def _session_options(self, config: RealtimeModelConfig) -> SessionOptions:
        from dataclasses import replace

        # Who runs the model in their own process may hear what went wrong in it, and reach their own network.
        options = self._options or SessionOptions(explain_failures=True, mcp_private_addresses=True)
        name = model_name_of(config)
        return replace(options, model=name) if name else options

    async def _deliver(self, pipe: _Pipe, session: LocalSession) -> None:
        """Hand the session's events to the listeners until it ends."""
        while True:
            events = await pipe.take(BATCH)
            for event in events:
                self.emit(event)
            if pipe.paused and len(pipe) <= LOW_WATER:
                pipe.paused = False
                session.resume()
            if pipe.ended is not None and not len(pipe):
                break
            await asyncio.sleep(0)
        if pipe.ended:
            self.emit(ConnectionFailed(ConnectionLostError(pipe.ended)))
        await self._end()

    async def send_event(self, event: ClientEvent) -> None:
        """Hand one event to the session.

        Raises:
            ConnectionLostError: the session has ended.
        """
        if self._session is None:
            raise ConnectionLostError(f"cannot send {event.type}: there is no session of the local model")
        self._session.receive(event)

    async def close(self) -> None:
        """End the session."""
        await self._end()
        await self._tasks.aclose()
        await self._listeners.aclose()

    async def _end(self) -> None:
        """End the session once, whoever asks for it and whoever stops waiting for it."""
        if self._session is not None:
            session, self._session = self._session, None
            self._ending = self._tasks.spawn(self._finish(session), name="end of the local model")
        if self._ending is not None:
            await asyncio.shield(self._ending)

    async def _finish(self, session: LocalSession) -> None:
        if self._warming is not None:
            self._warming.cancel()
        try:
            await session.aclose()
        finally:
            try:
                if self._own is None:
                    await self._shared.release()
            finally:
                self._pipe = self._ending = None
                self.emit(ConnectionStatus("disconnected"))


async def _warm(transcriber: Transcriber) -> None:
    """Let the transcriber load what it needs while nobody waits for it."""
    prewarm = getattr(transcriber, "prewarm", None)
    if prewarm is not None:
        try:
            await prewarm()
        except EngineError as error:
            logger.warning("The transcriber could not be loaded ahead of its first use: %s", error)


class _Pipe:
    """Events on their way from the session to the listeners. Bounded: the session is slowed down first."""

    def __init__(self) -> None:
        self.paused = False
        self.ended: str | None = None
        self._events: deque[ServerEvent] = deque()
        self._ready = asyncio.Event()

    def __len__(self) -> int:
        return len(self._events)

    def send(self, events: Sequence[ServerEvent]) -> None:
        """Take events from the session."""
        if self.ended is None:
            self._events.extend(events)
            self._ready.set()
        if len(self._events) > OVERFLOW:
            self._events.clear()
            self.end("The application has read no events of the local model for too long.")

    @property
    def writable(self) -> bool:
        """Whether the listeners keep up."""
        if len(self._events) >= HIGH_WATER:
            self.paused = True
        return not self.paused

    def end(self, reason: str) -> None:
        """Say that the session has ended by itself."""
        self.ended = reason
        self._ready.set()

    async def take(self, most: int) -> list[ServerEvent]:
        """Wait for events and return up to `most` of them; none when the session has ended."""
        if not self._events and self.ended is None:
            self._ready.clear()
            await self._ready.wait()
        return [self._events.popleft() for _ in range(min(most, len(self._events)))]
