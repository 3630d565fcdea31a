from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation.client_history import ClientHistory
from vivavoce.conversation.client_notices import ItemAdded, ItemChanged
from vivavoce.conversation.client_restoring import ROOT, Restoring, creations, edits, restorable
from vivavoce.conversation.client_sent import Edit, SentEvents
from vivavoce.conversation.ids import CountingIds
from vivavoce.protocol import (
    ConversationItemCreate,
    ConversationItemDelete,
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputImage,
    InputText,
    Item,
    McpListToolsItem,
    MessageItem,
    OutputAudio,
    OutputText,
    present,
    to_builtins,
)
from vivavoce.protocol.codec import item_from

if TYPE_CHECKING:
    from tests.conversation.conftest import Desk


def said(item_id: str, text: str = "hello") -> MessageItem:
    return MessageItem(id=item_id, role="user", content=(InputText(text=text),))


class Server:
    """What a realtime server does with a client's edits."""

    def __init__(self, items: list[Item] | None = None) -> None:
        self.items = list(items or [])

    @property
    def ids(self) -> list[str]:
        return [present(item.id, "") for item in self.items]

    def take(self, event: ConversationItemCreate | ConversationItemDelete) -> None:
        if isinstance(event, ConversationItemDelete):
            del self.items[self.ids.index(event.item_id)]
            return
        item_id = present(event.item.id, "")
        assert item_id not in self.ids, "an item was created twice"
        previous = present(event.previous_item_id, None)
        if previous == ROOT:
            self.items.insert(0, event.item)
        elif previous is None:
            self.items.append(event.item)
        else:
            self.items.insert(self.ids.index(previous) + 1, event.item)


# --- what a server takes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "taken"),
    [
        (
            MessageItem(id="a", role="user", content=(InputAudio(transcript="hi"),), status="completed"),
            MessageItem(id="a", role="user", content=(InputText(text="hi"),)),
        ),
        (
            MessageItem(
                id="a", role="assistant", content=(OutputAudio(transcript="hi"), OutputText(text=""))
            ),
            MessageItem(id="a", role="assistant", content=(OutputText(text="hi"),)),
        ),
        (MessageItem(id="a", role="user", content=(InputAudio(transcript=None),)), None),
        (
            MessageItem(id="a", role="user", content=(InputImage(image_url="data:,"),)),
            MessageItem(id="a", role="user", content=(InputImage(image_url="data:,"),)),
        ),
        (
            FunctionCallItem(id="a", name="n", arguments="{}", status="completed"),
            FunctionCallItem(id="a", call_id="a", name="n", arguments="{}"),
        ),
        (FunctionCallItem(id="a", call_id="c", name="n", arguments="{", status="in_progress"), None),
        (
            FunctionCallOutputItem(id="a", call_id="c", output="x", status="completed"),
            FunctionCallOutputItem(id="a", call_id="c", output="x"),
        ),
        (McpListToolsItem(id="a", server_label="s", tools=()), None),
    ],
)
def test_what_a_server_takes_of_an_item(item: Item, taken: Item | None) -> None:
    assert restorable(item) == taken


def test_edits_that_were_not_confirmed_are_part_of_the_conversation() -> None:
    unconfirmed: list[Edit] = [
        ConversationItemDelete(event_id="1", item_id="b"),
        ConversationItemDelete(event_id="2", item_id="unknown"),
        ConversationItemCreate(event_id="3", item=said("first"), previous_item_id=ROOT),
        ConversationItemCreate(event_id="4", item=said("a2"), previous_item_id="a"),
        ConversationItemCreate(event_id="5", item=said("b", "new")),
        ConversationItemCreate(event_id="6", item=said("c", "refused: it is there"), previous_item_id=ROOT),
        ConversationItemCreate(event_id="7", item=said("lost"), previous_item_id="unknown"),
    ]
    events = creations([said("a"), said("b", "old"), said("c")], unconfirmed)
    assert [(event.item.id, present(event.event_id, None)) for event in events] == [
        ("first", "3"),
        ("a", None),
        ("a2", "4"),
        ("c", None),
        ("b", "5"),
        ("lost", "7"),
    ]
    assert {present(event.previous_item_id, None) for event in events} == {None}
    assert events[4].item == said("b", "new")


# --- editing ------------------------------------------------------------------------------------------------

TEXTS = st.sampled_from(["", "one", "two"])
CONTENTS = st.one_of(
    TEXTS.map(lambda text: (InputText(text=text),)),
    TEXTS.map(lambda text: (OutputAudio(transcript=text),)),
    TEXTS.map(lambda text: (OutputText(text=text), OutputAudio(transcript=text))),
)
ITEMS = st.one_of(
    st.builds(MessageItem, role=st.sampled_from(["user", "assistant"]), content=CONTENTS),
    st.builds(FunctionCallItem, call_id=st.just("c"), name=st.just("n"), arguments=TEXTS),
    st.builds(FunctionCallOutputItem, call_id=st.just("c"), output=TEXTS),
)


@st.composite
def conversations(draw: Any) -> list[Item]:
    from vivavoce.protocol import replace

    ids = draw(st.lists(st.sampled_from("abcdefgh"), unique=True))
    return [replace(draw(ITEMS), id=item_id) for item_id in ids]


@given(before=conversations(), after=conversations())
def test_edits_make_exactly_the_wanted_conversation(before: list[Item], after: list[Item]) -> None:
    server = Server(before)
    for event in edits(before, after):
        server.take(event)
    kept = {present(item.id, ""): item for item in before}
    wanted = [
        item if kept.get(present(item.id, "")) == item and item in server.items else restorable(item)
        for item in after
    ]
    assert server.items == [item for item in wanted if item is not None]


