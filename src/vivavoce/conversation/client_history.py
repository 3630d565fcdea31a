"""The conversation as the client knows it: items in order, their words growing as they are said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

from vivavoce.conversation.heard import SpokenText, spread
from vivavoce.protocol import (
    UNSET,
    ContentPart,
    InputAudio,
    InputText,
    Item,
    MessageItem,
    OutputAudio,
    OutputText,
    Response,
    present,
    replace,
)

MS_PER_CHARACTER = 60
"""How long one character takes to say, where a message was cut before its length was known."""

PARTS = 256
"""Parts that a message may have; words of others are passed over."""

EXPECTED_FIRST = 64
"""Items that may be on their way to the beginning of the conversation."""

SpokenKind: TypeAlias = Literal["input_audio", "output_audio", "output_text"]
_EMPTY: dict[SpokenKind, ContentPart] = {
    "input_audio": InputAudio(),
    "output_audio": OutputAudio(),
    "output_text": OutputText(text=""),
}


def text_of(part: ContentPart) -> str:
    """Return the words of a content part; empty for a picture and for speech not yet transcribed."""
    if isinstance(part, InputText | OutputText):
        return part.text
    if isinstance(part, InputAudio | OutputAudio):
        return present(part.transcript, None) or ""
    return ""


def _with_text(part: ContentPart, text: str) -> ContentPart:
    if isinstance(part, InputText | OutputText):
        return replace(part, text=text)
    if isinstance(part, InputAudio | OutputAudio):
        return replace(part, transcript=text)
    return part


class _Entry:
    """One item; words that were just said wait beside it until somebody looks."""

    __slots__ = ("_fresh", "_item", "cut")

    def __init__(self, item: Item) -> None:
        self._item = item
        self._fresh: dict[int, list[str]] = {}
        self.cut = False

    @property
    def item(self) -> Item:
        if self._fresh and isinstance(self._item, MessageItem):
            content = list(self._item.content)
            for index, pieces in self._fresh.items():
                content[index] = _with_text(content[index], text_of(content[index]) + "".join(pieces))
            self._item = replace(self._item, content=tuple(content))
            self._fresh = {}
        return self._item

    @item.setter
    def item(self, item: Item) -> None:
        self._item = item
        self._fresh = {}

    def append(self, index: int, kind: SpokenKind, words: str) -> None:
        """Add words to a part, in constant time."""
        if isinstance(self._item, MessageItem):
            while len(self._item.content) <= index:
                self._item = replace(self._item, content=(*self._item.content, _EMPTY[kind]))
            self._fresh.setdefault(index, []).append(words)

    def set_text(self, index: int, kind: SpokenKind, words: str) -> None:
        """Replace the words of a part."""
        self.append(index, kind, "")
        item = self.item
        if isinstance(item, MessageItem):
            content = list(item.content)
            content[index] = _with_text(content[index], words)
            self.item = replace(item, content=tuple(content))


class ClientHistory:
    """Items in the order of the conversation."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._order: list[str] = []
        self._first: dict[str, None] = {}

    def __contains__(self, item_id: str) -> bool:
        return item_id in self._entries

    def __len__(self) -> int:
        return len(self._order)

    @property
    def items(self) -> list[Item]:
        """The items as they are now; the list is the caller's own."""
        return [self._entries[item_id].item for item_id in self._order]

    def get(self, item_id: str) -> Item | None:
        """Return one item as it is now, or ``None``."""
        entry = self._entries.get(item_id)
        return entry.item if entry is not None else None

    def cut_off(self, response: Response, item_ids: Iterable[str]) -> Response:
        """Return a response that was cut off, with those of its items that are here."""
        items = [item for item_id in item_ids if (item := self.get(item_id)) is not None]
        return replace(response, status="incomplete", output=items)

    def add(self, item: Item, previous_item_id: str | None = None) -> bool:
        """Put an item after another one, or at the end where that is not known.

        An item that is here already is moved and merged. False: nothing new came.
        """
        item_id = present(item.id, None)
        if item_id is None:
            return False
        previous_item_id = None if previous_item_id == item_id else previous_item_id
        known = item_id in self._entries
        if known:
            self.merge(item)
            if previous_item_id is None or previous_item_id not in self._entries:
                return False
            self._order.remove(item_id)
        else:
            self._entries[item_id] = _Entry(without_audio(item))
        self._place(item_id, previous_item_id)
        return not known

    def expect_first(self, item_id: str) -> None:
        """Put an item that is not here yet before all others: the server tells that place from no other."""
        self._first[item_id] = None
        if len(self._first) > EXPECTED_FIRST:
            del self._first[next(iter(self._first))]

    def _place(self, item_id: str, previous_item_id: str | None) -> None:
        known = previous_item_id is not None and previous_item_id in self._entries
        if self._first.pop(item_id, "") is None and not known:
            self._order.insert(0, item_id)
            return
        # Nearly everything goes to the end; looking a place up takes longer the longer the conversation is.
        if not known or self._order[-1] == previous_item_id:
            self._order.append(item_id)
        else:
            self._order.insert(self._order.index(str(previous_item_id)) + 1, item_id)

    def merge(self, item: Item, *, exact: bool = False) -> bool:
        """Take over what the server says of an item; words known here outlive an empty text there.

        Args:
            item: as the server has it now.
            exact: the server was asked after a cut, so its words are those that were heard. Otherwise a cut
                part keeps the words it was cut to.
        """
        entry = self._entries.get(present(item.id, ""))
        if entry is None:
            return False
        old, item = entry.item, without_audio(item)
        if isinstance(item, MessageItem) and isinstance(old, MessageItem):
            keep = entry.cut and not exact
            item = replace(item, content=_merged(old.content, item.content, keep_spoken=keep))
        changed = item != old
        entry.item = item
        return changed

    def append(self, item_id: str, index: int, kind: SpokenKind, words: str) -> bool:
        """Add words that were just said. False: the item is not here, or was cut."""
        entry = self._part_of(item_id, index)
        if entry is None or (entry.cut and kind == "output_audio"):
            return False
        entry.append(index, kind, words)
        return True

    def set_text(self, item_id: str, index: int, kind: SpokenKind, words: str) -> bool:
        """Set all the words of a part. False: the item is not here, or was cut."""
        entry = self._part_of(item_id, index)
        if entry is None or (entry.cut and kind == "output_audio"):
            return False
        entry.set_text(index, kind, words)
        return True

    def _part_of(self, item_id: str, index: int) -> _Entry | None:
        """Return the item if it is here and may have such a part."""
        return self._entries.get(item_id) if 0 <= index < PARTS else None

    def cut(self, item_id: str, index: int, heard_ms: int, received_ms: int, *, finished: bool) -> bool:
        """Keep of a spoken message what was heard; later words about it are not believed.

        Args:
            item_id: the message.
            index: its spoken part.
            heard_ms: audio that was heard.
            received_ms: audio that had arrived.
            finished: that was all of it, so the words divide the audio evenly.
        """
        entry = self._part_of(item_id, index)
        if entry is None:
            return False
        entry.append(index, "output_audio", "")
        entry.cut, item = True, entry.item
        if not isinstance(item, MessageItem):
            return False
        words = text_of(item.content[index])
        total = received_ms if finished else max(received_ms, len(words) * MS_PER_CHARACTER)
        entry.set_text(index, "output_audio", heard_words(words, heard_ms, total))
        return True

    def silence(self, item_id: str) -> bool:
        """Believe no spoken word of a message: not a sound of it was heard. False: nothing changed."""
        entry = self._entries.get(item_id)
        if entry is None or entry.cut:
            return False
        entry.cut, item = True, entry.item
        if not isinstance(item, MessageItem):
            return False
        content = tuple(
            replace(part, transcript="") if isinstance(part, OutputAudio) else part for part in item.content
        )
        entry.item = replace(item, content=content)
        return content != item.content

    def remove(self, item_id: str) -> bool:
        """Take an item out. False: it was not here."""
        if self._entries.pop(item_id, None) is None:
            return False
        self._order.remove(item_id)
        return True


