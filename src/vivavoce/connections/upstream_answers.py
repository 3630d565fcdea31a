"""The answers of an upstream model that are under way, and how they end when the model is lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from vivavoce.conversation.ids import IdSource
from vivavoce.protocol import (
    AudioPart,
    ConversationItemAdded,
    ConversationItemDone,
    FunctionCallItem,
    Item,
    MessageItem,
    OutputAudio,
    OutputText,
    Response,
    ResponseContentPartAdded,
    ResponseContentPartDone,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDelta,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
    ResponseOutputAudioTranscriptDone,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ResponseOutputTextDelta,
    ResponseOutputTextDone,
    ServerEvent,
    StatusDetails,
    StatusError,
    TextPart,
    Unknown,
    Usage,
    replace,
)


@dataclass(slots=True)
class _Part:
    kind: type[TextPart | AudioPart]
    words: str = ""
    open: bool = True
    said: set[type[Any]] = field(default_factory=set)
    """Which of the part's `done` events have come."""


@dataclass(slots=True)
class _Item:
    response_id: str
    output_index: int
    item: Item
    in_conversation: bool = False
    final: bool = False
    arguments: str = ""
    arguments_done: bool = False
    parts: dict[int, _Part] = field(default_factory=dict)


@dataclass(slots=True)
class _Answer:
    response: Response
    finished: list[Item] = field(default_factory=list)


