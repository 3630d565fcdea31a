"""`LocalSession`: the driver of one `ServerConversation`. Feeds, drains and waits for it; decides nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from vivavoce.conversation.effects import Effect, EndSession
from vivavoce.conversation.ids import IdSource
from vivavoce.conversation.options import SessionOptions
from vivavoce.conversation.server import ServerConversation
from vivavoce.engines.base import Engines
from vivavoce.engines.speech_model import Sink
from vivavoce.errors import RemoteProtocolError
from vivavoce.ids import RandomIds
from vivavoce.pipeline.answers import Answers
from vivavoce.pipeline.backstage import Backstage, Receive
from vivavoce.pipeline.equipment import equipped
from vivavoce.pipeline.hearing import Hearing
from vivavoce.pipeline.mcp import McpRequests
from vivavoce.protocol import ClientEvent, InputAudioBufferAppend, Session
from vivavoce.tasks import Tasks


class LocalSession:
    """One realtime session on local engines. Every method is called on the event loop.

    Args:
        engines: who hears, thinks and speaks; shared by many sessions.
        sink: where events go.
        options: what the operator decided.
        settings: what the session begins with, as in a `session.update`; `session.created` shows it.
        ids: where ids come from; random ones unless given.
        on_end: called once, with the reason, when the session ends by itself (its time is up).

    Raises:
        RemoteProtocolError: `settings` cannot be met.
        EngineError: the engines have no room for another session.
    """

    def __init__(
        self,
        engines: Engines,
        sink: Sink,
        options: SessionOptions | None = None,
        settings: Session | None = None,
        *,
        ids: IdSource | None = None,
        on_end: Callable[[str], None] | None = None,
    ) -> None:
        options = options or SessionOptions()
        if not options.created_at:
            options = replace(options, created_at=int(time.time()))
        options = equipped(options, engines)
        self._loop = asyncio.get_running_loop()
        self._sink = sink
        self._conversation = ServerConversation(options, ids or RandomIds(), self._loop.time(), settings)
        self.id = self._conversation.id
        self.on_end = on_end
        self._tasks = Tasks()
        backstage = Backstage(self.id, engines, options, self._conversation, self._tasks, self.feed)
        self._hearing = Hearing(backstage, self._heard)
        self._answers = Answers(backstage)
        self._mcp = McpRequests(backstage)
        self._timer: asyncio.TimerHandle | None = None
        self._due: float | None = None
        self._paused = False
        self._closed = False
        self._performers: dict[type[Effect], Callable[[Any], None]] = {
            **self._hearing.performers,
            **self._answers.performers,
            **self._mcp.performers,
            EndSession: self._end_session,
        }

    def start(self) -> None:
        """Send `session.created`."""
        self._drain()

    def receive(self, event: ClientEvent) -> None:
        """Take a decoded client event."""
        if self._closed:
            return
        if isinstance(event, InputAudioBufferAppend):
            event = self._hearing.incoming(event)
        self._conversation.receive(event, self._loop.time())
        if isinstance(event, InputAudioBufferAppend):
            if self._conversation.takes_audio:
                self._hearing.hear(event.audio)
            if not self._conversation.has_output:
                return
        self._drain()

    def receive_error(self, error: RemoteProtocolError) -> None:
        """Take a frame that could not be decoded: it is answered with an `error` event."""
        self.feed(lambda conversation, _now: conversation.receive_error(error))

    def resume(self) -> None:
        """Go on sending paced audio: the sink is writable again."""
        if self._paused:
            self._paused = False
            self._conversation.resume_output()
            self._on_deadline()

    async def aclose(self) -> None:
        """End everything; safe to call twice."""
        if self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        self._hearing.deafen()
        await self._tasks.aclose(*self._hearing.closing(), *self._mcp.closing())

    # --- the loop: results in, events and effects out -----------------------------------------------------

    def feed(self, receive: Receive) -> None:
        """Give the conversation a result of an engine and send what follows from it."""
        if not self._closed:
            receive(self._conversation, self._loop.time())
            self._drain()

    def _heard(self, probability: float, start_ms: int, end_ms: int, clarity: float | None) -> None:
        self._conversation.receive_voice(probability, start_ms, end_ms, self._loop.time(), clarity)
        if self._conversation.has_output:
            self._drain()

    def _drain(self) -> None:
        for effect in self._conversation.effects():
            self._performers[type(effect)](effect)
        if events := self._conversation.events_to_send():
            self._sink.send(events)
        if not self._paused and not self._sink.writable:
            self._paused = True
            self._conversation.pause_output()
        self._arm()

    def _arm(self) -> None:
        due = self._conversation.next_deadline()
        if self._timer is not None:
            # Not `TimerHandle.when()`: uvloop rounds it, and has none where a time is as good as now.
            if due == self._due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = self._loop.call_at(due, self._on_deadline) if due is not None else None

    def _on_deadline(self) -> None:
        if self._timer is not None:
            self._timer.cancel()  # `resume` comes before its time
            self._timer = None
        if not self._closed:
            self._conversation.handle_deadline(self._loop.time())
            self._drain()

    def _end_session(self, effect: EndSession) -> None:
        self._hearing.deafen()
        if self.on_end is not None:
            self._loop.call_soon(self.on_end, effect.reason)
