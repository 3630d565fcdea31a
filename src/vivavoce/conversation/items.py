"""The conversation's items: their order, their transcripts, and the newest of their audio."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator

from vivavoce.conversation.heard import SpokenText
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import (
    AudioFormat,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    Item,
    MessageItem,
    OutputAudio,
    replace,
)

ROOT = "root"
"""`previous_item_id` that means the beginning of the conversation."""


REMEMBERED_CALLS = 10_000
"""The ids of so many function calls are known, the newest ones, also when their items are gone."""


class Record:
    """One item and what the server knows of it beyond the wire.

    Attributes:
        item: the item as clients see it, without audio bytes.
        audio_ms: length of its audio.
        fmt: format of its audio, or `None` when it has none.
        spoken: for assistant audio, the words with their times.
        heard_ms: how far it was heard, once it was truncated.
        image_tokens: what its pictures cost.
        left_out: it has left the model's context, which became too long; it stays in the conversation.
        size: characters that it held when it came or was transcribed, and bytes of a client's audio while
            they wait for a transcriber; what a model adds to its own items later is small.
    """

    __slots__ = ("audio_ms", "fmt", "heard_ms", "image_tokens", "item", "left_out", "size", "spoken")

    def __init__(
        self,
        item: Item,
        *,
        audio_ms: int = 0,
        fmt: AudioFormat | None = None,
        size: int = 0,
        image_tokens: int = 0,
    ) -> None:
        self.item = item
        self.audio_ms = audio_ms
        self.fmt = fmt
        self.spoken: SpokenText | None = None
        self.heard_ms: int | None = None
        self.size = size
        self.image_tokens = image_tokens
        self.left_out = False

    @property
    def is_assistant_audio(self) -> bool:
        """Whether this is a message that the model speaks."""
        item = self.item
        return (
            isinstance(item, MessageItem)
            and item.role == "assistant"
            and any(isinstance(part, OutputAudio) for part in item.content)
        )

    def set_transcript(self, transcript: str) -> None:
        """Put the transcript into the item's audio part."""
        item = self.item
        assert isinstance(item, MessageItem)
        content = [
            replace(part, transcript=transcript) if isinstance(part, InputAudio | OutputAudio) else part
            for part in item.content
        ]
        self.item = replace(item, content=content)


class AudioShelf:
    """Keeps the newest audio of the conversation under a bound, for `conversation.item.retrieve`.

    What was said last, on either side, is kept whole even beyond the bound, up to `LAST_BYTES` each.

    Args:
        limit: bytes that it may hold; the oldest item's audio goes first. 0 keeps nothing.
    """

    LAST_ITEMS = 2
    LAST_BYTES = 4 * 1024 * 1024

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: OrderedDict[str, bytearray] = OrderedDict()
        self._lost: set[str] = set()
        self._size = 0

    def add(self, item_id: str, audio: bytes) -> None:
        """Append audio of an item. An item whose beginning is gone is not kept at all."""
        if self._limit <= 0 or item_id in self._lost:
            return
        held = self._held.setdefault(item_id, bytearray())
        held += audio
        self._size += len(audio)
        if len(held) > max(self._limit, self.LAST_BYTES):
            self._lose(item_id)
        while self._size > self._limit and len(self._held) > self.LAST_ITEMS:
            self._lose(next(iter(self._held)))

    def _lose(self, item_id: str) -> None:
        self._size -= len(self._held.pop(item_id))
        self._lost.add(item_id)

    def get(self, item_id: str) -> bytes | None:
        """Return the item's audio, or `None` when there is none or it is not held any more."""
        held = self._held.get(item_id)
        return bytes(held) if held else None

    def cut(self, item_id: str, size: int) -> None:
        """Keep only the first `size` bytes of the item's audio."""
        held = self._held.get(item_id)
        if held is not None and len(held) > size:
            self._size -= len(held) - size
            del held[size:]

    def drop(self, item_id: str) -> None:
        """Forget the item's audio; it may be added anew."""
        self._size -= len(self._held.pop(item_id, b""))
        self._lost.discard(item_id)