def heard_words(words: str, heard_ms: int, total_ms: int) -> str:
    """Return the whole words that were spoken after `heard_ms` of `total_ms`, taking speech as even."""
    spoken = SpokenText()
    for piece, end_ms in spread(words, total_ms):
        spoken.add_word(piece, end_ms)
    return spoken.until(heard_ms).rstrip()


def _merged(
    old: Sequence[ContentPart], new: Sequence[ContentPart], *, keep_spoken: bool
) -> tuple[ContentPart, ...]:
    """Return the parts of `new`, with words and parts of `old` where `new` has none.

    With `keep_spoken`, speech that `old` has no part for was never heard, and has no words.
    """
    content = [
        _merged_part(before, after, keep_spoken=keep_spoken) for before, after in zip(old, new, strict=False)
    ]
    content += [
        _with_text(part, "") if keep_spoken and isinstance(part, OutputAudio) else part
        for part in new[len(old) :]
    ]
    return (*content, *old[len(new) :])


def _merged_part(before: ContentPart, after: ContentPart, *, keep_spoken: bool) -> ContentPart:
    if type(before) is not type(after):
        return after
    if keep_spoken and isinstance(after, OutputAudio):
        return before
    return _with_text(after, text_of(before)) if text_of(before) and not text_of(after) else after


def without_audio(item: Item) -> Item:
    """Return the item without the bytes of its speech, which have no place in a history."""
    if not isinstance(item, MessageItem):
        return item
    content = tuple(
        replace(part, audio=UNSET) if isinstance(part, InputAudio | OutputAudio) else part
        for part in item.content
    )
    return replace(item, content=content)
