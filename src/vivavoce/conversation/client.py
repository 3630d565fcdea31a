"""`ClientConversation`: the SDK's mirror of a conversation that a server holds.

It reads what the server says, keeps the history and what was heard of it, decides what to send back by itself
(truncations, outputs of tools, requests to go on), and tells its driver the rest in notices. It never waits:
feed it with `receive`, then drain `events_to_send` and `notices`, and call `handle_deadline` when it is due.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias, TypeVar

from vivavoce import protocol as wire
from vivavoce.conversation.client_history import ClientHistory
from vivavoce.conversation.client_items import ClientItems, ItemEvent
from vivavoce.conversation.client_notices import Failed, Notice, ResponseBegan, ResponseEnded, ToolCalled
from vivavoce.conversation.client_requests import ResponseRequests
from vivavoce.conversation.client_restoring import Restoring
from vivavoce.conversation.client_sent import ASKED_ANEW, Edit, SentEvents
from vivavoce.conversation.client_session import output_format, speech_interrupts, turns_are_answered
from vivavoce.conversation.client_speech import AgentSpeech, SpeechEvent
from vivavoce.conversation.client_tools import ToolLedger
from vivavoce.conversation.ids import CountingIds, IdSource
from vivavoce.conversation.playback import Cut, RealtimePlaybackTracker

RETRIEVED_MS = 120_000
"""Longest audio of which the exact words are asked for: the answer may carry the audio itself."""
RUNNING = 64
"""Responses that may run at the same time; beyond them the end of the oldest must have been forgotten."""
CHECK_S = 20.0
"""Seconds that the check of a user's turn may take before other answers go on."""

Handler: TypeAlias = Callable[["ClientConversation", Any, float], None]
H = TypeVar("H", bound=Callable[..., None])
_HANDLERS: dict[type, Handler] = {}


def _hears(*events: type) -> Callable[[H], H]:
    """Mark the method that takes in events of these types."""

    def register(method: H) -> H:
        _HANDLERS.update(dict.fromkeys(events, method))
        return method

    return register


