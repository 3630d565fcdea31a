"""The client's hand in the conversation: `conversation.item.create`, `.retrieve`, `.delete`, `.truncate`."""

from __future__ import annotations

from vivavoce.conversation.context import accepted, check_item
from vivavoce.conversation.effects import DropUtterance, TranscribeItem
from vivavoce.conversation.images import image_tokens
from vivavoce.conversation.items import ROOT, Items, Record
from vivavoce.conversation.outbox import Outbox
from vivavoce.conversation.refusal import refuse
from vivavoce.conversation.settings import Settings
from vivavoce.conversation.transcripts import Transcripts
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import (
    ContentPart,
    ConversationItemAdded,
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemDeleted,
    ConversationItemDone,
    ConversationItemRetrieve,
    ConversationItemRetrieved,
    ConversationItemTruncate,
    ConversationItemTruncated,
    FunctionCallOutputItem,
    InputAudio,
    Item,
    MessageItem,
    UnsetType,
    present,
    replace,
)


class Editor:
    """Carries out the client's `conversation.item.*` events.

    Every method raises `RemoteProtocolError` when the event cannot be carried out; nothing has changed then.

    Args:
        outbox: where events and effects go.
        items: the conversation.
        settings: the session's.
        transcripts: what is being transcribed.
    """

    def __init__(self, outbox: Outbox, items: Items, settings: Settings, transcripts: Transcripts) -> None:
        self._outbox = outbox
        self._items = items
        self._settings = settings
        self._transcripts = transcripts

    def create(self, event: ConversationItemCreate) -> None:
        """Put an item into the conversation; audio without a transcript is transcribed."""
        check_item(event.item, "item")
        item = event.item
        if isinstance(item, FunctionCallOutputItem) and not self._items.has_call(item.call_id):
            raise refuse(
                f"Tool call ID '{item.call_id}' not found in conversation.",
                "item.call_id",
                "invalid_tool_call_id",
            )
        item_id = present(item.id, None) or self._outbox.ids.new("item")
        if item_id in self._items or item_id in self._transcripts or item_id == ROOT:
            raise refuse(f"Item with id '{item_id}' already exists in the conversation.", "item.id")
        record, audio, transcribed = self._received_item(item, item_id)
        previous_id = present(event.previous_item_id, None)
        if previous_id is None:
            previous = self._items.append(item_id, record)
        else:
            previous = self._items.insert(item_id, record, previous_id)
        self._outbox.emit(ConversationItemAdded, previous_item_id=previous, item=record.item)
        self._outbox.emit(ConversationItemDone, previous_item_id=previous, item=record.item)
        if record.fmt is None:
            return
        self._items.audio.add(item_id, audio)
        if not transcribed:
            self._transcripts.begin(item_id, announced=self._settings.transcription is not None)
            self._transcripts.attach(item_id, record)
            self._outbox.effect(TranscribeItem(item_id, audio, record.fmt))

    def _received_item(self, item: Item, item_id: str) -> tuple[Record, bytes, bool]:
        """Return the record of a client's item, its audio, and whether that has a transcript."""
        item = accepted(item, item_id)
        if not isinstance(item, MessageItem):
            return Record(item), b"", False
        pictures = image_tokens(item, "item")
        spoken = [part for part in item.content if isinstance(part, InputAudio)]
        audio = b"".join(present(part.audio, b"") for part in spoken)
        transcribed = any(present(part.transcript, None) for part in spoken)
        content = [_without_audio(part) for part in item.content]
        fmt = self._settings.input.format
        assert not isinstance(fmt, UnsetType)
        ms = int(fmt.ms_of(len(audio)))
        record = Record(
            replace(item, content=content),
            audio_ms=ms,
            fmt=fmt if audio else None,
            size=0 if transcribed else len(audio),
            image_tokens=pictures,
        )
        return record, audio, transcribed

    def retrieve(self, event: ConversationItemRetrieve) -> None:
        """Show an item as the server knows it, with the audio that is still held."""
        item = self._items.retrieve(event.item_id)
        if item is None:
            raise self._no_such_item("retrieving", "retrieve", event.item_id)
        self._outbox.emit(ConversationItemRetrieved, item=item)

    def delete(self, event: ConversationItemDelete) -> bool:
        """Remove an item; return whether its transcript was still awaited."""
        if event.item_id not in self._items:
            raise self._no_such_item("deleting", "delete", event.item_id)
        return self.remove(event.item_id)

    def remove(self, item_id: str) -> bool:
        """Remove an item that is there; return whether its transcript was still awaited.

        One that the model is still making is final with that, as the conversation knows it; its response goes
        on without it.
        """
        record = self._items.get(item_id)
        if record is not None and getattr(record.item, "status", None) == "in_progress":
            item = replace(record.item, status="incomplete")
            self._outbox.emit(ConversationItemDone, previous_item_id=self._items.before(item_id), item=item)
        self._items.delete(item_id)
        self._outbox.emit(ConversationItemDeleted, item_id=item_id)
        awaited = self._transcripts.drop(item_id)
        if awaited:
            self._outbox.effect(DropUtterance(item_id))
        return awaited

    @staticmethod
    def _no_such_item(doing: str, verb: str, item_id: str) -> RemoteProtocolError:
        return refuse(
            f"Error {doing} item: the item with id '{item_id}' does not exist.",
            "item_id",
            f"item_{verb}_invalid_item_id",
        )

    def truncate(self, event: ConversationItemTruncate) -> None:
        """Cut an answer to what was heard of it."""
        if event.content_index != 0:
            raise refuse(f"Invalid content index {event.content_index}; audio is in part 0.", "content_index")
        if event.audio_end_ms < 0:
            raise refuse(f"Invalid value: {event.audio_end_ms}; it must be 0 or more.", "audio_end_ms")
        self._items.truncate(event.item_id, event.audio_end_ms)
        self._outbox.emit(
            ConversationItemTruncated, item_id=event.item_id, content_index=0, audio_end_ms=event.audio_end_ms
        )


def _without_audio(part: ContentPart) -> ContentPart:
    """Return the part as events show it: "the full content except audio data"."""
    return InputAudio(transcript=present(part.transcript, None)) if isinstance(part, InputAudio) else part
