"""What of an answer has been sent, so that no more of it is seen once it is blocked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.protocol import FunctionCallItem, McpCallItem, MessageItem, OutputAudio, OutputText, replace

if TYPE_CHECKING:
    from vivavoce.protocol import ContentPart, Item

__all__ = ["REMEMBERED", "Withheld"]

REMEMBERED = 256
"""Blocked items of a session whose sight is remembered; the oldest is forgotten."""


class Withheld:
    """The words of each part: those that the session has said, and those of them that were sent."""

    def __init__(self) -> None:
        self._heard: dict[tuple[str, int], str] = {}
        self._sent: dict[tuple[str, int], str] = {}
        self._hidden: dict[str, Item] = {}

    def heard(self, item_id: str, index: int, delta: str) -> str:
        """Take in more words and return all of the part."""
        key = (item_id, index)
        self._heard[key] = self._heard.get(key, "") + delta
        return self._heard[key]

    def sent(self, item_id: str, index: int, text: str) -> None:
        """Note that these words of a part, from its beginning, are sent."""
        self._sent[item_id, index] = text

    def raise_to(self, item_id: str, index: int, text: str) -> None:
        """Note that these words of a part are sent, unless more of them are already."""
        if len(text) > len(self.text(item_id, index)):
            self.sent(item_id, index, text)

    def text(self, item_id: str, index: int) -> str:
        """Return the words of a part that were sent."""
        return self._sent.get((item_id, index), "")

    def hide(self, item: Item) -> None:
        """Have an item seen only as far as it was sent, from now on."""
        item_id = item.id
        if not isinstance(item_id, str) or item_id in self._hidden:
            return
        if len(self._hidden) >= REMEMBERED:
            del self._hidden[next(iter(self._hidden))]
        self._hidden[item_id] = self._cut(item, item_id)

    def shown(self, item: Item) -> Item:
        """Return an item as it may be seen."""
        return self._hidden.get(str(item.id), item)

    def forget(self, item: Item) -> None:
        """Forget the words of an item that is done; how it is seen stays."""
        for words in (self._heard, self._sent):
            for key in [key for key in words if key[0] == item.id]:
                del words[key]

    def _cut(self, item: Item, item_id: str) -> Item:
        if isinstance(item, FunctionCallItem):
            return replace(item, arguments="", status="incomplete")
        if isinstance(item, McpCallItem):
            return replace(item, arguments="", output=None)
        if not isinstance(item, MessageItem):
            return item
        content: list[ContentPart] = []
        for index, part in enumerate(item.content):
            text = self.text(item_id, index)
            content.append(
                OutputText(text=text) if isinstance(part, OutputText) else OutputAudio(transcript=text)
            )
        return replace(item, content=content, status="incomplete")