class ClientConversation:
    """One conversation, seen from the client.

    Args:
        tracker: says what was played; without one the clock does.
        ids: names the items that this side creates.
    """

    def __init__(self, tracker: RealtimePlaybackTracker | None = None, ids: IdSource | None = None) -> None:
        self.history = ClientHistory()
        self.session: wire.RealtimeSession | None = None
        """The session's settings as the server last reported them."""
        self.gated = False
        """Whether the user's turns are checked before `answer_turn` has them answered."""
        self._speech = AgentSpeech(self.history, tracker)
        self._requests = ResponseRequests()
        self._tools = ToolLedger()
        self._sent = SentEvents(ids or CountingIds())
        self._items = ClientItems(self.history, self._sent)
        self._restoring = Restoring(self.history, self._sent)
        self._running: dict[str, wire.Response] = {}
        self._out_of_band: set[str] = set()
        self._outbox: list[wire.ClientEvent] = []
        self._notices: list[Notice] = []

    # --- what comes in ------------------------------------------------------------------------------------

    def receive(self, event: wire.ServerEvent | wire.Unknown, now: float) -> None:
        """Take in an event of the server.

        Args:
            event: as decoded; what this mirror has no use for is passed over.
            now: seconds on any steady clock.
        """
        handle = _HANDLERS.get(type(event))
        if handle is not None:
            handle(self, event, now)

    def send(self, event: wire.ClientEvent, now: float) -> None:
        """Send an event of the user's; a `response.create` waits until the conversation is free for it."""
        if isinstance(event, wire.ResponseCreate):
            self.request_response(now, event)
        elif isinstance(event, wire.ConversationItemCreate | wire.ConversationItemDelete):
            self._outbox.append(self._restoring.note(event))
        else:
            self._outbox.append(event)

    def request_response(self, now: float, event: wire.ResponseCreate | None = None) -> None:
        """Ask for a response as soon as the conversation is free; `event` is the user's own wording."""
        self._requests.request(now, event)
        self._send_requests()

    def answer_turn(self, now: float) -> None:
        """Ask for the answer to what the user said, which has been checked."""
        self._requests.turn_passed()
        self.request_response(now)

    def tool_output(self, call_id: str, output: str, now: float, *, respond: bool = True) -> None:
        """Answer a function call; after the last one of a response the model is asked to go on.

        Args:
            call_id: the call.
            output: what the model is told.
            now: seconds on the conversation's clock.
            respond: this output wants to be spoken of; without it the others of its response decide.
        """
        self._create([wire.FunctionCallOutputItem(call_id=call_id, output=output)])
        if self._tools.answer(call_id, respond=respond):
            self.request_response(now)

    def late_output(self, call: ToolCalled, output: str, now: float, *, respond: bool = True) -> None:
        """Give the model the result of a call that was answered long ago: when it may speak of it, or now."""
        self._create(self._tools.late(call, output, held=respond))
        if respond:
            self.request_response(now)

    def _create(self, items: Sequence[wire.Item]) -> None:
        self._outbox.extend(self._sent.create(wire.ConversationItemCreate(item=item)) for item in items)

    def interrupt(self, now: float) -> None:
        """Stop the agent: what it generates, what is about to be generated, and what is being played.

        Tools that run go on, and the model gets their outputs, but is not asked to speak about them.
        """
        self._tools.interrupt(self._requests.active)
        self.cancel()
        self._stop_playback(now)

    def cancel(self) -> None:
        """Stop what is generated or about to be; what has arrived is still played."""
        if self._requests.cancel(self._sent.quiet_id("cancel")):
            self._send_requests()
        self._create(self._tools.take_late())
        self._speech.cancel(self._requests.active)

    def reject(self, response_id: str, item_id: str, now: float) -> bool:
        """Stop an answer that must not be heard, wherever it is. False: it was heard to its end."""
        self._speech.withhold(response_id, now)
        if response_id == self._requests.active:
            self.interrupt(now)
            return True
        if self._speech.is_playing(item_id, now):
            self._stop_playback(now)
            return True
        return self._truncate(self._speech.cut_withheld())

    def hold_back(self, response_id: str) -> None:
        """Let no speech of a response that has just begun out before `pass_words` was told of its words."""
        self._speech.hold(response_id)

    def is_playing(self, item_id: str, now: float) -> bool:
        """Say whether the person hears a message, or is about to."""
        return self._speech.is_playing(item_id, now)

    def pass_words(self, item_id: str, content_index: int, characters: int, now: float) -> None:
        """Let out the speech of the first characters of a part, where speech is held back."""
        self._speech.passed(item_id, content_index, characters, now)
        self._take_speech()

    def call_waits(self, call_id: str, now: float) -> None:
        """Let nothing wait for a call: somebody must approve it first."""
        if self._tools.waits(call_id):
            self.request_response(now)

    def call_decided(self, call_id: str) -> None:
        """Note that somebody has decided on a call that waited."""
        self._tools.decided(call_id)

    def is_quiet(self, now: float) -> bool:
        """Say whether nobody speaks, nothing is generated or played, and no call is unanswered."""
        idle = self._requests.is_idle(now) and self._tools.all_answered()
        return idle and not self._speech.is_sounding(now)

    # --- a history from elsewhere ---------------------------------------------------------------------------

    def begin_with(self, items: Sequence[wire.Item]) -> None:
        """Take over an earlier conversation, before anything was said in this one."""
        self._notices += self._restoring.begin_with(items)

    def edit(self, items: Sequence[wire.Item], now: float) -> None:
        """Have the server make the conversation this one; the history here follows its answers."""
        events, notices = self._restoring.edit(items)
        self._notices += notices
        for event in events:
            self.send(event, now)

    def lose_connection(self, now: float, *, attached: bool = False) -> list[wire.Response]:
        """Ask for nothing until `connected`, then for what was owed; returns the responses cut off.

        The server of a session that this side is `attached` to goes on, and still gives the answers it owes.
        """
        owed = self._requests.lose_connection(now, gated=self.gated) and not attached
        begun = self._speech.lose_connection()
        self._take_speech()
        for item_ids in begun.values():
            self._notices += self._restoring.drop_unfinished(item_ids)
        owed = self._tools.lose_connection() or owed
        if owed:
            self._requests.request(now)
        cut = [self.history.cut_off(each, begun.get(each.id, ())) for each in self._running.values()]
        self._running, self._out_of_band = {}, set()
        self._notices += map(ResponseEnded, cut)
        return cut

    def restore(self) -> list[wire.ConversationItemCreate]:
        """Return the whole conversation, for a server that knows nothing of it."""
        self._outbox = [event for event in self._outbox if self._sent.is_worth_keeping(event)]
        events, notices = self._restoring.restore()
        self._notices += notices
        return events

    def resume(self) -> list[Edit]:
        """Return the edits that a server may not have which has the conversation itself."""
        self._outbox = [event for event in self._outbox if not isinstance(event, ASKED_ANEW)]
        return self._sent.unconfirmed()

    def forget_turn(self, item_id: str | None) -> None:
        """Take out a turn, if there is one, that is said again and becomes another item."""
        self._notices += self._restoring.drop(item_id)

    def connected(self, now: float, *, hears_turn: bool = False) -> None:
        """Note that there is a server again which has the conversation, or is about to find its last turn."""
        self._requests.connected(now, hears_turn=hears_turn)
        self._send_requests()

    # --- what goes out ------------------------------------------------------------------------------------

    @property
    def has_output(self) -> bool:
        """Whether `events_to_send` has something to return."""
        return bool(self._outbox)

    def events_to_send(self) -> list[wire.ClientEvent]:
        """Return what is to be sent, in order, and forget it."""
        events, self._outbox = self._outbox, []
        return events

    def decided(self, event: wire.ClientEvent) -> bool:
        """Say whether an event was decided on here, and its failure is nobody's business."""
        return self._sent.is_quiet(wire.present(event.event_id, None))

    def take_back(self, events: Sequence[wire.ClientEvent]) -> None:
        """Take back events that could not be sent."""
        self._outbox = [*events, *self._outbox]

    def notices(self) -> list[Notice]:
        """Return what the driver should know, in order, and forget it."""
        notices, self._notices = self._notices, []
        return notices

    def next_deadline(self) -> float | None:
        """Return when `handle_deadline` is next due, or ``None``."""
        answer, end = self._requests.next_deadline(), self._speech.next_deadline()
        return end if answer is None else answer if end is None else min(answer, end)

    def handle_deadline(self, now: float) -> None:
        """Give up what has waited too long, and note what was heard to its end. Early calls do nothing."""
        self._requests.handle_deadline(now)
        self._send_requests()
        self._speech.handle_deadline(now)
        self._take_speech()

    def _send_requests(self) -> None:
        for event in self._requests.events_to_send():
            if isinstance(event, wire.ResponseCreate) and isinstance(event.response, wire.UnsetType):
                self._create(self._tools.take_late())
            self._outbox.append(event)
        self._notices.extend(Failed(error) for error in self._requests.lost())

    # --- session and errors -------------------------------------------------------------------------------

    @_hears(wire.SessionCreated, wire.SessionUpdated)
    def _session(self, event: wire.SessionCreated | wire.SessionUpdated, _now: float) -> None:
        if not isinstance(event.session, wire.RealtimeSession):
            return
        self.session = event.session
        if (audio_format := output_format(event.session)) is not None:
            self._speech.set_format(audio_format)

    @_hears(wire.ErrorEvent)
    def _error(self, event: wire.ErrorEvent, now: float) -> None:
        self._sent.refuse(event.error.event_id)
        if self._sent.is_quiet(event.error.event_id):
            return
        if not self._requests.failed(event.error, now):
            self._notices.append(Failed(event.error))
        self._send_requests()

    # --- barge-in -----------------------------------------------------------------------------------------

    @_hears(wire.InputAudioBufferSpeechStarted)
    def _speech_started(self, _event: wire.InputAudioBufferSpeechStarted, now: float) -> None:
        self._requests.turn_began()
        if speech_interrupts(self.session):
            self._speech.cancel(self._requests.active)
            self._stop_playback(now)

    @_hears(wire.InputAudioBufferSpeechStopped, wire.InputAudioBufferCommitted, wire.InputAudioBufferCleared)
    def _turn_ended(self, event: wire.ServerEvent, now: float) -> None:
        spoken = not isinstance(event, wire.InputAudioBufferCleared)
        if self.gated:
            self._requests.turn_ended(now, answered=spoken, within_s=CHECK_S)
        else:
            self._requests.turn_ended(now, answered=spoken and turns_are_answered(self.session))
        self._send_requests()

    def _stop_playback(self, now: float) -> None:
        """Stop what is playing, and cut every message here and on the server to what was heard of it."""
        self._truncate(self._speech.stop(now))

    def _truncate(self, cuts: Sequence[Cut]) -> bool:
        self._outbox.extend(map(self._sent.truncate, cuts))
        self._take_speech()
        return bool(cuts)

    def _take_speech(self) -> None:
        self._notices += self._speech.take_notices()

    # --- items --------------------------------------------------------------------------------------------

    @_hears(*ClientItems.EVENTS)
    def _item(self, event: ItemEvent, now: float) -> None:
        item = getattr(event, "item", None)
        if isinstance(item, wire.FunctionCallOutputItem) and self._tools.output_arrived(item.call_id):
            self.request_response(now)
        self._notices += self._items.hear(event)

    @_hears(wire.ConversationItemTruncated)
    def _truncated(self, event: wire.ConversationItemTruncated, _now: float) -> None:
        if event.item_id in self.history and 0 < event.audio_end_ms <= RETRIEVED_MS:
            event_id = self._sent.quiet_id("retrieve")
            self._outbox.append(wire.ConversationItemRetrieve(event_id=event_id, item_id=event.item_id))

    # --- responses ----------------------------------------------------------------------------------------

    @_hears(wire.ResponseCreated)
    def _response_created(self, event: wire.ResponseCreated, now: float) -> None:
        response_id = event.response.id
        self._running[response_id] = event.response
        sees_all = self._tools.all_arrived() and self._sent.all_arrived
        if not self._requests.created(event.response, now, sees_all=sees_all):
            self._out_of_band.add(response_id)
        elif self._requests.take_doom():
            self._speech.cancel(response_id)
            self._tools.interrupt(response_id)
            self._send_requests()
        self._speech.began(response_id)
        self._notices.append(ResponseBegan(event.response))
        if len(self._running) > RUNNING:
            self._over(wire.replace(next(iter(self._running.values())), status="incomplete"), now)

    @_hears(wire.ResponseDone)
    def _response_done(self, event: wire.ResponseDone, now: float) -> None:
        response_id = event.response.id
        if response_id not in self._out_of_band:
            for item in event.response.output:
                self._call(response_id, item)
        self._over(event.response, now)

    def _over(self, response: wire.Response, now: float) -> None:
        response_id = response.id
        self._running.pop(response_id, None)
        self._sent.give_up()
        self._notices.append(ResponseEnded(response))
        self._speech.ended(response_id, now)
        self._truncate(self._speech.cut_withheld())
        self._out_of_band.discard(response_id)
        if self._tools.response_done(response_id):
            self._requests.request(now)
        self._requests.done(response_id, now)
        self._send_requests()

    @_hears(wire.ResponseOutputItemAdded)
    def _output_item_added(self, event: wire.ResponseOutputItemAdded, now: float) -> None:
        self._requests.progressed(now)
        self._speech.message_began(event.response_id, wire.present(event.item.id, ""))

    @_hears(wire.ResponseOutputItemDone)
    def _output_item_done(self, event: wire.ResponseOutputItemDone, now: float) -> None:
        self._requests.progressed(now)
        self._notices += self._items.merge(event.item)
        if event.response_id not in self._out_of_band:
            self._call(event.response_id, event.item)

    def _call(self, response_id: str, item: wire.Item) -> None:
        if isinstance(item, wire.FunctionCallItem) and item.status not in {"incomplete", "in_progress"}:
            self._notices += self._tools.take(response_id, item)

    @_hears(*AgentSpeech.EVENTS)
    def _said(self, event: SpeechEvent, now: float) -> None:
        self._requests.progressed(now)
        self._speech.hear(event, now)
        self._take_speech()
