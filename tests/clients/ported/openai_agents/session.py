"""Runner, session and connection as `openai-agents` has them."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import vivavoce
from vivavoce import RealtimeAgent

from .events import EventContext, RealtimeSessionEvent, events_from, usage_so_far

TRANSCRIBER = "gpt-4o-mini-transcribe"
"""Writes the user's speech down where no other model is named; this machine uses its own."""


@dataclass(frozen=True)
class RealtimeModelSendRawMessage:
    """An event of the Realtime API, to be sent as it is.

    Attributes:
        message: ``{"type": …, "other_data": {…}}``, the latter with every other field.
    """

    message: dict[str, Any]


class RealtimeModel:
    """The connection of a session; every method but `send_event` is that of `vivavoce.RealtimeModel`."""

    def __init__(self, session: vivavoce.RealtimeSession) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session.model, name)

    async def send_event(self, event: Any) -> None:
        """Send an event: a raw message, or what `vivavoce.RealtimeSession.send_event` takes."""
        if isinstance(event, RealtimeModelSendRawMessage):
            event = {"type": event.message["type"], **event.message.get("other_data", {})}
        await self._session.send_event(event)


class _Events(AsyncIterator[RealtimeSessionEvent]):
    """One ``async for`` over a session."""

    def __init__(self, session: vivavoce.RealtimeSession) -> None:
        self._session = session
        self._events = aiter(session)
        self._waiting: deque[RealtimeSessionEvent] = deque()

    async def __anext__(self) -> RealtimeSessionEvent:
        while not self._waiting:
            event = await anext(self._events)
            context = EventContext(self._session.context, usage_so_far(self._session.usage))
            self._waiting.extend(events_from(event, context))
        return self._waiting.popleft()


class RealtimeSession:
    """A conversation that tells exactly the events of `openai-agents`, items in its spelling.

    Everything else is that of `vivavoce.RealtimeSession`.
    """

    def __init__(self, session: vivavoce.RealtimeSession) -> None:
        self._session = session
        self.model = RealtimeModel(session)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def __aiter__(self) -> AsyncIterator[RealtimeSessionEvent]:
        return _Events(self._session)

    async def __aenter__(self) -> Self:
        return await self.enter()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.close()

    async def enter(self) -> Self:
        """Connect, and return the session."""
        await self._session.enter()
        return self


class RealtimeRunner:
    """Starts sessions of an agent; takes what `vivavoce.RealtimeRunner` takes.

    The user's speech is written down unless the settings say otherwise.
    """

    def __init__(
        self, starting_agent: RealtimeAgent[Any], *, config: Mapping[str, Any] | None = None, **options: Any
    ) -> None:
        self._runner = vivavoce.RealtimeRunner(starting_agent, config=_transcribing(config or {}), **options)

    async def run(self, **options: Any) -> RealtimeSession:
        """Prepare a session; ``async with`` connects it."""
        return RealtimeSession(await self._runner.run(**options))


def _transcribing(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration with a transcription for the user's speech where it says nothing of one."""
    settings = config.get("model_settings") or {}
    nested = (settings.get("audio") or {}).get("input") or {}
    if "input_audio_transcription" not in settings and "transcription" not in nested:
        settings = {"input_audio_transcription": {"model": TRANSCRIBER}, **settings}
    return {**config, "model_settings": settings}
