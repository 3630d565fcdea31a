"""What the client has sent and the server has not yet answered."""

from __future__ import annotations

from typing import TypeAlias

from vivavoce.conversation.ids import IdSource
from vivavoce.conversation.playback import Cut
from vivavoce.protocol import (
    ClientEvent,
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemTruncate,
    FunctionCallOutputItem,
    Item,
    MessageItem,
    ResponseCancel,
    ResponseCreate,
    UnsetType,
    present,
    replace,
)

REMEMBERED = 256
"""Edits, and ids of events, that are remembered until the server says something about them."""

ASKED_ANEW = (ConversationItemCreate, ConversationItemDelete, ResponseCreate)
"""What is remembered until the server answers it, and so is never lost in an outbox."""
_MADE_ANEW = (*ASKED_ANEW, ConversationItemTruncate, ResponseCancel)
Edit: TypeAlias = ConversationItemCreate | ConversationItemDelete


class SentEvents:
    """Items on their way to the server, and events whose failure is nobody's business.

    Args:
        ids: names items, so that they are known again when the server shows them.
    """

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids
        self._edits: dict[str, Edit] = {}
        self._unseen: set[str] = set()
        self._restored: dict[str, None] = {}
        self._quiet: dict[str, None] = {}
        self._count = 0

    def create(self, event: ConversationItemCreate) -> ConversationItemCreate:
        """Remember an item until the server shows it; returns the event to send, with ids of its own."""
        event = replace(event, item=self.name(event.item))
        if isinstance(event.event_id, UnsetType):
            event = replace(event, event_id=self._new_id("item_create"))
        self._remember(event)
        if isinstance(event.item, MessageItem):
            self._unseen.add(present(event.item.id, ""))
        return event

    def delete(self, event: ConversationItemDelete) -> ConversationItemDelete:
        """Remember that an item is to go until the server says so; returns the event to send, with an id."""
        if isinstance(event.event_id, UnsetType):
            event = replace(event, event_id=self._new_id("item_delete"))
        self._remember(event)
        return event

    def _remember(self, event: Edit) -> None:
        self._edits[str(event.event_id)] = event
        _forget_oldest(self._edits)

    def name(self, item: Item) -> Item:
        """Return an item with an id; one that is there stays."""
        return replace(item, id=present(item.id, None) or self._ids.new("item"))

    def is_worth_keeping(self, event: ClientEvent) -> bool:
        """Say whether an unsent event still means something on another connection, and is not made anew."""
        return not isinstance(event, _MADE_ANEW) and not self.is_quiet(present(event.event_id, None))

    def confirm(self, item: Item) -> None:
        """Note that the server has an item; the output of a call may have got another id there."""
        self._unseen.discard(present(item.id, ""))
        for event_id, event in self._edits.items():
            if isinstance(event, ConversationItemCreate) and _same(event.item, item):
                del self._edits[event_id]
                return

    def confirm_deleted(self, item_id: str) -> None:
        """Note that the server no longer has an item."""
        self._restored.pop(item_id, None)
        for event_id, event in self._edits.items():
            if isinstance(event, ConversationItemDelete) and event.item_id == item_id:
                del self._edits[event_id]
                return

    def refuse(self, event_id: str | None) -> None:
        """Note that the server refused an event."""
        event = self._edits.pop(event_id or "", None)
        if isinstance(event, ConversationItemCreate):
            self._unseen.discard(present(event.item.id, ""))

    @property
    def all_arrived(self) -> bool:
        """Whether the server has shown every item that was sent to it."""
        return not self._unseen

    def give_up(self) -> None:
        """Wait for no item that has not arrived by now."""
        self._unseen.clear()

    def unconfirmed(self) -> list[Edit]:
        """Return the edits of which it is not known whether the server has made them, in order."""
        return list(self._edits.values())

    def restore(self, event: ConversationItemCreate) -> ConversationItemCreate:
        """Remember an item that is here already, so that the server's copy does not replace it."""
        self._restored[present(event.item.id, "")] = None
        return replace(event, event_id=self._new_id("item_restore"))

    def is_copy(self, item_id: str) -> bool:
        """Say whether the server has an item from this side's history: in other words, only as text."""
        return item_id in self._restored

    def quiet_id(self, verb: str) -> str:
        """Return the id for an event whose failure is nobody's business: it only came too late."""
        event_id = self._new_id(verb)
        self._quiet[event_id] = None
        _forget_oldest(self._quiet)
        return event_id

    def truncate(self, cut: Cut) -> ConversationItemTruncate:
        """Return what tells the server where a message was cut."""
        return ConversationItemTruncate(
            event_id=self.quiet_id("truncate"),
            item_id=cut.item_id,
            content_index=cut.content_index,
            audio_end_ms=cut.heard_ms,
        )

    def is_quiet(self, event_id: str | None) -> bool:
        """Say whether an event's failure is nobody's business."""
        return event_id in self._quiet

    def _new_id(self, verb: str) -> str:
        self._count += 1
        return f"vivavoce_{verb}_{self._count}"


def _same(sent: Item, shown: Item) -> bool:
    if isinstance(sent, FunctionCallOutputItem) and isinstance(shown, FunctionCallOutputItem):
        return sent.call_id == shown.call_id
    return sent.id == shown.id


def _forget_oldest(events: dict[str, Edit] | dict[str, None]) -> None:
    if len(events) > REMEMBERED:
        del events[next(iter(events))]