class Items:
    """The ordered items of one conversation.

    Args:
        retained_audio_bytes: how much audio is kept, see `AudioShelf`.
    """

    def __init__(self, retained_audio_bytes: int) -> None:
        self._order: list[str] = []
        self._records: dict[str, Record] = {}
        self._calls: dict[str, None] = {}  # ids of function calls, oldest first
        self.size = 0
        """Characters that the items hold: texts, pictures, arguments; and bytes that await a transcriber.

        Other audio has its own bound.
        """
        self.audio = AudioShelf(retained_audio_bytes)
        self.voice_locked = False

    def __len__(self) -> int:
        return len(self._order)

    def __contains__(self, item_id: object) -> bool:
        return item_id in self._records

    def __iter__(self) -> Iterator[Record]:
        return (self._records[item_id] for item_id in self._order)

    @property
    def last_id(self) -> str | None:
        """Id of the newest item."""
        return self._order[-1] if self._order else None

    @property
    def oldest_id(self) -> str:
        """Id of the oldest item; there must be one."""
        return self._order[0]

    def get(self, item_id: str) -> Record | None:
        """Return the record of an item, or `None`."""
        return self._records.get(item_id)

    def append(self, item_id: str, record: Record) -> str | None:
        """Add an item at the end and return the id of the one before it."""
        previous = self.last_id
        self._order.append(item_id)
        self._take(item_id, record)
        return previous

    def insert(self, item_id: str, record: Record, previous_item_id: str) -> str | None:
        """Add an item after another, or at the beginning for `"root"`; return the id of the one before it.

        "If set to `root`, the new item will be added to the beginning of the conversation. If set to an
        existing ID, it allows an item to be inserted mid-conversation. If the ID cannot be found, an error
        will be returned and the item will not be added."
        """
        if previous_item_id == ROOT:
            self._order.insert(0, item_id)
            self._take(item_id, record)
            return None
        if previous_item_id not in self._records:
            raise RemoteProtocolError(
                f"Item with item_id not found: {previous_item_id}",
                code="invalid_value",
                param="previous_item_id",
            )
        if previous_item_id == self.last_id:
            return self.append(item_id, record)
        self._order.insert(self._order.index(previous_item_id) + 1, item_id)
        self._take(item_id, record)
        return previous_item_id

    def _take(self, item_id: str, record: Record) -> None:
        record.size += _size_of(record.item)
        self.size += record.size
        self._records[item_id] = record
        if isinstance(record.item, FunctionCallItem) and isinstance(record.item.call_id, str):
            self._calls[record.item.call_id] = None
            if len(self._calls) > REMEMBERED_CALLS:
                del self._calls[next(iter(self._calls))]

    def has_call(self, call_id: str) -> bool:
        """Whether a function call of this id is or was in the conversation."""
        return call_id in self._calls

    def leave_out(self, item_ids: Iterable[str]) -> None:
        """Take items out of the model's context for good. Those that are gone are fine."""
        for item_id in item_ids:
            if (record := self._records.get(item_id)) is not None:
                record.left_out = True

    def before(self, item_id: str) -> str | None:
        """Return the id of the item before another; `None` for the first, and for one that is not there."""
        place = self._order.index(item_id) if item_id in self else 0
        return self._order[place - 1] if place else None

    def transcribed(self, item_id: str) -> None:
        """Count an item's audio no longer: nobody waits for its transcript. One that is gone is fine."""
        if (record := self._records.get(item_id)) is not None:
            self.size -= record.size
            record.size = 0
            self._take(item_id, record)

    def delete(self, item_id: str) -> None:
        """Remove an item and its audio."""
        self._order.remove(item_id)
        self.size -= self._records.pop(item_id).size
        self.audio.drop(item_id)

    def retrieve(self, item_id: str) -> Item | None:
        """Return an item with the audio that is still held, or `None` when there is no such item."""
        record = self._records.get(item_id)
        if record is None:
            return None
        item, audio = record.item, self.audio.get(item_id)
        if audio is None or not isinstance(item, MessageItem):
            return item
        content = [
            replace(part, audio=audio) if isinstance(part, InputAudio | OutputAudio) else part
            for part in item.content
        ]
        return replace(item, content=content)

    def truncate(self, item_id: str, audio_end_ms: int) -> None:
        """Cut an assistant's audio to `audio_end_ms`, and its transcript to the words heard until then.

        Raises:
            RemoteProtocolError: no such item, not the model's audio, or shorter than that.
        """
        record = self._records.get(item_id)
        if record is None:
            raise RemoteProtocolError(
                f"Item with item_id not found: {item_id}",
                code="item_truncate_invalid_item_id",
                param="item_id",
            )
        if not record.is_assistant_audio or record.fmt is None:
            raise RemoteProtocolError(
                "Only model output audio messages can be truncated",
                code="unsupported_content_type",
                param="item_id",
            )
        if audio_end_ms > record.audio_ms:
            raise RemoteProtocolError(
                f"Audio content of {record.audio_ms}ms is already shorter than {audio_end_ms}ms",
                code="invalid_value",
                param="audio_end_ms",
            )
        fmt = record.fmt
        record.audio_ms = record.heard_ms = audio_end_ms
        self.audio.cut(item_id, fmt.bytes_of(audio_end_ms))
        if record.spoken is not None:
            record.set_transcript(record.spoken.until(audio_end_ms))


def _size_of(item: Item) -> int:
    match item:
        case MessageItem():
            return sum(
                len(value)
                for part in item.content
                for name in part.__struct_fields__
                if isinstance(value := getattr(part, name), str)
            )
        case FunctionCallItem():
            return len(item.arguments)
        case FunctionCallOutputItem():
            return len(item.output)
        case _:
            return 0