def test_what_has_not_changed_is_left_alone() -> None:
    before: list[Item] = [said(name) for name in "abcd"]
    assert edits(before, before) == []
    moved = [before[1], before[0], *before[2:]]
    assert len(edits(before, moved)) == 2


# --- a conversation from elsewhere --------------------------------------------------------------------------


def restoring(*items: Item) -> tuple[Restoring, ClientHistory, SentEvents]:
    history, sent = ClientHistory(), SentEvents(CountingIds())
    part = Restoring(history, sent)
    part.begin_with(items)
    return part, history, sent


def test_an_earlier_conversation_is_taken_over_with_names() -> None:
    part, history, _ = restoring()
    notices = part.begin_with(
        [MessageItem(role="user", content=(InputText(text="hi"),)), said("a"), said("a")]
    )
    added = [present(item.id, "") for item in history.items]
    assert notices == [ItemAdded(item_id) for item_id in added]
    assert (len(added), added[1]) == (2, "a")


def test_an_item_that_came_back_from_json_has_not_changed() -> None:
    spoken = MessageItem(id="a", role="assistant", content=(OutputAudio(transcript="hi"),))
    part, history, _ = restoring(spoken)
    stored = [item_from(json.loads(json.dumps(to_builtins(item)))) for item in history.items]
    assert part.edit(stored) == ([], [])


def test_what_a_server_cannot_have_is_edited_here_only() -> None:
    mumbled = MessageItem(id="m", role="user", content=(InputAudio(transcript=None),))
    part, history, _ = restoring(said("a"), mumbled, said("b"))
    events, notices = part.restore()
    assert ([event.item.id for event in events], notices) == (["a", "b"], [])
    more = said("c")
    events_, notices = part.edit([said("a"), mumbled, more, said("b")])
    assert events_ == [ConversationItemCreate(previous_item_id="a", item=more)]
    assert notices == []
    events_, notices = part.edit([said("a"), said("m", "what?"), said("b")])
    assert events_ == [ConversationItemCreate(previous_item_id="a", item=said("m", "what?"))]
    assert notices == [ItemChanged("m")]
    assert [item.id for item in history.items] == ["a", "b"]


def test_what_a_lost_response_began_goes_unless_there_is_a_word_in_it() -> None:
    begun: list[Item] = [
        MessageItem(id="empty", role="assistant", content=(OutputAudio(transcript=""),)),
        MessageItem(id="words", role="assistant", content=(OutputAudio(transcript="Well"),)),
        FunctionCallItem(id="call", call_id="c", name="n", arguments="{", status="in_progress"),
        FunctionCallItem(id="called", call_id="d", name="n", arguments="{}", status="completed"),
    ]
    part, history, _ = restoring(*begun)
    notices = part.drop_unfinished(["empty", "words", "call", "called", "unknown"])
    assert notices == [ItemChanged("empty"), ItemChanged("call")]
    assert [item.id for item in history.items] == ["words", "called"]


class Wire:
    """A client, its server, what is on the way, and what the user has done so far."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.server = Server()
        self.way: list[Any] = []
        self.written = 0
        self.wanted: set[str] = set()

    def collect(self) -> None:
        self.way += self.desk.client.events_to_send()

    def write(self, *, first: bool) -> None:
        self.written += 1
        item = said(f"i{self.written}")
        event = ConversationItemCreate(item=item)
        if first:
            event = ConversationItemCreate(item=item, previous_item_id=ROOT)
        self.desk.client.send(event, self.desk.now)
        self.wanted.add(f"i{self.written}")
        self.collect()

    def delete(self, place: int) -> None:
        there = [item_id for item in self.desk.client.history.items if (item_id := item.id) in self.wanted]
        if there:
            item_id = str(there[place % len(there)])
            self.desk.client.send(ConversationItemDelete(item_id=item_id), self.desk.now)
            self.wanted.discard(item_id)
            self.collect()

    def serve(self) -> None:
        """Let the server take one event, and the client hear of it."""
        if not self.way:
            return
        event = self.way.pop(0)
        self.server.take(event)
        if isinstance(event, ConversationItemDelete):
            self.desk.hear("conversation.item.deleted", item_id=event.item_id)
        else:
            place = self.server.ids.index(str(event.item.id))
            previous = self.server.ids[place - 1] if place else None
            item = to_builtins(event.item)
            self.desk.hear("conversation.item.added", item=item, previous_item_id=previous)
        self.collect()

    def lose(self) -> None:
        """Break the connection, and have another one that begins with the whole conversation."""
        self.server = Server()
        self.desk.client.lose_connection(self.desk.now)
        self.way = list(self.desk.client.restore())
        self.desk.client.connected(self.desk.now)
        self.collect()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.booleans()),
        st.tuples(st.just("delete"), st.integers(0, 7)),
        st.tuples(st.just("serve"), st.none()),
        st.tuples(st.just("lose"), st.none()),
    ),
    max_size=40,
)


@given(steps=STEPS)
def test_whatever_happens_no_item_is_lost_or_there_twice(steps: list[tuple[str, Any]]) -> None:
    from tests.conversation.conftest import Desk

    wire = Wire(Desk())
    for step, value in steps:
        match step:
            case "write":
                wire.write(first=value)
            case "delete":
                wire.delete(value)
            case "serve":
                wire.serve()
            case "lose":
                wire.lose()
    while wire.way:
        wire.serve()
    assert set(wire.server.ids) == wire.wanted
    assert [item.id for item in wire.desk.client.history.items] == wire.server.ids
    assert [event.item.id for event in wire.desk.client.restore()] == wire.server.ids