class OpenAnswers:
    """Follows what an upstream model says, so that nothing of it stays without its end.

    Args:
        ids: where the ids of the events come from that this makes.
    """

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids
        self._answers: dict[str, _Answer] = {}
        self._items: dict[str, _Item] = {}
        self._notes: dict[type[Any], Callable[[Any], None]] = {
            ResponseCreated: self._created,
            ResponseDone: self._done,
            ResponseOutputItemAdded: self._item_added,
            ResponseOutputItemDone: self._item_done,
            ConversationItemAdded: self._in_conversation,
            ConversationItemDone: self._final,
            ResponseContentPartAdded: self._part_added,
            ResponseContentPartDone: self._part_done,
            ResponseOutputTextDelta: self._words,
            ResponseOutputAudioTranscriptDelta: self._words,
            ResponseOutputTextDone: self._said,
            ResponseOutputAudioDone: self._said,
            ResponseOutputAudioTranscriptDone: self._said,
            ResponseFunctionCallArgumentsDelta: self._arguments,
            ResponseFunctionCallArgumentsDone: self._arguments_done,
        }

    def note(self, event: ServerEvent | Unknown) -> None:
        """Take in an event that goes to the client."""
        note = self._notes.get(type(event))
        if note is not None:
            note(event)

    def cut(self, code: str, message: str) -> list[ServerEvent]:
        """Return the events that end everything under way, as failed; it is forgotten here.

        Args:
            code: of the failure, for the `status_details` of each response.
            message: the same in words.
        """
        ending: list[ServerEvent] = []
        for response_id, answer in self._answers.items():
            finished = list(answer.finished)
            for item_id, item in self._items.items():
                if item.response_id == response_id:
                    finished.append(self._end_item(item_id, item, ending))
            error = StatusError(type="server_error", code=code, message=message)
            response = replace(
                answer.response,
                status="failed",
                status_details=StatusDetails(type="failed", error=error),
                output=finished,
                usage=Usage(),
            )
            ending.append(ResponseDone(event_id=self._id(), response=response))
        self._answers.clear()
        self._items.clear()
        return ending

    def _id(self) -> str:
        return self._ids.new("event")

    # --- what is under way --------------------------------------------------------------------------------

    def _created(self, event: ResponseCreated) -> None:
        self._answers[event.response.id] = _Answer(event.response)

    def _done(self, event: ResponseDone) -> None:
        self._answers.pop(event.response.id, None)
        gone = [key for key, item in self._items.items() if item.response_id == event.response.id]
        for item_id in gone:
            del self._items[item_id]

    def _item_added(self, event: ResponseOutputItemAdded) -> None:
        if isinstance(event.item.id, str):
            self._items[event.item.id] = _Item(event.response_id, event.output_index, event.item)

    def _item_done(self, event: ResponseOutputItemDone) -> None:
        self._items.pop(str(event.item.id), None)
        if (answer := self._answers.get(event.response_id)) is not None:
            answer.finished.append(event.item)

    def _in_conversation(self, event: ConversationItemAdded) -> None:
        if (item := self._items.get(str(event.item.id))) is not None:
            item.in_conversation = True

    def _final(self, event: ConversationItemDone) -> None:
        if (item := self._items.get(str(event.item.id))) is not None:
            item.item, item.final = event.item, True

    def _part(self, event: Any) -> _Part | None:
        item = self._items.get(event.item_id)
        return item.parts.get(event.content_index) if item is not None else None

    def _part_added(self, event: ResponseContentPartAdded) -> None:
        if (item := self._items.get(event.item_id)) is not None:
            item.parts[event.content_index] = _Part(type(event.part))

    def _part_done(self, event: ResponseContentPartDone) -> None:
        if (part := self._part(event)) is not None:
            part.open = False

    def _words(self, event: ResponseOutputTextDelta | ResponseOutputAudioTranscriptDelta) -> None:
        if (part := self._part(event)) is not None:
            part.words += event.delta

    def _said(self, event: Any) -> None:
        if (part := self._part(event)) is not None:
            part.said.add(type(event))

    def _arguments(self, event: ResponseFunctionCallArgumentsDelta) -> None:
        if (item := self._items.get(event.item_id)) is not None:
            item.arguments += event.delta

    def _arguments_done(self, event: ResponseFunctionCallArgumentsDone) -> None:
        if (item := self._items.get(event.item_id)) is not None:
            item.arguments, item.arguments_done = event.arguments, True

    # --- its end ------------------------------------------------------------------------------------------

    def _end_item(self, item_id: str, open_item: _Item, ending: list[ServerEvent]) -> Item:
        item = open_item.item
        if not open_item.final:
            item = self._cut_off(item_id, open_item, ending)
            if open_item.in_conversation:
                ending.append(ConversationItemDone(event_id=self._id(), item=item, previous_item_id=None))
        ending.append(
            ResponseOutputItemDone(
                event_id=self._id(),
                response_id=open_item.response_id,
                output_index=open_item.output_index,
                item=item,
            )
        )
        return item

    def _cut_off(self, item_id: str, open_item: _Item, ending: list[ServerEvent]) -> Item:
        """Return the item as far as it came, and end what is open in it."""
        item = open_item.item
        if isinstance(item, MessageItem):
            for index, part in open_item.parts.items():
                if part.open:
                    self._end_part(item_id, open_item, index, part, ending)
            content = [_content(part) for _, part in sorted(open_item.parts.items())]
            return replace(item, content=content, status="incomplete")
        if not isinstance(item, FunctionCallItem):
            return item
        if not open_item.arguments_done:
            ending.append(
                ResponseFunctionCallArgumentsDone(
                    event_id=self._id(),
                    response_id=open_item.response_id,
                    item_id=item_id,
                    output_index=open_item.output_index,
                    call_id=str(item.call_id),
                    name=item.name,
                    arguments=open_item.arguments,
                )
            )
        return replace(item, arguments=open_item.arguments, status="incomplete")

    def _end_part(
        self, item_id: str, item: _Item, index: int, part: _Part, ending: list[ServerEvent]
    ) -> None:
        where: dict[str, Any] = {
            "response_id": item.response_id,
            "item_id": item_id,
            "output_index": item.output_index,
            "content_index": index,
        }
        last: list[tuple[type[Any], dict[str, Any]]] = (
            [(ResponseOutputTextDone, {"text": part.words})]
            if part.kind is TextPart
            else [
                (ResponseOutputAudioDone, {}),
                (ResponseOutputAudioTranscriptDone, {"transcript": part.words}),
            ]
        )
        for kind, fields in last:
            if kind not in part.said:
                ending.append(kind(event_id=self._id(), **where, **fields))
        whole = TextPart(text=part.words) if part.kind is TextPart else AudioPart(transcript=part.words)
        ending.append(ResponseContentPartDone(event_id=self._id(), part=whole, **where))


def _content(part: _Part) -> OutputText | OutputAudio:
    return OutputText(text=part.words) if part.kind is TextPart else OutputAudio(transcript=part.words)
