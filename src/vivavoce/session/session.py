"""`RealtimeSession`: one conversation between an application and a realtime model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from vivavoce.agents import RealtimeAgent, Usage
from vivavoce.connections import RealtimeModel
from vivavoce.errors import ConnectionLostError, SessionClosedError
from vivavoce.protocol import (
    ClientEvent,
    ConversationItemCreate,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    Item,
)
from vivavoce.protocol.codec import client_event_from, encode_text
from vivavoce.session.approvals import call_id_of
from vivavoce.session.events import RealtimeError, RealtimeSessionEvent, RealtimeToolApprovalRequired
from vivavoce.session.messages import check_history, image_message, merged, named, silence_like, user_message
from vivavoce.session.streams import Callback, EventStream
from vivavoce.session.works import SessionPlan, SessionWorks
from vivavoce.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

CLOSE_S = 0.7
"""Seconds that closing the connection and the tools may take."""
READERS_S = 0.25
"""Seconds that callbacks then have for their last events, and to end."""


class RealtimeSession:
    """A conversation. Made by `RealtimeRunner.run`; ``async with`` connects it and closes it.

    Iterate over it for its events, or register callbacks with `on`. A second loop after the first goes on
    where that stopped; loops side by side each get every event. A session survives what goes wrong in it:
    errors are events. When the connection drops, another one is made and given the conversation; what is sent
    meanwhile waits for it. Iteration ends when the session is closed, the server has ended it, or no
    connection could be had any more.

    Methods that send raise `SessionClosedError` when the session is not open, and so does a loop over a new
    one.
    """

    def __init__(self, plan: SessionPlan) -> None:
        self._plan = plan
        self._works = SessionWorks(plan)
        self._muted = False
        self._state = "new"
        self._tasks = Tasks()
        self._closing: asyncio.Task[None] | None = None

    # --- what it is -----------------------------------------------------------------------------------------

    @property
    def model(self) -> RealtimeModel:
        """The connection, for listeners of one's own."""
        return self._plan.model

    @property
    def current_agent(self) -> RealtimeAgent[Any]:
        """The agent that speaks."""
        return self._plan.agent if self._state == "new" else self._works.agent

    @property
    def context(self) -> Any:
        """The object given to `RealtimeRunner.run(context=…)`."""
        return self._plan.context.context

    @property
    def usage(self) -> Usage:
        """Tokens of the session so far."""
        return self._plan.context.usage

    @property
    def history(self) -> list[Item]:
        """The conversation so far, with the words of both sides as they are said and heard."""
        return self._works.conversation.history.items

    def history_json(self) -> list[dict[str, Any]]:
        """Return the conversation so far as JSON: store it, and give it to ``runner.run(history=…)``."""
        return [json.loads(encode_text(item)) for item in self.history]

    @property
    def muted(self) -> bool:
        """Whether the user cannot be heard."""
        return self._muted

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
            SessionClosedError: this session was opened before, or closed meanwhile.
        """
        if self._state != "new":
            raise SessionClosedError("a session is opened once; ask the runner for a new one with run()")
        self._plan.begin()
        self._state = "opening"
        try:
            await self._works.open(self._plan.agent, self._plan.history)
            if self._state != "opening":
                raise SessionClosedError("the session was closed meanwhile")  # noqa: TRY301  # like any other
        except BaseException:
            await self.close()
            raise
        self._state = "open"

    async def close(self) -> None:
        """End the session within a second, whatever server, tools and callbacks do; safe to call twice.

        A tool or a hook may call it, too; like all others it is then stopped.
        """
        before, self._state = self._state, "closed"
        streams = self._works.streams
        if before in {"new", "closed"} and self._closing is None:
            streams.end()
            return
        from_callback = streams.runs(asyncio.current_task())
        if self._closing is None:
            # A task of its own: it must not end with a caller that it stops.
            self._closing = self._tasks.spawn(self._end(readers=not from_callback), name="session close")
        if self._closing is not None:
            await asyncio.wait({self._closing})
        if from_callback:
            await self._end_readers()

    async def _end(self, *, readers: bool) -> None:
        works = self._works
        try:
            async with asyncio.timeout(CLOSE_S):
                await works.close()
        except TimeoutError:
            works.publish(RealtimeError(ConnectionLostError("closing the connection took too long")))
        finally:
            works.driver.forget()
            works.streams.end()
            works.observers.close()
            self._plan.ended()
        if readers:
            await self._end_readers()

    async def _end_readers(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(READERS_S):
                await self._works.streams.aclose()

    # --- what goes in ---------------------------------------------------------------------------------------

    async def send_message(self, message: str | Mapping[str, Any], *, respond: bool = True) -> None:
        """Say something in writing as the user, and have the agent answer. Does not wait for the answer.

        Args:
            message: a text, or a message in its JSON form:
                ``{"type": "message", "role": "user", "content": [{"type": "input_text", "text": …}]}``; its
                content may hold pictures: ``{"type": "input_image", "image_url": "data:image/png;…"}``.
            respond: have the agent answer; otherwise the message waits for the next answer.

        Raises:
            ConfigurationError: the message is of neither form.
        """
        item = named(user_message(message), self._works.ids)
        self._check_open()
        self._works.send(ConversationItemCreate(item=item))
        if respond:
            self._works.wrote(item)
        await self._works.driver.flush()

    async def add_image(self, image_url: str, *, trigger_response: bool = True) -> None:
        """Show the agent a picture.

        Args:
            image_url: a ``data:`` URL of a PNG or JPEG.
            trigger_response: have the agent answer.

        Raises:
            ConfigurationError: it is no such URL.
        """
        await self.send_message(image_message(image_url), respond=trigger_response)

    async def send_audio(self, audio: bytes, *, commit: bool = False) -> None:
        """Send speech of the user, in the session's input format (PCM16, mono, 24 kHz unless set otherwise).

        Args:
            audio: any number of bytes. While there is no connection, the last 15 seconds are kept.
            commit: end the user's turn here. It asks for no answer: that is for turn detection, or for
                ``send_event({"type": "response.create"})``.

        Raises:
            ConfigurationError: `audio` is not bytes.
        """
        self._check_open()
        await self._works.driver.send_audio(
            silence_like(audio, self._works.conversation.session) if self._muted else audio
        )
        if commit:
            await self.commit()

    async def commit(self) -> None:
        """End the user's turn here. It asks for no answer."""
        await self._send(InputAudioBufferCommit())

    async def clear(self) -> None:
        """Throw away the user's speech since their last turn."""
        await self._send(InputAudioBufferClear())

    def mute(self, muted: bool = True) -> None:
        """Let the user not be heard, or be heard again. What they say meanwhile is sent as silence."""
        self._muted = bool(muted)

    async def say(self, text: str | None = None) -> None:
        """Have the agent speak: first, or in between, when it has finished what it is saying.

        Args:
            text: what to say, word for word; a hosted model may still change a word. ``None`` leaves it to
                the agent and its instructions.

        Raises:
            ConfigurationError: the text is empty.
        """
        self._check_open()
        if text is None:
            self._works.request_response()
        else:
            await self._works.say(text)
        await self._works.driver.flush()

    async def send_event(self, event: ClientEvent | Mapping[str, Any]) -> None:
        """Send any event of the Realtime API, as a struct, in its JSON form, or as a `RealtimeClientMessage`.

        A `response.create` waits until the conversation is free for it.

        Raises:
            RemoteProtocolError: it is no such event.
        """
        await self._send(client_event_from(merged(event)) if isinstance(event, Mapping) else event)

    async def interrupt(self) -> None:
        """Stop the agent at once: what it is generating, what it was about to, and what is being played."""
        self._check_open()
        self._works.conversation.interrupt(self._works.now())
        self._works.report()
        await self._works.driver.flush()

    async def cancel(self) -> None:
        """Stop what the agent is generating; what has arrived is still played."""
        self._check_open()
        self._works.conversation.cancel()
        await self._works.driver.flush()

    async def update_history(self, history: Sequence[Any] | Callable[[list[Item]], Sequence[Any]]) -> None:
        """Change the conversation: what is missing is deleted, what is new or changed is created.

        `history` follows when the server has done it. Speech of the agent that is changed becomes text.

        Args:
            history: the conversation as it shall be, items or their JSON form; or a function that makes it
                from the one there is.

        Raises:
            ConfigurationError: an item is not accepted; the message names it.
        """
        self._check_open()
        wanted = history(self.history) if callable(history) else history
        self._works.conversation.edit(check_history(wanted), self._works.now())
        await self._works.driver.flush()

    async def update_agent(self, agent: RealtimeAgent[Any]) -> None:
        """Let another agent speak from now on, and wait until the server has accepted it.

        The voice stays the one that the user has heard.

        Raises:
            ConfigurationError: the agent does not go together with the settings, or the server refused them.
            ConnectionLostError: the server could not be told.
            Exception: what a function of the agent raised, or an MCP server that could not be asked.
        """
        self._check_open()
        await self._works.cast.change(agent)

    async def approve_tool_call(self, call_id: Any, *, always: bool = False) -> None:
        """Let a call run that waits for approval.

        Args:
            call_id: the call's id, the `tool_approval_required` event, or an item that has it.
            always: approve every later call of this tool in this session, too.

        Raises:
            ConfigurationError: no such call waits.
        """
        await self._decide(call_id, approve=True, always=always, message=None)

    @property
    def pending_approvals(self) -> list[RealtimeToolApprovalRequired]:
        """The calls that wait for approval, as they were announced."""
        return [*self._works.tools.pending_approvals, *self._works.hosted.pending]

    async def reject_tool_call(
        self,
        call_id: Any,
        *,
        always: bool = False,
        rejection_message: str | None = None,
        message: str | None = None,
    ) -> None:
        """Let a call not run that waits for approval; the model is told.

        Args:
            call_id: the call's id, the `tool_approval_required` event, or an item that has it.
            always: reject every later call of this tool in this session, too.
            rejection_message: what the model is told instead of the default.
            message: the same.

        Raises:
            ConfigurationError: no such call waits.
        """
        words = message if rejection_message is None else rejection_message
        await self._decide(call_id, approve=False, always=always, message=words)

    approve = approve_tool_call
    reject = reject_tool_call

    async def _decide(self, call: Any, *, approve: bool, always: bool, message: str | None) -> None:
        self._check_open()
        call_id = call_id_of(call)
        if self._works.hosted.waits(call_id):
            self._works.hosted.decide(call_id, approve=approve, always=always, reason=message)
        elif approve:
            self._works.tools.approve(call, always=always)
        else:
            self._works.tools.reject(call, always=always, message=message)
        await self._works.driver.flush()

    # --- what comes out -------------------------------------------------------------------------------------

    def __aiter__(self) -> AsyncIterator[RealtimeSessionEvent]:
        if self._state == "new":  # nothing would ever come; readers made by `on` and `events` may wait for it
            self._check_open()
        return self._works.streams.iterate()

    def events(self, *types: str) -> EventStream:
        """Return a reader of its own for the session's events from now on.

        It gets every event, whoever else reads them, and is forgotten when nobody holds it any more.

        Args:
            types: only events of these types; none means all, a misspelled one raises `ConfigurationError`.
        """
        return self._works.streams.open(frozenset(types))

    def on(self, event: str, callback: Callback) -> Callable[[], None]:
        """Call a function, plain or async, with every event of a type from now on.

        A callback that raises becomes an `error` event.

        Returns:
            A function that ends this.

        Raises:
            ConfigurationError: there is no such event.
        """
        silent = event == "error"
        return self._works.streams.on(
            event, callback, lambda error: None if silent else self._callback_failed(error)
        )

    def _callback_failed(self, error: Exception) -> None:
        self._works.publish(RealtimeError(error))

    # --- inside ---------------------------------------------------------------------------------------------

    def _check_open(self) -> None:
        if self._state != "open" or self._works.driver.state == "lost":
            hint = "open it with 'async with session'" if self._state == "new" else "it has ended"
            raise SessionClosedError(f"the session is not open: {hint}")

    async def _send(self, event: ClientEvent) -> None:
        self._check_open()
        self._works.conversation.send(event, self._works.now())
        self._works.report()
        await self._works.driver.flush()
