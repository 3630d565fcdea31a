from __future__ import annotations

from typing import Any

import pytest

from vivavoce.conversation.client_sent import REMEMBERED, SentEvents
from vivavoce.conversation.ids import CountingIds
from vivavoce.protocol import (
    ClientEvent,
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemTruncate,
    FunctionCallOutputItem,
    InputAudioBufferCommit,
    InputText,
    Item,
    MessageItem,
    ResponseCancel,
    ResponseCreate,
    SessionUpdate,
    present,
)


@pytest.fixture
def sent() -> SentEvents:
    return SentEvents(CountingIds())


def message(**fields: Any) -> MessageItem:
    return MessageItem(role="user", content=(InputText(text="hi"),), **fields)


def create(item: Item | None = None, **fields: Any) -> ConversationItemCreate:
    return ConversationItemCreate(item=item if item is not None else message(), **fields)


def test_items_and_events_get_names_and_keep_their_own(sent: SentEvents) -> None:
    event = sent.create(create())
    assert present(event.item.id, None)
    assert event.event_id == "vivavoce_item_create_1"
    own = create(message(id="mine"), event_id="e")
    assert sent.create(own) == own
    assert sent.delete(ConversationItemDelete(item_id="x")).event_id == "vivavoce_item_delete_2"
    gone = ConversationItemDelete(event_id="d", item_id="x")
    assert sent.delete(gone) == gone


def test_what_is_confirmed_is_done(sent: SentEvents) -> None:
    first, second = sent.create(create()), sent.create(create())
    gone = sent.delete(ConversationItemDelete(item_id="x"))
    assert sent.unconfirmed() == [first, second, gone]
    sent.confirm(first.item)
    sent.confirm_deleted("x")
    assert sent.unconfirmed() == [second]
    sent.confirm(message(id="somebody else's"))
    sent.confirm_deleted("y")
    assert sent.unconfirmed() == [second]


def test_an_output_is_known_by_its_call(sent: SentEvents) -> None:
    sent.create(create(FunctionCallOutputItem(id="here", call_id="c", output="x")))
    sent.confirm(FunctionCallOutputItem(id="there", call_id="c", output="x"))
    assert sent.unconfirmed() == []


def test_what_is_refused_is_not_tried_again(sent: SentEvents) -> None:
    first = sent.create(create())
    gone = sent.delete(ConversationItemDelete(item_id="x"))
    for event_id in (None, "unknown", str(first.event_id), str(gone.event_id)):
        sent.refuse(event_id)
    assert sent.unconfirmed() == []
    assert sent.all_arrived


def test_messages_are_on_their_way_until_they_are_shown_or_given_up(sent: SentEvents) -> None:
    assert sent.all_arrived
    sent.create(create(FunctionCallOutputItem(call_id="c", output="x")))
    event = sent.create(create())
    seen = [sent.all_arrived]
    sent.confirm(event.item)
    seen.append(sent.all_arrived)
    sent.create(create())
    sent.give_up()
    assert [*seen, sent.all_arrived] == [False, True, True]


def test_what_is_remembered_is_bounded(sent: SentEvents) -> None:
    events = [sent.create(create()) for _ in range(REMEMBERED + 1)]
    assert sent.unconfirmed() == events[1:]
    first, *others = [sent.quiet_id("cancel") for _ in range(REMEMBERED + 1)]
    assert not sent.is_quiet(first)
    assert all(map(sent.is_quiet, others))


@pytest.mark.parametrize(
    ("event", "worth"),
    [
        (create(), False),
        (ConversationItemDelete(item_id="x"), False),
        (ConversationItemTruncate(item_id="x", content_index=0, audio_end_ms=1), False),
        (ResponseCreate(), False),
        (ResponseCancel(), False),
        (InputAudioBufferCommit(), True),
        (SessionUpdate(event_id="u", session={"type": "realtime"}), True),  # type: ignore[arg-type]  # not looked at
    ],
)
def test_what_is_made_anew_is_not_kept(sent: SentEvents, event: ClientEvent, worth: bool) -> None:
    assert sent.is_worth_keeping(event) is worth


def test_what_nobody_waits_for_is_not_kept(sent: SentEvents) -> None:
    assert not sent.is_worth_keeping(InputAudioBufferCommit(event_id=sent.quiet_id("commit")))


def test_copies_are_known_until_they_are_gone(sent: SentEvents) -> None:
    event = sent.restore(create(message(id="a")))
    assert event.event_id == "vivavoce_item_restore_1"
    assert sent.is_copy("a")
    sent.confirm_deleted("a")
    assert not sent.is_copy("a")
