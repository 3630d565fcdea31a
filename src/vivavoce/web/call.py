"""One call from a browser: a line, a session, and what is said over the data channel."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from vivavoce import RealtimeModelConfig
from vivavoce import protocol as wire
from vivavoce.errors import RemoteProtocolError, SessionClosedError, VivavoceError
from vivavoce.ids import RandomIds
from vivavoce.lines import BrowserLine
from vivavoce.protocol import present, replace
from vivavoce.protocol.codec import encode_text
from vivavoce.session.events import (
    RealtimeAudio,
    RealtimeAudioInterrupted,
    RealtimeError,
    RealtimeRawModelEvent,
    RealtimeSessionEvent,
)
from vivavoce.tasks import Tasks
from vivavoce.web.channel import Channel
from vivavoce.web.loudspeaker import Loudspeaker

if TYPE_CHECKING:
    from vivavoce.lines import PlayedPiece
    from vivavoce.session import RealtimeRunner
    from vivavoce.session.session import RealtimeSession
    from vivavoce.session.streams import EventStream
    from vivavoce.webrtc.config import RtcConfig

logger = logging.getLogger(__name__)

WAITING_MESSAGES = 256
"""Messages of the browser that may wait to be read, and events that may wait for its channel to open."""
WAITING_CHARS = 2 * 1024 * 1024
"""Characters that those messages may have, all together; one has at most 256 Ki."""
MESSAGES_TO_CHECK = 32
"""Messages of the browser of which it is remembered that nobody has asked for an answer to them."""
AFTERWARDS_S = 10.0
"""Seconds that `on_session` may go on after the end of its call."""
PCM = {"input_audio_format": "pcm16", "output_audio_format": "pcm16"}
"""What the line carries."""

OnSession: TypeAlias = Callable[["RealtimeSession", Any], Awaitable[None] | None]
"""Called with the session of a call and its user, when both can be heard."""


class BrowserCall:
    """A person in a browser, and the session of the agent that they talk to.

    Args:
        call_id: names the call.
        user: what the application's `authorize` returned.
        rtc: how the browser is reached.
        show_agent: show the browser instructions, prompt and tools.
        allow_settings: settings that it may change.

    Attributes:
        id: names the call.
        user: who calls.
        session: of the agent; there is none before `start` has returned.
        ended: why it is over, in words; ``None`` before.
    """

    def __init__(
        self,
        call_id: str,
        user: Any,
        *,
        rtc: RtcConfig | None = None,
        show_agent: bool = False,
        allow_settings: Sequence[str] = (),
    ) -> None:
        self._ids = ids = RandomIds()
        self.id = call_id
        self.user = user
        self.ended: str | None = None
        self._line = BrowserLine(rtc, on_text=self._take, on_open=self._opened, on_frame=self._frame)
        self._channel = Channel(ids, self._history, show_agent=show_agent, allow_settings=allow_settings)
        self._loudspeaker = Loudspeaker(ids)
        self._session: RealtimeSession | None = None
        self._events: EventStream | None = None
        self._asked: asyncio.Queue[str] = asyncio.Queue(WAITING_MESSAGES)
        self._asked_chars = 0
        self._untold: deque[str] | None = deque(maxlen=WAITING_MESSAGES)
        self._unanswered: list[wire.MessageItem] = []
        self._over = asyncio.Event()
        self._hooks = Tasks()
        self._hook: asyncio.Task[None] | None = None

    @property
    def session(self) -> RealtimeSession:
        """The session; only once `start` has returned."""
        assert self._session is not None, "the call has not started"
        return self._session

    # --- its life -----------------------------------------------------------------------------------------

    async def start(
        self,
        offer: str,
        runner: RealtimeRunner[Any],
        *,
        context: Any = None,
        model_config: RealtimeModelConfig | None = None,
    ) -> str:
        """Answer the browser, and open a session for it; whatever goes wrong, `aclose` must be called.

        Raises:
            SdpError: the offer is none, or asks for what is not offered here.
            NoPortError: there is no UDP port left.
            ConfigurationError: a setting cannot work.
            ConnectionLostError: the model could not be reached.
        """
        answer = await self._line.answer(offer)
        if not self._line.carries_text:
            self._opened()  # nobody reads: nothing is kept for later
        config = model_config or RealtimeModelConfig()
        config = {
            **config,
            "playback_tracker": self._line.tracker,
            "initial_model_settings": {**config.get("initial_model_settings", {}), **PCM},
        }
        self._session = await runner.run(context=context, model_config=config)
        self._events = self._session.events("audio", "audio_interrupted", "raw_model_event", "error")
        await self._session.enter()
        return answer

    async def run(self, on_session: OnSession | None = None, *, max_s: float | None = None) -> None:
        """Let them talk until one of them is gone, `hang_up` is called, or the time is over.

        Args:
            on_session: called once with session and user. What it awaits goes on beside the call, and for ten
                seconds after it.
            max_s: seconds that the call may last; default: any.
        """
        try:
            if on_session is not None:
                self._hook = self._hooks.spawn(self._call_hook(on_session), name=f"on_session of {self.id}")
            async with asyncio.timeout(max_s):
                await self._talk()
        except TimeoutError:
            self._end(f"the call lasted {max_s:g} s")
        except SessionClosedError:
            self._end("the session ended")
        finally:
            await self.aclose()

    async def _talk(self) -> None:
        ways = (self._carry_in(), self._carry_out(), self._obey(), self._hung_up())
        try:
            async with asyncio.TaskGroup() as group:
                tasks = {group.create_task(way) for way in ways}
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    task.cancel()
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    def hang_up(self, reason: str = "hung up by the application") -> None:
        """End the call, soon."""
        self._end(reason)
        self._over.set()

    async def afterwards(self) -> None:
        """Give the application's hook time to finish."""
        try:
            if self._hook is not None:
                await asyncio.wait({self._hook}, timeout=AFTERWARDS_S)
        finally:
            await self._hooks.aclose()

    async def aclose(self) -> None:
        """End line and session within a second; the application's hook goes on until `afterwards`."""
        self._end("closed")
        closing = [self._line.aclose()]
        if self._session is not None:
            closing.append(self._session.close())
        for error in await asyncio.gather(*closing, return_exceptions=True):
            if isinstance(error, Exception):
                logger.error("A call could not be closed in order", exc_info=error)

    def _end(self, reason: str) -> None:
        if self.ended is None:
            self.ended = reason

    async def _call_hook(self, on_session: OnSession) -> None:
        try:
            result = on_session(self.session, self.user)
            if inspect.isawaitable(result):
                await result
        except SessionClosedError:
            pass  # it wanted to say something when the call was over
        except Exception:
            logger.exception("on_session raised; the call goes on", extra={"call_id": self.id})

    # --- sound --------------------------------------------------------------------------------------------

    async def _carry_in(self) -> None:
        while audio := await self._line.hear():
            await self.session.send_audio(audio)
        self._end(self._line.ended or "the browser is gone")

    async def _carry_out(self) -> None:
        assert self._events is not None
        async for event in self._events:
            self._report(event)
        self._end("the session ended")

    def _report(self, event: RealtimeSessionEvent) -> None:
        match event:
            case RealtimeAudio(audio=chunk):
                self._loudspeaker.queued(chunk.response_id, chunk.item_id, len(chunk.data))
                self._line.play(chunk.item_id, chunk.content_index, chunk.data)
            case RealtimeAudioInterrupted():
                self._line.clear()
                self._tell(*self._loudspeaker.cleared())
            case RealtimeRawModelEvent(data=data):
                if (shown := self._channel.shown(data)) is not None:
                    self._tell(shown)
                if isinstance(data, wire.ResponseDone):
                    self._loudspeaker.done(data.response.id)
            case RealtimeError(error=error):
                if (refusal := self._channel.failed(error)) is not None:
                    self._tell(refusal)

    def _frame(self, pieces: tuple[PlayedPiece, ...]) -> None:
        self._tell(*self._loudspeaker.frame(pieces))

    # --- words --------------------------------------------------------------------------------------------

    def _history(self) -> Sequence[wire.Item]:
        return self.session.history

    def _opened(self) -> None:
        untold, self._untold = self._untold or (), None
        for text in untold:
            self._line.send_text(text)

    def _tell(self, *events: wire.ServerEvent | wire.Unknown) -> None:
        for event in events:
            text = encode_text(event)
            if self._untold is not None:
                self._untold.append(text)
            elif not self._line.send_text(text) and not isinstance(event, wire.ErrorEvent):
                message = f"'{event.type}' was left out: with {len(text)} characters it is too long."
                self._tell(self._channel.refused(_fault(message, "event_too_large")))

    def _take(self, text: str) -> None:
        if self._asked.full() or self._asked_chars + len(text) > WAITING_CHARS:
            message = f"{self._asked.qsize()} events wait to be read; this one was dropped."
            error = RemoteProtocolError(message, code="rate_limit_exceeded", kind="rate_limit_error")
            self._tell(self._channel.refused(error))
            return
        self._asked.put_nowait(text)
        self._asked_chars += len(text)

    async def _obey(self) -> None:
        """Do what the browser asks for, one after another."""
        while True:
            text = await self._asked.get()
            self._asked_chars -= len(text)
            try:
                event = self._channel.asked(text)
            except RemoteProtocolError as error:
                self._tell(self._channel.refused(error))
                continue
            if not isinstance(event, wire.ClientEvent):
                self._tell(event)
                continue
            try:
                await self._do(event)
            except SessionClosedError:
                raise
            except VivavoceError:
                logger.exception("An event of the browser could not be passed on")
                message = "The event could not be passed on. The application's log says why."
                event_id = present(event.event_id, None)
                self._tell(self._channel.refused(_fault(message, "not_passed_on", event_id)))

    async def _do(self, event: wire.ClientEvent) -> None:
        session = self.session
        match event:
            case wire.ConversationItemCreate(item=wire.MessageItem() as item):
                item = replace(item, id=present(item.id, None) or self._ids.new("item"))
                self._unanswered = [*self._unanswered[1 - MESSAGES_TO_CHECK :], item]
                await session.send_event(replace(event, item=item))
            case wire.ResponseCreate():
                await self._respond(event)
            case wire.ResponseCancel():
                await session.cancel()
            case wire.OutputAudioBufferClear():
                await session.interrupt()
            case _:
                await session.send_event(event)

    async def _respond(self, event: wire.ResponseCreate) -> None:
        """Ask for an answer; where the agent has input guardrails, to nothing that has not passed them."""
        messages, self._unanswered = self._unanswered, []
        works = self.session._works  # noqa: SLF001  # a session's own `send_message` does the same in one go
        if not works.input_guardrails():
            await self.session.send_event(event)
        elif messages:
            for item in messages:
                works.wrote(item)
        else:
            works.request_response()

    async def _hung_up(self) -> None:
        await self._over.wait()


def _fault(message: str, code: str, event_id: str | None = None) -> RemoteProtocolError:
    return RemoteProtocolError(message, code=code, event_id=event_id, kind="server_error")
