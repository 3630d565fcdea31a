"""How a conversation is given to a server anew, and how one on a server is edited: both are items to create.

A server takes items from a client, but no speech of the agent: what was said comes back as its words.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vivavoce.protocol import (
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
)

ROOT = "root"
"""The `previous_item_id` of an item that comes before all others."""


def restorable(item: Item) -> Item | None:
    """Return an item in the form in which a server takes it from a client; ``None`` where there is none.

    Speech becomes text. A message of which nothing was understood or heard is left out, and so is what only
    a server can make (calls of its MCP tools).
    """
    if isinstance(item, FunctionCallItem):
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


def creations(items: Iterable[Item]) -> list[ConversationItemCreate]:
    """Return what puts items, in their order, at the end of a server's conversation."""
    restored = (restorable(item) for item in items)
    return [ConversationItemCreate(item=item) for item in restored if item is not None]


def edits(
    before: Sequence[Item], after: Sequence[Item]
) -> list[ConversationItemDelete | ConversationItemCreate]:
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
