"""What the server says of the conversation's items, and what the user was heard to say."""

from __future__ import annotations

from typing import ClassVar, TypeAlias, get_args

from vivavoce.conversation.client_history import ClientHistory
from vivavoce.conversation.client_notices import ItemAdded, ItemChanged, Notice
from vivavoce.conversation.client_sent import SentEvents
from vivavoce.protocol import (
    ConversationItemAdded,
    ConversationItemCreated,
    ConversationItemDeleted,
    ConversationItemDone,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemRetrieved,
    InputAudio,
    Item,
    MessageItem,
    present,
)

ItemEvent: TypeAlias = (
    ConversationItemAdded
    | ConversationItemCreated
    | ConversationItemDeleted
    | ConversationItemDone
    | ConversationItemInputAudioTranscriptionCompleted
    | ConversationItemInputAudioTranscriptionDelta
    | ConversationItemRetrieved
)


class ClientItems:
    """Keeps a history in step with the server's.

    Args:
        history: is kept.
        sent: knows which items came from this side.
    """

    EVENTS: ClassVar[tuple[type, ...]] = get_args(ItemEvent)
    """Types of the events that `hear` takes."""

    def __init__(self, history: ClientHistory, sent: SentEvents) -> None:
        self._history = history
        self._sent = sent

    def hear(self, event: ItemEvent) -> list[Notice]:
        """Take in an event; returns what the driver should know."""
        match event:
            case ConversationItemAdded() | ConversationItemCreated():
                return self._added(event)
            case ConversationItemDone(item=item):
                return self.merge(item)
            case ConversationItemRetrieved(item=item):
                return self.merge(item, exact=True)
            case ConversationItemDeleted(item_id=item_id):
                self._sent.confirm_deleted(item_id)
                return [ItemChanged(item_id)] if self._history.remove(item_id) else []
            case ConversationItemInputAudioTranscriptionDelta():
                new = self._expect_user_item(event.item_id)
                index, delta = present(event.content_index, 0), present(event.delta, "") or ""
                self._history.append(event.item_id, index, "input_audio", delta)
                return [*new, ItemChanged(event.item_id)]
            case _:
                new = self._expect_user_item(event.item_id)
                self._history.set_text(event.item_id, event.content_index, "input_audio", event.transcript)
                return [*new, ItemChanged(event.item_id)]

    def _added(self, event: ConversationItemAdded | ConversationItemCreated) -> list[Notice]:
        item_id = present(event.item.id, "")
        self._sent.confirm(event.item)
        if self._sent.is_copy(item_id):
            return []
        new = self._history.add(event.item, present(event.previous_item_id, None))
        return [*([ItemAdded(item_id)] if new else []), ItemChanged(item_id)]

    def merge(self, item: Item, *, exact: bool = False) -> list[Notice]:
        """Take over what the server says of an item; `exact` as for `ClientHistory.merge`."""
        item_id = present(item.id, "")
        if self._sent.is_copy(item_id) or not self._history.merge(item, exact=exact):
            return []
        return [ItemChanged(item_id)]

    def _expect_user_item(self, item_id: str) -> list[Notice]:
        """Make room for an utterance that is transcribed before it is an item."""
        if item_id in self._history:
            return []
        item = MessageItem(id=item_id, status="in_progress", role="user", content=(InputAudio(),))
        self._history.add(item)
        return [ItemAdded(item_id)]
