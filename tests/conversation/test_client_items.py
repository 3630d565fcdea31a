from __future__ import annotations

import json
from typing import Any

import pytest

from vivavoce.conversation.client_history import ClientHistory
from vivavoce.conversation.client_items import ClientItems
from vivavoce.conversation.client_notices import ItemAdded, ItemChanged
from vivavoce.conversation.client_sent import SentEvents
from vivavoce.conversation.ids import CountingIds
from vivavoce.protocol import ConversationItemCreate, InputText, MessageItem
from vivavoce.protocol.codec import item_from, server_event_from, to_builtins

HELLO: dict[str, Any] = {
    "type": "message",
    "id": "a",
    "role": "user",
    "content": [{"type": "input_text", "text": "hello"}],
}


class Mirror:
    def __init__(self) -> None:
        self.history = ClientHistory()
        self.sent = SentEvents(CountingIds())
        self.items = ClientItems(self.history, self.sent)

    def hear(self, kind: str, **fields: Any) -> list[Any]:
        event: Any = server_event_from({"type": f"conversation.item.{kind}", "event_id": "e", **fields})
        return self.items.hear(event)

    @property
    def json(self) -> list[Any]:
        return [json.loads(json.dumps(to_builtins(item))) for item in self.history.items]


@pytest.fixture
def mirror() -> Mirror:
    return Mirror()


@pytest.mark.parametrize("kind", ["added", "created"])
def test_an_item_is_new_once(mirror: Mirror, kind: str) -> None:
    assert mirror.hear(kind, item=HELLO) == [ItemAdded("a"), ItemChanged("a")]
    assert mirror.hear(kind, item=HELLO) == [ItemChanged("a")]
    assert mirror.json == [HELLO]


def test_an_item_that_is_done_tells_what_changed(mirror: Mirror) -> None:
    assert mirror.hear("done", item=HELLO) == []
    mirror.hear("added", item=HELLO)
    assert mirror.hear("done", item=HELLO) == []
    assert mirror.hear("done", item=HELLO | {"status": "completed"}) == [ItemChanged("a")]


def test_an_item_goes_once(mirror: Mirror) -> None:
    mirror.hear("added", item=HELLO)
    assert mirror.hear("deleted", item_id="a") == [ItemChanged("a")]
    assert mirror.hear("deleted", item_id="a") == []


def test_the_users_words_make_room_for_their_item(mirror: Mirror) -> None:
    new = [ItemAdded("u"), ItemChanged("u")]
    assert mirror.hear("input_audio_transcription.delta", item_id="u", delta="he") == new
    assert mirror.hear("input_audio_transcription.delta", item_id="u", delta=None) == new[1:]
    done = {
        "item_id": "u",
        "content_index": 0,
        "transcript": "hey",
        "usage": {"type": "duration", "seconds": 1},
    }
    assert mirror.hear("input_audio_transcription.completed", **done) == new[1:]
    assert mirror.json[0]["content"] == [{"type": "input_audio", "transcript": "hey"}]


def test_a_copy_of_what_is_here_changes_nothing(mirror: Mirror) -> None:
    spoken = item_from(HELLO | {"content": [{"type": "input_audio", "transcript": "hello"}]})
    mirror.history.add(spoken)
    mirror.sent.restore(ConversationItemCreate(item=MessageItem(id="a", role="user", content=())))
    for kind in ("added", "done", "retrieved"):
        assert mirror.hear(kind, item=HELLO) == []
    assert mirror.json == [to_builtins(spoken)]


def test_what_the_server_shows_is_confirmed(mirror: Mirror) -> None:
    event = mirror.sent.create(
        ConversationItemCreate(item=MessageItem(id="a", role="user", content=(InputText(text="hello"),)))
    )
    assert mirror.sent.unconfirmed() == [event]
    mirror.hear("added", item=HELLO)
    assert mirror.sent.unconfirmed() == []
