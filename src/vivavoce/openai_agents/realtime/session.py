"""`RealtimeSession` as `openai-agents` has it, and the model that it shows."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import vivavoce
from vivavoce.connections import ModelEvent
from vivavoce.openai_agents.realtime.events import RealtimeEventInfo, RealtimeSessionEvent
from vivavoce.openai_agents.realtime.model import RealtimeModelListener
from vivavoce.openai_agents.realtime.model_inputs import (
    RealtimeModelSendAudio,
    RealtimeModelSendEvent,
    RealtimeModelSendInterrupt,
    RealtimeModelSendRawMessage,
    RealtimeModelSendSessionUpdate,
    RealtimeModelSendToolOutput,
    RealtimeModelSendUserInput,
)
from vivavoce.openai_agents.realtime.translation import EventContext, model_events_from, session_events_from
from vivavoce.protocol import (
    ClientEvent,
    ConversationItemCreate,
    FunctionCallOutputItem,
    ResponseCreate,
    SessionUpdate,
)
from vivavoce.session.config import RealtimeUserInput
from vivavoce.session.model_settings import realtime_session


@dataclass(frozen=True)
class _Translating:
    """A listener of our model that passes on what it hears, translated; equal when its listener is."""

    listener: RealtimeModelListener

    async def on_event(self, event: ModelEvent) -> None:
        for told in model_events_from(event):
            await self.listener.on_event(told)


class SessionModel:
    """The model of a session: listens and sends in the words of `openai-agents`.

    Every other attribute is that of the session's own `vivavoce.RealtimeModel`.
    """

    def __init__(self, session: vivavoce.RealtimeSession) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session.model, name)

    def add_listener(self, listener: RealtimeModelListener) -> None:
        """Have everything that the model tells from now on delivered to a listener.

        Args:
            listener: its ``async def on_event(event)`` gets events of `model_events`.
        """
        self._session.model.add_listener(_Translating(listener))

    def remove_listener(self, listener: RealtimeModelListener) -> None:
        """Stop delivering to a listener."""
        self._session.model.remove_listener(_Translating(listener))

    async def send_event(self, event: RealtimeModelSendEvent | ClientEvent | Mapping[str, Any]) -> None:
        """Send something: one of `model_inputs`, or what `vivavoce.RealtimeSession.send_event` takes.

        Raises:
            ConfigurationError: a message or a setting is not accepted.
            RemoteProtocolError: a raw message is no event of the Realtime API.
            SessionClosedError: the session is not open.
        """
        session = self._session
        match event:
            case RealtimeModelSendRawMessage(message=message):
                await session.send_event(message)
            case RealtimeModelSendUserInput(user_input=message):
                await session.send_message(message)
            case RealtimeModelSendAudio(audio=audio, commit=commit):
                await session.send_audio(audio, commit=commit)
            case RealtimeModelSendToolOutput(tool_call=call, output=output, start_response=respond):
                item = FunctionCallOutputItem(call_id=call.call_id, output=output)
                await session.send_event(ConversationItemCreate(item=item))
                if respond:
                    await session.send_event(ResponseCreate())
            case RealtimeModelSendInterrupt(cancel_response_only=only):
                await (session.cancel() if only else session.interrupt())
            case RealtimeModelSendSessionUpdate(session_settings=settings):
                wanted = realtime_session(settings, path="session_settings")
                await session.send_event(SessionUpdate(session=wanted))
            case _:
                await session.send_event(event)


class _Events(AsyncIterator[RealtimeSessionEvent]):
    """One ``async for`` over a session."""

    def __init__(self, session: vivavoce.RealtimeSession, waiting: deque[RealtimeSessionEvent]) -> None:
        self._info = RealtimeEventInfo(EventContext(session))
        self._events = aiter(session)
        self._waiting = waiting

    async def __anext__(self) -> RealtimeSessionEvent:
        while not self._waiting:
            self._waiting.extend(session_events_from(await anext(self._events), self._info))
        return self._waiting.popleft()


class RealtimeSession:
    """A conversation that tells exactly the events of `openai-agents`, with items in its spelling.

    Made by `RealtimeRunner.run`. Everything that is not here is that of the `vivavoce.RealtimeSession` in it.
    """

    def __init__(self, session: vivavoce.RealtimeSession) -> None:
        self._session = session
        self._model = SessionModel(session)
        self._first: weakref.ref[_Events] | None = None
        self._waiting: deque[RealtimeSessionEvent] = deque()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    @property
    def model(self) -> SessionModel:
        """The connection, to listen to or to send to."""
        return self._model

    def __aiter__(self) -> AsyncIterator[RealtimeSessionEvent]:
        if self._first is not None and self._first() is not None:
            return _Events(self._session, deque())
        # One loop after another goes on where the last one stopped, also between two events of one cause.
        events = _Events(self._session, self._waiting)
        self._first = weakref.ref(events)
        return events

    async def __aenter__(self) -> Self:
        return await self.enter()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._session.close()

    async def enter(self) -> Self:
        """Connect, and return the session.

        Raises:
            ConfigurationError: a setting cannot work, or the server refused one.
            ConnectionLostError: the server could not be reached or did not answer in time.
            SessionClosedError: this session was opened before.
        """
        await self._session.enter()
        return self

    async def close(self) -> None:
        """End the session within a second; safe to call twice."""
        await self._session.close()

    async def send_message(self, message: RealtimeUserInput) -> None:
        """Say something in writing as the user, and have the agent answer.

        Raises:
            ConfigurationError: it is neither a text nor a message.
            SessionClosedError: the session is not open.
        """
        await self._session.send_message(message)

    async def send_audio(self, audio: bytes, *, commit: bool = False) -> None:
        """Send speech of the user; `commit` ends the user's turn.

        Raises:
            ConfigurationError: `audio` is not bytes.
            SessionClosedError: the session is not open.
        """
        await self._session.send_audio(audio, commit=commit)

    async def interrupt(self) -> None:
        """Stop the agent at once.

        Raises:
            SessionClosedError: the session is not open.
        """
        await self._session.interrupt()

    async def update_agent(self, agent: vivavoce.RealtimeAgent[Any]) -> None:
        """Let another agent speak from now on.

        Raises:
            ConfigurationError: the agent does not go together with the settings, or the server refused them.
            SessionClosedError: the session is not open.
        """
        await self._session.update_agent(agent)

    async def approve_tool_call(self, call_id: str, *, always: bool = False) -> None:
        """Let a call run that waits for approval; `always` approves every later one of the tool, too.

        Raises:
            ConfigurationError: no such call waits.
            SessionClosedError: the session is not open.
        """
        await self._session.approve_tool_call(call_id, always=always)

    async def reject_tool_call(
        self, call_id: str, *, always: bool = False, rejection_message: str | None = None
    ) -> None:
        """Let a call not run that waits for approval; the model is told, in words of yours if you like.

        Raises:
            ConfigurationError: no such call waits.
            SessionClosedError: the session is not open.
        """
        await self._session.reject_tool_call(call_id, always=always, rejection_message=rejection_message)
