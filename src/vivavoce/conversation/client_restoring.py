"""How a conversation is given to a server anew, and how one on a server is edited: both are items to create.

A server takes items from a client, but no speech of the agent: what was said comes back as its words. What
cannot come back at all stays in the history here and is absent from the server.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vivavoce.conversation.client_history import ClientHistory, text_of, without_audio
from vivavoce.conversation.client_notices import ItemAdded, ItemChanged, Notice
from vivavoce.conversation.client_sent import Edit, SentEvents
from vivavoce.protocol import (
    UNSET,
    ContentPart,
    ConversationItemCreate,
    ConversationItemDelete,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputText,
    Item,
    MessageItem,
    OutputAudio,
    OutputText,
    present,
    replace,
)

ROOT = "root"
"""The `previous_item_id` of an item that comes before all others."""


def restorable(item: Item) -> Item | None:
    """Return an item in the form in which a server takes it from a client; ``None`` where there is none.

    Speech becomes text. A message of which nothing was understood or heard is left out, and so is what only
    a server can make (calls of its MCP tools).
    """
    if isinstance(item, FunctionCallItem) and item.status != "in_progress":
        return FunctionCallItem(
            id=item.id, call_id=present(item.call_id, present(item.id, "")), name=item.name,
            arguments=item.arguments,
        )  # fmt: skip
    if isinstance(item, FunctionCallOutputItem):
        return FunctionCallOutputItem(id=item.id, call_id=item.call_id, output=item.output)
    if not isinstance(item, MessageItem):
        return None
    content = tuple(written for part in item.content if (written := _written(part)) is not None)
    return MessageItem(id=item.id, role=item.role, content=content) if content else None


def _written(part: ContentPart) -> ContentPart | None:
    if isinstance(part, InputAudio | OutputAudio):
        words = present(part.transcript, None)
        kind = InputText if isinstance(part, InputAudio) else OutputText
        return kind(text=words) if words else None
    if isinstance(part, InputText | OutputText) and not part.text:
        return None
    return part


def creations(items: Iterable[Item], unconfirmed: Iterable[Edit] = ()) -> list[ConversationItemCreate]:
    """Return what gives a server that knows nothing a conversation, in its order.

    Args:
        items: the conversation as it was confirmed.
        unconfirmed: what else was to be done with it, in order; creations keep their event ids.
    """
    entries: dict[str, Item | ConversationItemCreate] = {present(item.id, ""): item for item in items}
    order = list(entries)
    for edit in unconfirmed:
        if isinstance(edit, ConversationItemDelete):
            if entries.pop(edit.item_id, None) is not None:
                order.remove(edit.item_id)
            continue
        item_id = present(edit.item.id, "")
        if item_id not in entries:
            entries[item_id] = replace(edit, previous_item_id=UNSET)
            order.insert(_place(order, present(edit.previous_item_id, None)), item_id)
    events: list[ConversationItemCreate] = []
    for entry in (entries[item_id] for item_id in order):
        if isinstance(entry, ConversationItemCreate):
            events.append(entry)
        elif (item := restorable(entry)) is not None:
            events.append(ConversationItemCreate(item=item))
    return events


def _place(order: Sequence[str], previous_item_id: str | None) -> int:
    if previous_item_id == ROOT:
        return 0
    return order.index(previous_item_id) + 1 if previous_item_id in order else len(order)


def edits(before: Sequence[Item], after: Sequence[Item]) -> list[Edit]:
    """Return what makes a server's conversation the one that is wanted: deletions, then creations in order.

    An item that has changed, or stands elsewhere among those that stay, is deleted and created anew.

    Args:
        before: the conversation as it is.
        after: as it shall be; every item has an id.
    """
    old = {present(item.id, ""): item for item in before}
    wanted = {present(item.id, ""): item for item in after}
    kept = _kept_in_order([item_id for item_id in old if wanted.get(item_id) == old[item_id]], list(wanted))
    deleted = [ConversationItemDelete(item_id=item_id) for item_id in old if item_id not in kept]
    created: list[ConversationItemCreate] = []
    previous = ROOT
    for item_id, item in wanted.items():
        if item_id not in kept:
            new = restorable(item)
            if new is None:
                continue
            created.append(ConversationItemCreate(previous_item_id=previous, item=new))
        previous = item_id
    return [*deleted, *created]


def _kept_in_order(candidates: Sequence[str], order: Sequence[str]) -> set[str]:
    """Return those candidates that can stay where they are because their order does not change."""
    place = {item_id: index for index, item_id in enumerate(order)}
    kept: set[str] = set()
    last = -1
    for item_id in candidates:
        if place[item_id] > last:
            last = place[item_id]
            kept.add(item_id)
    return kept


class Restoring:
    """Conversations that come from elsewhere, and go to another server.

    Args:
        history: the conversation here.
        sent: what the server has not answered yet.
    """

    def __init__(self, history: ClientHistory, sent: SentEvents) -> None:
        self._history = history
        self._sent = sent
        self._absent: set[str] = set()

    def begin_with(self, items: Sequence[Item]) -> list[Notice]:
        """Take over an earlier conversation, before anything was said in this one."""
        named = [self._sent.name(item) for item in items]
        return [ItemAdded(present(item.id, "")) for item in named if self._history.add(item)]

    def note(self, event: Edit) -> Edit:
        """Remember an edit that is about to be sent; returns it with ids of its own."""
        if isinstance(event, ConversationItemDelete):
            return self._sent.delete(event)
        event = self._sent.create(event)
        if event.previous_item_id == ROOT:
            self._history.expect_first(present(event.item.id, ""))
        return event

    def edit(self, items: Sequence[Item]) -> tuple[list[Edit], list[Notice]]:
        """Return what makes the conversation this one, and what changes here at once.

        What the server does not have is changed here only; the rest follows the server's answers.
        """
        named = [self._sent.name(without_audio(item)) for item in items]
        wanted = {present(item.id, ""): item for item in named}
        gone = [item_id for item_id in self._absent if wanted.get(item_id) != self._history.get(item_id)]
        notices = self._remove(gone)
        self._absent.difference_update(gone)
        there = [item for item in self._history.items if present(item.id, "") not in self._absent]
        return edits(
            there, [item for item_id, item in wanted.items() if item_id not in self._absent]
        ), notices

    def drop(self, item_id: str | None) -> list[Notice]:
        """Take out an item that is lost; ``None`` is none."""
        return self._remove([item_id] if item_id is not None else [])

    def drop_unfinished(self, item_ids: Iterable[str]) -> list[Notice]:
        """Take out what a response had begun when it was lost, if there is no word in it yet."""
        return self._remove([item_id for item_id in item_ids if _is_empty(self._history.get(item_id))])

    def restore(self) -> tuple[list[ConversationItemCreate], list[Notice]]:
        """Return the whole conversation, for a server that knows nothing of it, and what changes here."""
        unconfirmed = self._sent.unconfirmed()
        deleted = [edit.item_id for edit in unconfirmed if isinstance(edit, ConversationItemDelete)]
        events = creations(self._history.items, unconfirmed)
        notices = self._remove(deleted)
        for item_id in deleted:
            self._sent.confirm_deleted(item_id)
        creates = [
            self._sent.restore(event) if present(event.item.id, "") in self._history else event
            for event in events
        ]
        if events and (first := present(events[0].item.id, "")) not in self._history:
            self._history.expect_first(first)
        restored = {present(event.item.id, "") for event in events}
        self._absent = {present(item.id, "") for item in self._history.items} - restored
        return creates, notices

    def _remove(self, item_ids: Iterable[str]) -> list[Notice]:
        return [ItemChanged(item_id) for item_id in item_ids if self._history.remove(item_id)]


def _is_empty(item: Item | None) -> bool:
    if isinstance(item, FunctionCallItem):
        return item.status == "in_progress"
    return isinstance(item, MessageItem) and not any(map(text_of, item.content))
