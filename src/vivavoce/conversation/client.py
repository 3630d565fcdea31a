"""`ClientConversation`: the SDK's mirror of a conversation that a server holds.

It reads what the server says, keeps the history and what was heard of it, decides what to send back by itself
(truncations, outputs of tools, requests to go on), and tells its driver the rest in notices. It never waits:
feed it with `receive`, then drain `events_to_send` and `notices`, and call `handle_deadline` when it is due.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar

from vivavoce.conversation.client_history import ClientHistory
from vivavoce.conversation.client_notices import (
    AudioFinished,
    AudioReceived,
    Failed,
    ItemAdded,
    ItemChanged,
    Notice,
    PlaybackInterrupted,
    ResponseBegan,
    ResponseEnded,
    ToolCalled,
)
from vivavoce.conversation.client_requests import ResponseRequests
from vivavoce.conversation.client_session import output_format, speech_interrupts, turns_are_answered
from vivavoce.conversation.client_tools import ToolLedger
from vivavoce.conversation.playback import Cut, Playback, RealtimePlaybackTracker
from vivavoce.protocol import (
    ClientEvent,
    ConversationItemAdded,
    ConversationItemCreate,
    ConversationItemCreated,
    ConversationItemDeleted,
    ConversationItemDone,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemRetrieve,
    ConversationItemRetrieved,
    ConversationItemTruncate,
    ConversationItemTruncated,
    ErrorEvent,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputAudioBufferCleared,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    Item,
    MessageItem,
    RealtimeSession,
    ResponseCreate,
    ResponseCreated,
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    ServerEvent,
    SessionCreated,
    SessionUpdated,
    Unknown,
    present,
)

RETRIEVED_MS = 120_000
"""Longest audio of which the exact words are asked for: the answer may carry the audio itself."""

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
    """

    def __init__(self, tracker: RealtimePlaybackTracker | None = None) -> None:
        self.history = ClientHistory()
        self.session: RealtimeSession | None = None
        """The session's settings as the server last reported them."""
        self._playback = Playback(tracker)
        self._requests = ResponseRequests()
        self._tools = ToolLedger()
        self._sounded: dict[str, dict[str, bool]] = {}
        self._cancelled: set[str] = set()
        self._out_of_band: set[str] = set()
        self._housekeeping: dict[str, None] = {}
        self._outbox: list[ClientEvent] = []
        self._notices: list[Notice] = []
        self._count = 0

    # --- what comes in ------------------------------------------------------------------------------------

    def receive(self, event: ServerEvent | Unknown, now: float) -> None:
        """Take in an event of the server.

        Args:
            event: as decoded; what this mirror has no use for is passed over.
            now: seconds on any steady clock.
        """
        handle = _HANDLERS.get(type(event))
        if handle is not None:
            handle(self, event, now)

    def request_response(self, now: float, event: ResponseCreate | None = None) -> None:
        """Ask for a response as soon as the conversation is free; `event` is the user's own wording."""
        self._requests.request(now, event)
        self._outbox.extend(self._requests.events_to_send())
        self._report_lost()

    def tool_output(self, call_id: str, output: str, now: float) -> None:
        """Answer a function call; after the last one of a response the model is asked to go on."""
        self._outbox.append(
            ConversationItemCreate(item=FunctionCallOutputItem(call_id=call_id, output=output))
        )
        if self._tools.answer(call_id):
            self.request_response(now)

    def interrupt(self, now: float) -> None:
        """Stop the agent: what it generates, what is about to be generated, and what is being played.

        Tools that run go on, and the model gets their outputs, but is not asked to speak about them.
        """
        self._tools.interrupt(self._requests.active)
        if self._requests.cancel(self._housekeeping_id("cancel")):
            self._outbox.extend(self._requests.events_to_send())
        if self._requests.active is not None:
            self._cancelled.add(self._requests.active)
        self._stop_playback(now)

    # --- what goes out ------------------------------------------------------------------------------------

    @property
    def has_output(self) -> bool:
        """Whether `events_to_send` has something to return."""
        return bool(self._outbox)

    def events_to_send(self) -> list[ClientEvent]:
        """Return what is to be sent, in order, and forget it."""
        events, self._outbox = self._outbox, []
        return events

    def notices(self) -> list[Notice]:
        """Return what the driver should know, in order, and forget it."""
        notices, self._notices = self._notices, []
        return notices

    def next_deadline(self) -> float | None:
        """Return when `handle_deadline` is next due, or ``None``."""
        return self._requests.next_deadline()

    def handle_deadline(self, now: float) -> None:
        """Give up what has waited too long. Early calls do nothing."""
        self._requests.handle_deadline(now)
        self._outbox.extend(self._requests.events_to_send())
        self._report_lost()

    def _report_lost(self) -> None:
        self._notices.extend(Failed(error) for error in self._requests.lost())

    # --- session and errors -------------------------------------------------------------------------------

    @_hears(SessionCreated, SessionUpdated)
    def _session(self, event: SessionCreated | SessionUpdated, _now: float) -> None:
        if not isinstance(event.session, RealtimeSession):
            return
        self.session = event.session
        if (audio_format := output_format(event.session)) is not None:
            self._playback.set_format(audio_format)

    @_hears(ErrorEvent)
    def _error(self, event: ErrorEvent, now: float) -> None:
        if event.error.event_id in self._housekeeping:
            return
        if not self._requests.failed(event.error, now):
            self._notices.append(Failed(event.error))
        self._outbox.extend(self._requests.events_to_send())

    def _housekeeping_id(self, verb: str) -> str:
        """Return the id for an event whose failure is nobody's business: it only came too late."""
        self._count += 1
        event_id = f"vivavoce_{verb}_{self._count}"
        self._housekeeping[event_id] = None
        if len(self._housekeeping) > 64:
            del self._housekeeping[next(iter(self._housekeeping))]
        return event_id

    # --- barge-in -----------------------------------------------------------------------------------------

    @_hears(InputAudioBufferSpeechStarted)
    def _speech_started(self, _event: InputAudioBufferSpeechStarted, now: float) -> None:
        self._requests.turn_began()
        if speech_interrupts(self.session):
            if self._requests.active is not None:
                self._cancelled.add(self._requests.active)
            self._stop_playback(now)

    @_hears(InputAudioBufferSpeechStopped, InputAudioBufferCommitted, InputAudioBufferCleared)
    def _turn_ended(self, event: ServerEvent, now: float) -> None:
        answered = not isinstance(event, InputAudioBufferCleared) and turns_are_answered(self.session)
        self._requests.turn_ended(now, answered=answered)
        self._outbox.extend(self._requests.events_to_send())

    def _stop_playback(self, now: float) -> None:
        cuts = self._playback.interrupt(now) if self._playback.playing(now) else []
        if cuts:
            first = cuts[0]
            self._notices.append(PlaybackInterrupted(first.item_id, first.content_index, first.heard_ms))
        for cut in cuts:
            self._cut(cut)
        for response_id in self._cancelled:
            for item_id in self._sounded.get(response_id, {}):
                self._silence_unheard(response_id, item_id)

    def _cut(self, cut: Cut) -> None:
        """Cut a message here and on the server to what was heard of it."""
        self._outbox.append(
            ConversationItemTruncate(
                event_id=self._housekeeping_id("truncate"),
                item_id=cut.item_id,
                content_index=cut.content_index,
                audio_end_ms=cut.heard_ms,
            )
        )
        if self.history.cut(
            cut.item_id, cut.content_index, cut.heard_ms, cut.received_ms, finished=cut.finished
        ):
            self._notices.append(ItemChanged(cut.item_id))

    def _silence_unheard(self, response_id: str, item_id: str) -> None:
        """Believe no words of a cancelled response's message of which not a sound arrived."""
        if self._sounded.get(response_id, {}).get(item_id):
            return
        if self.history.silence(item_id):
            self._notices.append(ItemChanged(item_id))

    @_hears(ConversationItemTruncated)
    def _truncated(self, event: ConversationItemTruncated, _now: float) -> None:
        if event.item_id in self.history and 0 < event.audio_end_ms <= RETRIEVED_MS:
            self._outbox.append(
                ConversationItemRetrieve(event_id=self._housekeeping_id("retrieve"), item_id=event.item_id)
            )

    # --- history ------------------------------------------------------------------------------------------

    @_hears(ConversationItemAdded, ConversationItemCreated)
    def _added(self, event: ConversationItemAdded | ConversationItemCreated, _now: float) -> None:
        item_id = present(event.item.id, "")
        if isinstance(event.item, FunctionCallOutputItem):
            self._tools.output_arrived(event.item.call_id)
        if self.history.add(event.item, present(event.previous_item_id, None)):
            self._notices.append(ItemAdded(item_id))
        self._notices.append(ItemChanged(item_id))

    @_hears(ConversationItemDone)
    def _item_known(self, event: ConversationItemDone, _now: float) -> None:
        self._merge(event.item)

    @_hears(ConversationItemRetrieved)
    def _retrieved(self, event: ConversationItemRetrieved, _now: float) -> None:
        self._merge(event.item, exact=True)

    def _merge(self, item: Item, *, exact: bool = False) -> None:
        if self.history.merge(item, exact=exact):
            self._notices.append(ItemChanged(present(item.id, "")))

    @_hears(ConversationItemDeleted)
    def _deleted(self, event: ConversationItemDeleted, _now: float) -> None:
        if self.history.remove(event.item_id):
            self._notices.append(ItemChanged(event.item_id))

    @_hears(ConversationItemInputAudioTranscriptionDelta)
    def _heard_user(self, event: ConversationItemInputAudioTranscriptionDelta, _now: float) -> None:
        self._expect_user_item(event.item_id)
        index, delta = present(event.content_index, 0), present(event.delta, "") or ""
        self.history.append(event.item_id, index, "input_audio", delta)
        self._notices.append(ItemChanged(event.item_id))

    @_hears(ConversationItemInputAudioTranscriptionCompleted)
    def _understood_user(self, event: ConversationItemInputAudioTranscriptionCompleted, _now: float) -> None:
        self._expect_user_item(event.item_id)
        self.history.set_text(event.item_id, event.content_index, "input_audio", event.transcript)
        self._notices.append(ItemChanged(event.item_id))

    def _expect_user_item(self, item_id: str) -> None:
        """Make room for an utterance that is transcribed before it is an item."""
        if item_id not in self.history:
            item = MessageItem(id=item_id, status="in_progress", role="user", content=(InputAudio(),))
            self.history.add(item)
            self._notices.append(ItemAdded(item_id))

    # --- responses ----------------------------------------------------------------------------------------

    @_hears(ResponseCreated)
    def _response_created(self, event: ResponseCreated, now: float) -> None:
        response_id = event.response.id
        if not self._requests.created(event.response, now, sees_all=self._tools.all_arrived()):
            self._out_of_band.add(response_id)
        elif self._requests.take_doom():
            self._cancelled.add(response_id)
            self._tools.interrupt(response_id)
        self._sounded[response_id] = {}
        self._notices.append(ResponseBegan(event.response))

    @_hears(ResponseDone)
    def _response_done(self, event: ResponseDone, now: float) -> None:
        response_id = event.response.id
        for item_id in self._sounded.pop(response_id, {}):
            self._playback.finish(item_id)
        if response_id not in self._out_of_band:
            for item in event.response.output:
                self._call(response_id, item)
        self._notices.append(ResponseEnded(event.response))
        self._out_of_band.discard(response_id)
        self._cancelled.discard(response_id)
        self._requests.done(response_id, now)
        if self._tools.response_done(response_id):
            self._requests.request(now)
        self._outbox.extend(self._requests.events_to_send())

    @_hears(ResponseOutputItemAdded)
    def _output_item_added(self, event: ResponseOutputItemAdded, now: float) -> None:
        self._requests.progressed(now)
        self._sounded.setdefault(event.response_id, {})[present(event.item.id, "")] = False

    @_hears(ResponseOutputItemDone)
    def _output_item_done(self, event: ResponseOutputItemDone, now: float) -> None:
        self._requests.progressed(now)
        self._merge(event.item)
        if event.response_id not in self._out_of_band:
            self._call(event.response_id, event.item)

    def _call(self, response_id: str, item: Item) -> None:
        if not isinstance(item, FunctionCallItem) or item.status in {"incomplete", "in_progress"}:
            return
        item_id = present(item.id, "")
        call_id = present(item.call_id, item_id)
        if self._tools.call(response_id, call_id):
            self._notices.append(ToolCalled(call_id, item.name, item.arguments, item_id))

    @_hears(ResponseOutputAudioDelta)
    def _audio(self, event: ResponseOutputAudioDelta, now: float) -> None:
        self._requests.progressed(now)
        if event.response_id in self._cancelled:
            return
        self._sounded.setdefault(event.response_id, {})[event.item_id] = True
        self._playback.receive(event.item_id, event.content_index, len(event.delta), now)
        self._notices.append(
            AudioReceived(event.item_id, event.content_index, event.response_id, event.delta)
        )

    @_hears(ResponseOutputAudioDone)
    def _audio_done(self, event: ResponseOutputAudioDone, _now: float) -> None:
        self._playback.finish(event.item_id, event.content_index)
        if event.response_id not in self._cancelled:
            self._notices.append(AudioFinished(event.item_id, event.content_index))

    @_hears(ResponseOutputAudioTranscriptDelta)
    def _spoke(self, event: ResponseOutputAudioTranscriptDelta, now: float) -> None:
        self._requests.progressed(now)
        if event.response_id in self._cancelled:
            self._silence_unheard(event.response_id, event.item_id)
        if self.history.append(event.item_id, event.content_index, "output_audio", event.delta):
            self._notices.append(ItemChanged(event.item_id))

    @_hears(ResponseOutputAudioTranscriptDone)
    def _spoken(self, event: ResponseOutputAudioTranscriptDone, _now: float) -> None:
        if self.history.set_text(event.item_id, event.content_index, "output_audio", event.transcript):
            self._notices.append(ItemChanged(event.item_id))

    @_hears(ResponseOutputTextDelta)
    def _wrote(self, event: ResponseOutputTextDelta, now: float) -> None:
        self._requests.progressed(now)
        if self.history.append(event.item_id, event.content_index, "output_text", event.delta):
            self._notices.append(ItemChanged(event.item_id))

    @_hears(ResponseOutputTextDone)
    def _written(self, event: ResponseOutputTextDone, _now: float) -> None:
        if self.history.set_text(event.item_id, event.content_index, "output_text", event.text):
            self._notices.append(ItemChanged(event.item_id))
