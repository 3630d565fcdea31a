from __future__ import annotations

import json
from typing import Any

from vivavoce.connections.upstream_items import UpstreamItems
from vivavoce.protocol.codec import relayed


def note(items: UpstreamItems, kind: str, **fields: Any) -> None:
    items.note(relayed(json.dumps({"type": kind, "event_id": "e", **fields})))


def add(items: UpstreamItems, name: str, after: str | None = None, *, final: bool = True) -> None:
    item = {"id": name, "type": "message", "role": "user", "content": []}
    note(items, "conversation.item.added", item=item, previous_item_id=after)
    if final:
        note(items, "conversation.item.done", item=item)


def test_the_oldest_is_too_many_and_is_named_once() -> None:
    items = UpstreamItems(2)
    add(items, "a")
    add(items, "b", "a")
    assert items.surplus() == []
    add(items, "c", "b")
    assert items.surplus() == ["a"]
    assert items.surplus() == []


def test_oldest_is_what_stands_first() -> None:
    items = UpstreamItems(2)
    add(items, "a")
    add(items, "b", "a")
    add(items, "between", "a")
    assert items.surplus() == ["a"]
    add(items, "c", "b")
    assert items.surplus() == ["between"]


def test_what_is_still_being_made_stays() -> None:
    items = UpstreamItems(1)
    add(items, "a", final=False)
    add(items, "b", "a")
    assert items.surplus() == []
    note(
        items,
        "conversation.item.done",
        item={"id": "a", "type": "message", "role": "user", "content": []},
    )
    assert items.surplus() == ["a"]


def test_what_was_deleted_or_said_twice_does_not_count() -> None:
    items = UpstreamItems(1)
    add(items, "a")
    add(items, "a")
    note(items, "conversation.item.deleted", item_id="a")
    note(items, "conversation.item.deleted", item_id="a")
    add(items, "b")
    assert items.surplus() == []
    add(items, "c", "unknown")
    assert items.surplus() == ["b"]


def test_other_events_and_items_without_a_name_mean_nothing() -> None:
    items = UpstreamItems(0)
    note(items, "input_audio_buffer.cleared")
    note(items, "conversation.item.added", item={"type": "message", "role": "user", "content": []})
    assert items.surplus() == []
