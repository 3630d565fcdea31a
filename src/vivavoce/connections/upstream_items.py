"""The items of an upstream's conversation, in order, so that the operator's bound holds for them."""

from __future__ import annotations

from vivavoce.protocol import (
    ConversationItemAdded,
    ConversationItemDeleted,
    ConversationItemDone,
    ServerEvent,
    Unknown,
)


class UpstreamItems:
    """Says which items are too many.

    Args:
        most: how many items the conversation may hold.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._order: list[str] = []
        self._final: set[str] = set()

    def note(self, event: ServerEvent | Unknown) -> None:
        """Take in an event that goes to the client."""
        if isinstance(event, ConversationItemAdded) and isinstance(event.item.id, str):
            self._insert(event.item.id, event.previous_item_id)
        elif isinstance(event, ConversationItemDone) and isinstance(event.item.id, str):
            self._final.add(event.item.id)
        elif isinstance(event, ConversationItemDeleted):
            self._forget(event.item_id)

    def surplus(self) -> list[str]:
        """Return the oldest items beyond the bound, to be deleted; they are forgotten here.

        One that is still being made stays, and with it those after it.
        """
        gone: list[str] = []
        while len(self._order) > self._most and self._order[0] in self._final:
            gone.append(self._order[0])
            self._forget(self._order[0])
        return gone

    def _insert(self, item_id: str, previous: object) -> None:
        if item_id in self._order[-1:]:
            return
        if not self._order or previous == self._order[-1] or previous not in self._order:
            self._order.append(item_id)
        else:
            self._order.insert(self._order.index(str(previous)) + 1, item_id)

    def _forget(self, item_id: str) -> None:
        if item_id in self._order:
            self._order.remove(item_id)
        self._final.discard(item_id)
