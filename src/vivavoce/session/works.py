"""`SessionWorks`: what goes on inside a session. It joins the parts; each part decides one thing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vivavoce.agents import RealtimeAgent, RunContextWrapper
from vivavoce.conversation.client import ClientConversation
from vivavoce.conversation.held_audio import Withheld
from vivavoce.errors import VivavoceError
from vivavoce.ids import RandomIds
from vivavoce.protocol import (
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemDeleted,
    ConversationItemDone,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionFailed,
    InputAudioBufferCleared,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputText,
    McpListToolsFailed,
    MessageItem,
    RealtimeSession,
    ResponseCreated,
    ResponseDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
)
from vivavoce.session.cast import Cast
from vivavoce.session.driver import Driver
from vivavoce.session.events import RealtimeError
from vivavoce.session.guardrails import OutputGuard
from vivavoce.session.hook_calls import HookCalls
from vivavoce.session.hosted_mcp import HostedMcp
from vivavoce.session.input_guardrails import InputGuard
from vivavoce.session.link import Link
from vivavoce.session.observing import Observers, standing_observers
from vivavoce.session.playback_reports import PlaybackReports
from vivavoce.session.reports import Reporter, words_of
from vivavoce.session.saying import say_request
from vivavoce.session.speaker import Speaker, speaking_as
from vivavoce.session.streams import EventStreams
from vivavoce.session.tool_calls import ToolCalls, ToolOwner

if TYPE_CHECKING:
    from vivavoce.agents.guardrails import InputGuardrail, OutputGuardrail, OutputGuardrailResult
    from vivavoce.connections import RealtimeModel, RealtimeModelConfig
    from vivavoce.conversation.client_notices import ToolCalled
    from vivavoce.protocol import ClientEvent, Item, Response, ServerEvent, Unknown
    from vivavoce.session.events import RealtimeSessionEvent
    from vivavoce.session.settings import RunSettings

_WITHHELD = {
    "no_words": "speech was held back and never played: no transcript of it came to be checked",
    "too_much": "speech was held back and never played: too much of it waited for its check",
}


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """What a runner decides about one session.

    Attributes:
        agent: who speaks first.
        settings: of the run.
        model: the connection.
        model_config: how to open it.
        context: the user's own object, and the usage.
        history: the conversation to begin with.
        observers: who looks on.
        begin: called when the session opens; raises `ConfigurationError` where it may not.
        ended: called when a session that began has closed.
    """

    agent: RealtimeAgent[Any]
    settings: RunSettings
    model: RealtimeModel
    model_config: RealtimeModelConfig
    context: RunContextWrapper[Any]
    history: Sequence[Item]
    observers: Sequence[Any]
    begin: Callable[[], None]
    ended: Callable[[], None]


class SessionWorks:
    """The parts of one session, and what each needs of the others.

    Args:
        plan: of the session.

    Attributes:
        conversation: what was said.
        ids: names what is made here.
        streams: who reads the events.
        driver: carries the traffic.
        cast: who speaks.
        tools: calls that run.
        hosted: MCP calls that the server makes.
        observers: who looks on.
    """

    def __init__(self, plan: SessionPlan) -> None:
        settings = plan.settings
        self.context = plan.context
        standing = standing_observers(plan.observers, tracing=not settings.tracing_disabled)
        self.observers = Observers([*standing, *plan.observers], self.now)
        self.streams = EventStreams()
        self.ids = RandomIds()
        self.conversation = ClientConversation(plan.model_config.get("playback_tracker"), self.ids)
        link = Link(plan.model, plan.model_config, settings.model, settings.reconnect, self.observers)
        self._attached = link.attached
        self.driver = Driver(link, self.conversation, self)
        self.cast = Cast(self, settings)
        self.tools = ToolCalls(self, settings.tools)
        self.hosted = HostedMcp(self, attached=link.attached)
        self._run_hooks = settings.hooks
        self._hooks = HookCalls(settings.hooks, plan.context, self.publish)
        self._guard = OutputGuard(self, settings.guardrails)
        self._input_guard = InputGuard(self, settings.input_guarding)
        self._reporter = Reporter(self.conversation, self.publish, plan.context.usage)
        self._playback = PlaybackReports(plan.model_config.get("playback_tracker"), self.driver.tick)
        self._holds_back = settings.guardrails.hold_back
        self._spoken_item = ""

    def now(self) -> float:
        """Return the time, in seconds."""
        return asyncio.get_running_loop().time()

    # --- opening and closing ------------------------------------------------------------------------------

    async def open(self, agent: RealtimeAgent[Any], history: Sequence[Item]) -> None:
        """Make the agent ready, connect, and give the server the conversation so far."""
        await self.cast.begin(agent)
        self.conversation.gated = bool(self.speaker.input_guardrails)
        self.conversation.begin_with(history)
        self._playback.listen()
        await self.driver.open()
        self.report()
        self._hooks.took_over(None, agent)

    async def close(self) -> None:
        """End everything."""
        self._playback.close()
        parts = (self.tools, self.cast, self.hosted, self._guard, self._input_guard, self._hooks)
        works = (self.driver.close(), *(part.aclose() for part in parts))
        for error in await asyncio.gather(*works, return_exceptions=True):
            if isinstance(error, Exception):
                self.publish(RealtimeError(error))

    def disconnected(self, cut: Sequence[Response]) -> None:
        """Note that the connection is lost, with the responses that it cut off, and another is looked for."""
        for response in cut:
            self._guard.ended_by_others(response.id)
            self._hooks.answered(self._agent_of(response.id), words_of(response))
        self._input_guard.reset()
        if not self._attached and self.hosted.forget():
            self.request_response()
        self.report()

    def lost(self) -> None:
        """Note that there is no connection any more: readers finish what they have."""
        self.streams.end()

    # --- what comes in ------------------------------------------------------------------------------------

    def heard(self, event: ServerEvent | Unknown) -> None:
        """Take an event of the server, which the conversation has taken in."""
        self._reporter.report_wire(event)
        self._guard_words(event)
        if self.speaker.input_guardrails:
            self._guard_input(event)
        if isinstance(event, ConversationItemDone | ResponseOutputItemDone):
            self.hosted.hear(event.item)
        elif isinstance(event, McpListToolsFailed):
            self.hosted.hear_failed(event.item_id, self.conversation.history.get(event.item_id))
        self.report()

    def _guard_words(self, event: ServerEvent | Unknown) -> None:
        """Show the guard what the agent says, and the cast whose response it is."""
        match event:
            case ResponseOutputAudioTranscriptDelta() | ResponseOutputTextDelta():
                self.cast.voice_fixed |= isinstance(event, ResponseOutputAudioTranscriptDelta)
                self._guard.text(event.response_id, event.item_id, event.content_index, event.delta)
            case ResponseOutputAudioTranscriptDone():
                place = (event.response_id, event.item_id, event.content_index)
                self._guard.text_finished(*place, event.transcript)
            case ResponseOutputTextDone():
                place = (event.response_id, event.item_id, event.content_index)
                self._guard.text_finished(*place, event.text)
            case ResponseCreated():
                self.cast.response_began(event.response.id)
                self._hooks.answers(self.speaker.agent)
                aside = event.response.conversation_id is None
                self._guard.began(event.response.id, self.speaker.agent, aside=aside)
                if self._holds_back:
                    self.conversation.hold_back(event.response.id)
            case ResponseDone():
                self._response_done(event)

    def _response_done(self, event: ResponseDone) -> None:
        response = event.response
        if response.status == "cancelled":
            self._guard.ended_by_others(response.id)
        else:
            self._guard.finished(response.id)
        self._hooks.answered(self.cast.speaker_of(response.id).agent, words_of(response))

    def _guard_input(self, event: ServerEvent | Unknown) -> None:
        """Show the guard what the user says."""
        guard = self._input_guard
        match event:
            case InputAudioBufferSpeechStarted():
                self._spoken_item = event.item_id
                guard.speaking(event.item_id)
            case InputAudioBufferCommitted():
                guard.committed(event.item_id)
            case InputAudioBufferCleared():
                guard.discarded(self._spoken_item)
            case ConversationItemDeleted():
                guard.discarded(event.item_id)
            case ConversationItemInputAudioTranscriptionCompleted():
                guard.transcribed(event.item_id, event.transcript)
            case ConversationItemInputAudioTranscriptionFailed():
                guard.transcription_failed(event.item_id)

    def report(self) -> None:
        """Turn the conversation's notices into events and tool calls."""
        for notice in self._reporter.report_notices(self._agent_of):
            self._act(notice)

    def _agent_of(self, response_id: str) -> RealtimeAgent[Any]:
        return self.cast.speaker_of(response_id).agent

    def _act(self, notice: ToolCalled | Withheld) -> None:
        if isinstance(notice, Withheld):
            self.publish(RealtimeError(VivavoceError(_WITHHELD[notice.reason])))
            if notice.reason == "too_much":
                self.conversation.reject(notice.response_id, notice.item_id, self.now())
                self.report()
            return
        speaker = self.cast.speaker_of(notice.response_id)
        if self.cast.hand_off(notice, speaker):
            return
        # In a session of somebody else's, tools that are not known here are run there.
        if not self._attached or notice.name in speaker.tools:
            owner = ToolOwner(
                speaker.agent, speaker.tools, self.context.context, self.context.usage, self._run_hooks
            )
            self.tools.start(notice, owner)

    # --- what the parts need ------------------------------------------------------------------------------

    def publish(self, event: RealtimeSessionEvent) -> None:
        """Give an event to the application."""
        self.observers.published(event)
        self.streams.publish(event)

    @property
    def speaker(self) -> Speaker:
        """Who speaks now."""
        return self.cast.speaker

    @property
    def agent(self) -> RealtimeAgent[Any]:
        """The agent that would answer."""
        return self.cast.speaker.agent

    def settings(self) -> RealtimeSession:
        """Return the settings with which a session is to be opened now: with the voice that was heard."""
        if self._attached and self.driver.state == "reconnecting":
            return RealtimeSession()  # it has them, and others may have changed them since
        settings = self.cast.speaker.session
        if not self.cast.voice_fixed or self.conversation.session is None:
            return settings
        return speaking_as(self.conversation.session, settings)

    async def update(self, session: RealtimeSession, accepted: Callable[[], None]) -> None:
        """Have the server take over settings."""
        await self.driver.update(session, accepted)

    def took_over(self, source: RealtimeAgent[Any], agent: RealtimeAgent[Any]) -> None:
        """Note that another agent speaks from now on."""
        self.conversation.gated = bool(self.speaker.input_guardrails)
        self._hooks.took_over(source, agent)

    def history(self) -> Sequence[Item]:
        """Return the conversation so far."""
        return self.conversation.history.items

    def send(self, event: ClientEvent) -> None:
        """Send an event to the server, soon."""
        self.conversation.send(event, self.now())
        self.driver.wake()

    def tool_output(self, call_id: str, output: str, *, respond: bool = True) -> None:
        """Answer a call."""
        self.conversation.tool_output(call_id, output, self.now(), respond=respond)
        self.driver.wake()

    def late_output(self, call: ToolCalled, output: str, *, respond: bool = True) -> None:
        """Give the model the result of a call that was answered long ago."""
        self.conversation.late_output(call, output, self.now(), respond=respond)
        self.driver.wake()

    def call_waits(self, call_id: str) -> None:
        """Let nothing wait for a call that somebody must approve."""
        self.conversation.call_waits(call_id, self.now())
        self.driver.wake()

    def call_decided(self, call_id: str) -> None:
        """Note that somebody has decided on a call that waited."""
        self.conversation.call_decided(call_id)

    async def say(self, text: str) -> None:
        """Have the agent say something, word for word."""
        self.send(say_request(text))

    # --- guardrails ---------------------------------------------------------------------------------------

    def guardrails(self) -> Sequence[OutputGuardrail[Any]]:
        """Return the guardrails of what the agent says."""
        return self.speaker.output_guardrails

    def input_guardrails(self) -> Sequence[InputGuardrail[Any]]:
        """Return the guardrails of what the user says."""
        return self.speaker.input_guardrails

    def is_playing(self, item_id: str) -> bool:
        """Say whether the person hears a message, or is about to."""
        return self.conversation.is_playing(item_id, self.now())

    def release(self, item_id: str, content_index: int, characters: int) -> None:
        """Let what is held back of a part be heard, as far as its first characters speak."""
        self.conversation.pass_words(item_id, content_index, characters, self.now())
        self.report()
        self.driver.wake()

    def trip(
        self,
        response_id: str,
        item_id: str,
        _results: Sequence[OutputGuardrailResult],
        message: str,
        *,
        late: bool = False,
        respond: bool = True,
    ) -> None:
        """Stop an answer; tell the model why, and have it answer again, unless others have gone on."""
        self.conversation.reject(response_id, item_id, self.now())
        if message and not late:
            self._tell_model(message)
            if respond:
                self.conversation.request_response(self.now())
        self.report()
        self.driver.wake()

    def refuse(self, item_id: str, message: str, *, delete: bool) -> None:
        """Tell the model what it should not answer, and delete the item if so wished."""
        if delete:
            self.send(ConversationItemDelete(item_id=item_id))
        self._tell_model(message)

    def _tell_model(self, message: str) -> None:
        item = MessageItem(role="system", content=(InputText(text=message),))
        self.send(ConversationItemCreate(item=item))

    def respond(self) -> None:
        """Have what the user said answered: it has been checked."""
        self.conversation.answer_turn(self.now())
        self.driver.wake()

    def request_response(self) -> None:
        """Ask the model for an answer, when the conversation is free for it."""
        self.conversation.request_response(self.now())
        self.driver.wake()

    def wrote(self, item: MessageItem) -> None:
        """Have a message of the user answered; where there are input guardrails, once they have passed it."""
        if not self.speaker.input_guardrails:
            self.request_response()
            return
        texts = [part.text for part in item.content if isinstance(part, InputText)]
        self._input_guard.wrote(str(item.id), "\n".join(texts))
