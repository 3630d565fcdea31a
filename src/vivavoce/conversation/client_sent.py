"""What the client has sent and the server has not yet answered."""

from __future__ import annotations

from vivavoce.conversation.ids import IdSource
from vivavoce.protocol import ClientEvent, ConversationItemCreate, Item, UnsetType, present, replace

REMEMBERED = 256
"""Items, and ids of events, that are remembered until the server says something about them."""


class SentEvents:
    """Items on their way to the server, and events whose failure is nobody's business.

    Args:
        ids: names items, so that they are known again when the server shows them.
    """

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids
        self._created: dict[str, ConversationItemCreate] = {}
        self._restored: dict[str, None] = {}
        self._quiet: dict[str, None] = {}
        self._count = 0

    def create(self, event: ConversationItemCreate) -> ConversationItemCreate:
        """Remember an item until the server shows it; returns the event to send, with ids of its own."""
        event = replace(event, item=self.name(event.item))
        if isinstance(event.event_id, UnsetType):
            event = replace(event, event_id=self._new_id("item_create"))
        self._created[present(event.item.id, "")] = event
        _forget_oldest(self._created)
        return event

    def name(self, item: Item) -> Item:
        """Return an item with an id; one that is there stays."""
        return replace(item, id=present(item.id, None) or self._ids.new("item"))

    def is_worth_keeping(self, event: ClientEvent) -> bool:
        """Say whether an unsent event still means something on another connection."""
        return not isinstance(event, ConversationItemCreate) and not self.is_quiet(
            present(event.event_id, None)
        )

    def confirm(self, item_id: str) -> None:
        """Note that the server has an item."""
        self._created.pop(item_id, None)

    def refuse(self, event_id: str | None) -> None:
        """Note that the server refused an event."""
        for item_id, event in self._created.items():
            if event.event_id == event_id:
                del self._created[item_id]
                return

    def unconfirmed(self) -> list[ConversationItemCreate]:
        """Return what the server may never have seen, in order, and forget it."""
        created, self._created = list(self._created.values()), {}
        return created

    def restore(self, event: ConversationItemCreate) -> ConversationItemCreate:
        """Remember an item that is here already, so that the server's copy does not replace it."""
        self._restored[present(event.item.id, "")] = None
        return replace(event, event_id=self._new_id("item_restore"))

    def is_copy(self, item_id: str) -> bool:
        """Say whether the server has an item from this side's history: in other words, only as text."""
        return item_id in self._restored

    def forget_copy(self, item_id: str) -> None:
        """Note that an item is gone."""
        self._restored.pop(item_id, None)

    def quiet_id(self, verb: str) -> str:
        """Return the id for an event whose failure is nobody's business: it only came too late."""
        event_id = self._new_id(verb)
        self._quiet[event_id] = None
        _forget_oldest(self._quiet)
        return event_id

    def is_quiet(self, event_id: str | None) -> bool:
        """Say whether an event's failure is nobody's business."""
        return event_id in self._quiet

    def _new_id(self, verb: str) -> str:
        self._count += 1
        return f"vivavoce_{verb}_{self._count}"


def _forget_oldest(events: dict[str, ConversationItemCreate] | dict[str, None]) -> None:
    if len(events) > REMEMBERED:
        del events[next(iter(events))]
