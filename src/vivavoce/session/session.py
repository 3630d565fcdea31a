"""`RealtimeSession`: one conversation between an application and a realtime model."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from vivavoce.agents import RealtimeAgent, RunContextWrapper, Usage
from vivavoce.connections import (
    ConnectionFailed,
    ConnectionStatus,
    ModelEvent,
    RealtimeModel,
    RealtimeModelConfig,
)
from vivavoce.conversation.client import ClientConversation
from vivavoce.errors import ConnectionLostError, SessionClosedError
from vivavoce.protocol import (
    ClientEvent,
    ConversationItemCreate,
    InputAudioBufferAppend,
    InputAudioBufferCommit,
    Item,
    ResponseCreate,
    SessionUpdate,
)
from vivavoce.protocol.codec import client_event_from
from vivavoce.session.events import RealtimeError, RealtimeSessionEvent
from vivavoce.session.messages import audio_pieces, user_message, with_item_id
from vivavoce.session.opening import UPDATE_ID, Opening
from vivavoce.session.reports import Reporter
from vivavoce.session.settings import ModelSettings, session_of
from vivavoce.session.streams import Callback, EventStream, EventStreams
from vivavoce.session.tool_calls import ToolCalls, ToolOwner
from vivavoce.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

START_S = 10.0
"""Seconds that a server has to open the session, and to accept its settings."""
CLOSE_S = 0.7
"""Seconds that closing the connection and the tools may take."""
READERS_S = 0.25
"""Seconds that callbacks then have for their last events, and to end."""


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """What a runner decides about one session.

    Attributes:
        agent: who speaks.
        settings: of the model's session.
        model: the connection.
        model_config: how to open it.
        context: the user's own object.
        begin: called when the session opens; raises `ConfigurationError` where it may not.
        ended: called when a session that began has closed.
    """

    agent: RealtimeAgent[Any]
    settings: ModelSettings
    model: RealtimeModel
    model_config: RealtimeModelConfig
    context: Any
    begin: Callable[[], None]
    ended: Callable[[], None]


class RealtimeSession:
    """A conversation. Made by `RealtimeRunner.run`; ``async with`` connects it and closes it.

    Iterate over it for its events, or register callbacks with `on`. A second loop after the first goes on
    where that stopped; loops side by side each get every event. A session survives what goes wrong in it:
    errors are events. Iteration ends when the session is closed or the connection is lost for good.
    """

    def __init__(self, plan: SessionPlan) -> None:
        self._plan = plan
        self._usage = Usage()
        self._conversation = ClientConversation(plan.model_config.get("playback_tracker"))
        self._streams = EventStreams()
        self._tools = ToolCalls(self._answer_tool, self._streams.publish, lambda: self.history)
        self._reporter = Reporter(self._conversation, self._streams.publish, self._usage)
        self._tasks = Tasks()
        self._wake = asyncio.Event()
        self._deadline = inf
        self._sending = asyncio.Lock()
        self._opening: Opening | None = None
        self._owner: ToolOwner | None = None
        self._state = "new"

    # --- what it is -----------------------------------------------------------------------------------------

    @property
    def model(self) -> RealtimeModel:
        """The connection, for listeners and events of one's own."""
        return self._plan.model

    @property
    def current_agent(self) -> RealtimeAgent[Any]:
        """The agent that speaks."""
        return self._plan.agent

    @property
    def context(self) -> Any:
        """The object given to `RealtimeRunner.run(context=…)`."""
        return self._plan.context

    @property
    def usage(self) -> Usage:
        """Tokens of the session so far."""
        return self._usage

    @property
    def history(self) -> list[Item]:
        """The conversation so far, with the words of both sides as they are said and heard."""
        return self._conversation.history.items

    # --- opening and closing --------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.enter()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def enter(self) -> None:
        """Connect, and wait until the server has accepted the session's settings.

        Raises:
            ConfigurationError: a setting cannot work, or the server refused one.
            ConnectionLostError: the server could not be reached or did not answer in time.
            SessionClosedError: this session was opened before.
        """
        if self._state != "new":
            raise SessionClosedError("a session is opened once; ask the runner for a new one with run()")
        self._plan.begin()
        self._state = "open"
        try:
            await self._open()
        except BaseException:
            await self.close()
            raise

    async def _open(self) -> None:
        plan = self._plan
        tools = list(plan.agent.tools) or list(plan.settings.tools or ())
        self._owner = ToolOwner(plan.agent, {tool.name: tool for tool in tools}, plan.context, self._usage)
        instructions = await plan.agent.resolve_instructions(RunContextWrapper(plan.context, self._usage))
        update = SessionUpdate(
            event_id=UPDATE_ID,
            session=session_of(plan.settings, instructions=instructions, voice=plan.agent.voice, tools=tools),
        )
        self._opening = opening = Opening()
        plan.model.add_listener(self._hear)
        await plan.model.connect(plan.model_config)
        try:
            async with asyncio.timeout(START_S):
                await opening.created
                await self._send(update)
                await opening.updated
        except TimeoutError as error:
            raise ConnectionLostError(f"The server did not open the session within {START_S:g} s.") from error
        self._opening = None
        self._tasks.spawn(self._pump(), name="session pump")

    async def close(self) -> None:
        """End the session within a second, whatever server, tools and callbacks do; safe to call twice."""
        before, self._state = self._state, "closed"
        if before in {"new", "closed"}:
            self._streams.end()
            return
        plan = self._plan
        try:
            async with asyncio.timeout(CLOSE_S):
                await asyncio.gather(plan.model.close(), self._tools.aclose(), self._tasks.aclose())
        except TimeoutError:
            self._streams.publish(RealtimeError(ConnectionLostError("closing the connection took too long")))
        finally:
            plan.model.remove_listener(self._hear)
            self._streams.end()
            plan.ended()
        with suppress(TimeoutError):
            async with asyncio.timeout(READERS_S):
                await self._streams.aclose()

    # --- what goes in ---------------------------------------------------------------------------------------

    async def send_message(self, message: str | Mapping[str, Any]) -> None:
        """Say something in writing as the user, and have the agent answer. Does not wait for the answer.

        Args:
            message: a text, or a message in its JSON form:
                ``{"type": "message", "role": "user", "content": [{"type": "input_text", "text": …}]}``.

        Raises:
            ConfigurationError: the message is of neither form.
            SessionClosedError: the session is not open.
            ConnectionLostError: the connection broke.
        """
        event = ConversationItemCreate(item=user_message(message))
        self._check_open()
        await self._send(event)
        self._conversation.request_response(self._now())
        await self._flush_and_wake()

    async def send_audio(self, audio: bytes, *, commit: bool = False) -> None:
        """Send speech of the user, in the session's input format (PCM16, mono, 24 kHz unless set otherwise).

        Args:
            audio: any number of bytes.
            commit: end the user's turn here. It asks for no answer: that is for turn detection, or for
                ``send_event({"type": "response.create"})``.

        Raises:
            ConfigurationError: `audio` is not bytes.
            SessionClosedError: the session is not open.
            ConnectionLostError: the connection broke.
        """
        pieces = audio_pieces(audio)
        self._check_open()
        for piece in pieces:
            await self._send(InputAudioBufferAppend(audio=piece))
        if commit:
            await self._send(InputAudioBufferCommit())

    async def send_event(self, event: ClientEvent | Mapping[str, Any]) -> None:
        """Send any event of the Realtime API, as a struct or in its JSON form.

        A `response.create` waits until the conversation is free for it.

        Raises:
            RemoteProtocolError: it is no such event.
            SessionClosedError: the session is not open.
            ConnectionLostError: the connection broke.
        """
        if isinstance(event, Mapping):
            event = client_event_from(event)
        self._check_open()
        if isinstance(event, ResponseCreate):
            self._conversation.request_response(self._now(), event)
            self._report()
            await self._flush_and_wake()
        else:
            if isinstance(event, ConversationItemCreate) and event.previous_item_id == "root":
                event, item_id = with_item_id(event)
                self._conversation.history.expect_first(item_id)
            await self._send(event)

    async def interrupt(self) -> None:
        """Stop the agent at once: what it is generating, what it was about to, and what is being played.

        Raises:
            SessionClosedError: the session is not open.
            ConnectionLostError: the connection broke.
        """
        self._check_open()
        self._conversation.interrupt(self._now())
        self._report()
        await self._flush_and_wake()

    # --- what comes out -------------------------------------------------------------------------------------

    def __aiter__(self) -> AsyncIterator[RealtimeSessionEvent]:
        return self._streams.iterate()

    def events(self, *types: str) -> EventStream:
        """Return a reader of its own for the session's events from now on.

        It gets every event, whoever else reads them, and is forgotten when nobody holds it any more.

        Args:
            types: only events of these types; none means all.
        """
        return self._streams.open(frozenset(types))

    def on(self, event: str, callback: Callback) -> Callable[[], None]:
        """Call a function, plain or async, with every event of a type from now on.

        A callback that raises becomes an `error` event.

        Returns:
            A function that ends this.

        Raises:
            ConfigurationError: there is no such event.
        """
        silent = event == "error"
        return self._streams.on(
            event, callback, lambda error: None if silent else self._callback_failed(error)
        )

    def _callback_failed(self, error: Exception) -> None:
        self._streams.publish(RealtimeError(error))

    # --- the works ------------------------------------------------------------------------------------------

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _check_open(self) -> None:
        if self._state != "open":
            hint = "open it with 'async with session'" if self._state == "new" else "it has ended"
            raise SessionClosedError(f"the session is not open: {hint}")

    def _hear(self, event: ModelEvent) -> None:
        """Take an event of the model. Quick, and never waits."""
        if self._opening is not None:
            self._opening.hear(event)
        if isinstance(event, ConnectionStatus):
            self._streams.publish(event)
            if event.status == "disconnected" and self._state == "open":
                self._state = "lost"
                self._tasks.spawn(self._lose(), name="session end")
            return
        if isinstance(event, ConnectionFailed):
            self._streams.publish(RealtimeError(event.error))
            return
        self._conversation.receive(event, self._now())
        self._reporter.report_wire(event)
        self._report()
        self._wake_if_needed()

    def _report(self) -> None:
        """Turn the conversation's notices into events and tool calls."""
        for call in self._reporter.report_notices(self._plan.agent):
            assert self._owner is not None
            self._tools.start(call, self._owner)

    def _answer_tool(self, call_id: str, output: str) -> None:
        self._conversation.tool_output(call_id, output, self._now())
        self._wake.set()

    def _wake_if_needed(self) -> None:
        """Wake the pump for something to send or an earlier deadline: not for each piece of audio."""
        deadline = self._conversation.next_deadline()
        if self._conversation.has_output or (deadline is not None and deadline < self._deadline):
            self._wake.set()

    async def _pump(self) -> None:
        """Send what the conversation decides, and keep its deadlines."""
        while True:
            try:
                await self._flush()
            except ConnectionLostError as error:
                self._streams.publish(RealtimeError(error))
                return
            deadline = self._conversation.next_deadline()
            self._deadline = inf if deadline is None else deadline
            try:
                async with asyncio.timeout_at(deadline):
                    await self._wake.wait()
            except TimeoutError:
                self._conversation.handle_deadline(self._now())
                self._report()
            self._wake.clear()

    async def _flush_and_wake(self) -> None:
        """Send what was decided, and have the pump look at the deadlines that came with it."""
        self._wake.set()
        await self._flush()

    async def _flush(self) -> None:
        async with self._sending:
            for event in self._conversation.events_to_send():
                await self._plan.model.send_event(event)

    async def _send(self, event: ClientEvent) -> None:
        async with self._sending:
            await self._plan.model.send_event(event)

    async def _lose(self) -> None:
        """End what cannot go on without a connection; readers finish what they have."""
        await self._tools.aclose()
        self._streams.end()
