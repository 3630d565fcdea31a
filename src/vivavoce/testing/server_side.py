"""The far end of a scripted session: it keeps a server's books and speaks in whole sequences of events.

It never waits. What it wants to take time it says with a `Pause` between its events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from vivavoce.conversation.heard import SpokenText
from vivavoce.conversation.ids import IdSource
from vivavoce.engines.scripted import Pause
from vivavoce.protocol import (
    AudioPart,
    ClientEvent,
    ConversationItemAdded,
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemDeleted,
    ConversationItemDone,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemRetrieve,
    ConversationItemRetrieved,
    ConversationItemTruncate,
    ConversationItemTruncated,
    ErrorDetail,
    ErrorEvent,
    FunctionCallItem,
    InputAudio,
    InputAudioBufferClear,
    InputAudioBufferCleared,
    InputAudioBufferCommit,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    Item,
    ItemStatus,
    MessageItem,
    OutputAudio,
    OutputText,
    Response,
    ResponseCancel,
    ResponseContentPartAdded,
    ResponseContentPartDone,
    ResponseCreate,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDelta,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    ResponseStatus,
    ServerEvent,
    SessionCreated,
    SessionUpdate,
    SessionUpdated,
    StatusDetails,
    StatusError,
    StatusReason,
    TextPart,
    TranscriptionDurationUsage,
    Usage,
    present,
    replace,
)
from vivavoce.protocol.codec import session_from, to_builtins
from vivavoce.testing.answers import Answer, Failure, Part, Spoken, ToolCall, UserTurn, Written
from vivavoce.testing.tones import tone_in

Stream: TypeAlias = Iterator[ServerEvent | Pause]

_SESSION: Mapping[str, Any] = {
    "type": "realtime",
    "object": "realtime.session",
    "id": "sess_scripted",
    "model": "scripted",
    "output_modalities": ["audio"],
    "audio": {
        "input": {
            "format": {"type": "audio/pcm", "rate": 24000},
            "turn_detection": {"type": "server_vad", "create_response": True, "interrupt_response": True},
        },
        "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "alloy"},
    },
}
_CONVERSATION = "conv_scripted"


@dataclass(slots=True)
class _Running:
    """The response that is being made."""

    id: str
    output: list[Item] = field(default_factory=list)
    message: MessageItem | None = None
    words: SpokenText = field(default_factory=SpokenText)
    over: bool = False


class ServerSide:
    """The books of one connection, and the events that go with them.

    Args:
        ids: where ids come from; the same for all connections of a session, so that none comes twice.

    Attributes:
        session: the session's settings, in their JSON form.
    """

    def __init__(self, ids: IdSource) -> None:
        self.session: dict[str, Any] = dict(_SESSION)
        self._ids = ids
        self._last_item: str | None = None
        self._running: _Running | None = None
        self._input_ms = 0
        self._items: dict[str, Item] = {}
        self._words: dict[str, SpokenText] = {}

    @property
    def busy(self) -> bool:
        """Whether a response is being made."""
        return self._running is not None

    def opens(self) -> Stream:
        """Open the session."""
        yield self._event(SessionCreated, session=session_from(self.session))

    def reacts(self, event: ClientEvent) -> Stream:
        """Do what a server does by itself when a client sends this."""
        match event:
            case SessionUpdate(session=session):
                self.session = _merged(self.session, to_builtins(session))
                yield self._event(SessionUpdated, session=session_from(self.session))
            case ConversationItemCreate(item=item):
                item_id = present(item.id, None) or self._ids.new("item_scripted")
                yield from self._enters(replace(item, id=item_id), present(event.previous_item_id, None))
            case ConversationItemDelete(item_id=item_id):
                self._items.pop(item_id, None)
                yield self._event(ConversationItemDeleted, item_id=item_id)
            case ConversationItemRetrieve(item_id=item_id) if item_id in self._items:
                yield self._event(ConversationItemRetrieved, item=self._items[item_id])
            case ConversationItemRetrieve(item_id=item_id):
                yield self._refuses(event, "item_not_found", f"There is no item '{item_id}'.")
            case ConversationItemTruncate():
                yield from self._truncates(event)
            case InputAudioBufferClear():
                yield self._event(InputAudioBufferCleared)
            case InputAudioBufferCommit():
                yield from self._commits(self._ids.new("item_scripted"))
            case ResponseCancel():
                yield from self._ends("cancelled", reason="client_cancelled")
            case ResponseCreate() if self._running is not None:
                active = f"Conversation already has an active response in progress: {self._running.id}."
                yield self._refuses(event, "conversation_already_has_active_response", active)
            case _:
                return

    def answers(self, answer: Answer) -> Stream:
        """Make a response, until its end or until something ends it before."""
        running = self._running = _Running(self._ids.new("resp"))
        yield self._event(ResponseCreated, response=self._response("in_progress"))
        for part in answer.parts:
            for event in self._makes(part, running):
                yield event
                if running.over:
                    return
        yield from self._ends("completed")

    def hears(self, turn: UserTurn) -> Stream:
        """Report a turn of the user; it interrupts where the session's settings say so."""
        item_id = self._ids.new("item_scripted")
        start_ms, self._input_ms = self._input_ms, self._input_ms + turn.audio_ms
        yield self._event(InputAudioBufferSpeechStarted, audio_start_ms=start_ms, item_id=item_id)
        if self._turn_detection.get("interrupt_response", True):
            yield from self._ends("cancelled", reason="turn_detected")
        if turn.pace:
            yield Pause(turn.audio_ms / 1000 * turn.pace)
        yield self._event(InputAudioBufferSpeechStopped, audio_end_ms=self._input_ms, item_id=item_id)
        yield from self._commits(item_id)
        place = {"item_id": item_id, "content_index": 0}
        yield self._event(ConversationItemInputAudioTranscriptionDelta, delta=turn.text, **place)
        yield self._event(
            ConversationItemInputAudioTranscriptionCompleted,
            transcript=turn.text,
            usage=TranscriptionDurationUsage(seconds=turn.audio_ms / 1000),
            **place,
        )

    # --- inside -------------------------------------------------------------------------------------------

    def _event(self, event: Callable[..., ServerEvent], **fields: Any) -> ServerEvent:
        return event(event_id=self._ids.new("event"), **fields)

    @property
    def _turn_detection(self) -> Mapping[str, Any]:
        return self.session["audio"]["input"].get("turn_detection") or {}

    def _refuses(self, event: ClientEvent, code: str, message: str) -> ServerEvent:
        detail = ErrorDetail(
            type="invalid_request_error",
            code=code,
            message=message,
            event_id=present(event.event_id, None),
        )
        return self._event(ErrorEvent, error=detail)

    def _truncates(self, event: ConversationItemTruncate) -> Stream:
        """Cut a spoken message to the words that were heard."""
        item, words = self._items.get(event.item_id), self._words.get(event.item_id)
        if isinstance(item, MessageItem) and words is not None:
            heard = OutputAudio(transcript=words.until(event.audio_end_ms))
            self._items[event.item_id] = replace(item, content=(heard,))
        yield self._event(
            ConversationItemTruncated,
            item_id=event.item_id,
            content_index=event.content_index,
            audio_end_ms=event.audio_end_ms,
        )

    def _enters(self, item: Item, previous: str | None = None) -> Stream:
        self._items[str(item.id)] = item
        previous = previous or self._last_item
        if previous == self._last_item or self._last_item is None:
            self._last_item = present(item.id, None)
        place = {"previous_item_id": None if previous == "root" else previous, "item": item}
        yield self._event(ConversationItemAdded, **place)
        yield self._event(ConversationItemDone, **place)

    def _commits(self, item_id: str) -> Stream:
        yield self._event(InputAudioBufferCommitted, previous_item_id=self._last_item, item_id=item_id)
        content = (InputAudio(transcript=None),)
        yield from self._enters(MessageItem(id=item_id, status="completed", role="user", content=content))

    def _response(self, status: ResponseStatus, details: StatusDetails | None = None) -> Response:
        assert self._running is not None
        return Response(
            id=self._running.id,
            status=status,
            status_details=details,
            output=tuple(self._running.output),
            conversation_id=_CONVERSATION,
            usage=None if status == "in_progress" else Usage(),
        )

    def _ends(
        self, status: ResponseStatus, *, reason: StatusReason | None = None, error: str | None = None
    ) -> Stream:
        running = self._running
        if running is None:
            return
        running.over = True
        if running.message is not None:
            yield from self._closes(running, "incomplete")
        details = None
        if reason is not None:
            details = StatusDetails(type="cancelled", reason=reason)
        elif error is not None:
            details = StatusDetails(type="failed", error=StatusError(type="server_error", message=error))
        done = self._event(ResponseDone, response=self._response(status, details))
        self._running = None
        yield done

    def _makes(self, part: Part, running: _Running) -> Stream:
        match part:
            case Spoken():
                yield from self._speaks(part, running)
            case Written():
                yield from self._writes(part, running)
            case ToolCall():
                yield from self._calls(part, running)
            case Failure(message):
                yield from self._ends("failed", error=message)
            case Pause():
                yield part

    def _begins(self, item: Item, running: _Running) -> Stream:
        self._items[str(item.id)] = item
        previous, self._last_item = self._last_item, str(item.id)
        yield self._event(
            ResponseOutputItemAdded, response_id=running.id, output_index=len(running.output), item=item
        )
        yield self._event(ConversationItemAdded, previous_item_id=previous, item=item)

    def _finishes(self, item: Item, running: _Running) -> Stream:
        place = len(running.output)
        running.output.append(item)
        self._items[str(item.id)] = item
        yield self._event(ConversationItemDone, item=item)
        yield self._event(ResponseOutputItemDone, response_id=running.id, output_index=place, item=item)

    def _opens_message(self, running: _Running, part: AudioPart | TextPart) -> Stream:
        running.message = MessageItem(
            id=self._ids.new("item_scripted"), status="in_progress", role="assistant", content=()
        )
        running.words = self._words[str(running.message.id)] = SpokenText()
        yield from self._begins(running.message, running)
        yield self._event(ResponseContentPartAdded, part=part, **_place(running))

    def _speaks(self, part: Spoken, running: _Running) -> Stream:
        yield from self._opens_message(running, AudioPart(transcript=""))
        words = part.text.split(" ")
        ends = [part.audio_ms * count // len(words) for count in range(len(words) + 1)]
        for count, word in enumerate(words):
            delta = word if count == 0 else f" {word}"
            running.words.add_word(delta, ends[count + 1])
            where = _place(running)
            yield self._event(ResponseOutputAudioTranscriptDelta, delta=delta, **where)
            ms = ends[count + 1] - ends[count]
            audio = tone_in(self.session["audio"]["output"]["format"]["type"], ms)
            if audio:
                yield self._event(ResponseOutputAudioDelta, delta=audio, **where)
            if part.pace:
                yield Pause(ms / 1000 * part.pace)
        yield from self._closes(running, "completed", spoken=True)

    def _writes(self, part: Written, running: _Running) -> Stream:
        yield from self._opens_message(running, TextPart(text=""))
        running.words.add_word(part.text, 0)
        yield self._event(ResponseOutputTextDelta, delta=part.text, **_place(running))
        yield from self._closes(running, "completed", spoken=False)

    def _closes(self, running: _Running, status: ItemStatus, *, spoken: bool = True) -> Stream:
        """End the message that is open."""
        assert running.message is not None
        where, said = _place(running), running.words.text
        part: AudioPart | TextPart
        content: OutputAudio | OutputText
        if spoken:
            yield self._event(ResponseOutputAudioDone, **where)
            yield self._event(ResponseOutputAudioTranscriptDone, transcript=said, **where)
            part, content = AudioPart(transcript=said), OutputAudio(transcript=said)
        else:
            yield self._event(ResponseOutputTextDone, text=said, **where)
            part, content = TextPart(text=said), OutputText(text=said)
        yield self._event(ResponseContentPartDone, part=part, **where)
        item = replace(running.message, status=status, content=(content,))
        running.message = None
        yield from self._finishes(item, running)

    def _calls(self, part: ToolCall, running: _Running) -> Stream:
        item = FunctionCallItem(
            id=self._ids.new("item_scripted"),
            status="in_progress",
            call_id=part.call_id or self._ids.new("call"),
            name=part.name,
            arguments="",
        )
        yield from self._begins(item, running)
        where = {"response_id": running.id, "item_id": item.id, "output_index": len(running.output)}
        yield self._event(
            ResponseFunctionCallArgumentsDelta, call_id=item.call_id, delta=part.arguments, **where
        )
        yield self._event(
            ResponseFunctionCallArgumentsDone,
            call_id=item.call_id,
            name=part.name,
            arguments=part.arguments,
            **where,
        )
        yield from self._finishes(replace(item, status="completed", arguments=part.arguments), running)


def _place(running: _Running) -> dict[str, Any]:
    assert running.message is not None
    return {
        "response_id": running.id,
        "item_id": running.message.id,
        "output_index": len(running.output),
        "content_index": 0,
    }


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with others laid over them."""
    merged = dict(old)
    for key, value in new.items():
        before = merged.get(key)
        if isinstance(before, Mapping) and isinstance(value, Mapping) and _alike(before, value):
            merged[key] = _merged(before, value)
        else:
            merged[key] = value
    return merged


def _alike(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return bool(old.get("type") == new.get("type", old.get("type")))
