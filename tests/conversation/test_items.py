"""The order of items, what they hold, and how much of their audio is kept."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation import items as item_module
from vivavoce.conversation.heard import SpokenText
from vivavoce.conversation.items import AudioShelf, Items, Record
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputImage,
    InputText,
    Item,
    McpApprovalResponseItem,
    MessageItem,
    OutputAudio,
    OutputText,
    PcmFormat,
)


def message(item_id: str) -> Record:
    return Record(MessageItem(id=item_id, role="user", content=[InputText(text="Hi"), InputAudio()]))


def answer(audio_ms: int = 1000, *, words: bool = True) -> Record:
    record = Record(
        MessageItem(id="a", role="assistant", content=[OutputAudio(transcript="One two")]),
        audio_ms=audio_ms,
        fmt=PcmFormat(),
    )
    if words:
        record.spoken = SpokenText()
        record.spoken.add_word("One ", 400)
        record.spoken.add_word("two", 1000)
    return record


def order(items: Items) -> list[str]:
    return [str(record.item.id) for record in items]


def test_items_go_to_the_end_the_beginning_or_after_another() -> None:
    items = Items(1000)
    assert items.append("a", message("a")) is None
    assert items.append("b", message("b")) == "a"
    assert items.insert("c", message("c"), "root") is None
    assert items.insert("d", message("d"), "a") == "a"
    assert items.insert("e", message("e"), "b") == "b"
    assert order(items) == ["c", "a", "d", "b", "e"]
    assert (items.oldest_id, items.last_id, len(items)) == ("c", "e", 5)
    items.delete("a")
    assert order(items) == ["c", "d", "b", "e"]
    assert "a" not in items
    assert items.get("a") is None


def test_an_unknown_place_is_refused() -> None:
    with pytest.raises(RemoteProtocolError, match="Item with item_id not found: x") as refusal:
        Items(1000).insert("a", message("a"), "x")
    assert (refusal.value.code, refusal.value.param) == ("invalid_value", "previous_item_id")


def test_an_item_is_shown_with_the_audio_that_is_held() -> None:
    items = Items(1000)
    items.append("a", message("a"))
    assert items.retrieve("a") == message("a").item
    items.audio.add("a", b"1234")
    item = items.retrieve("a")
    assert isinstance(item, MessageItem)
    assert item.content == [InputText(text="Hi"), InputAudio(audio=b"1234")]
    assert items.retrieve("x") is None


def test_an_item_that_is_no_message_is_shown_as_it_is() -> None:
    items = Items(1000)
    output = FunctionCallOutputItem(id="f", call_id="c", output="1")
    items.append("f", Record(output))
    items.audio.add("f", b"1234")
    assert items.retrieve("f") == output


@pytest.mark.parametrize(
    ("ms", "transcript"), [(0, ""), (399, ""), (400, "One"), (999, "One"), (1000, "One two")]
)
def test_truncating_keeps_the_words_that_were_heard(ms: int, transcript: str) -> None:
    items = Items(100_000)
    record = answer()
    items.append("a", record)
    items.audio.add("a", bytes(48_000))
    items.truncate("a", ms)
    assert isinstance(record.item, MessageItem)
    assert record.item.content == [OutputAudio(transcript=transcript)]
    assert (record.audio_ms, record.heard_ms) == (ms, ms)
    assert len(items.audio.get("a") or b"") == ms * 48


def test_truncating_twice_goes_only_down() -> None:
    items = Items(1000)
    items.append("a", answer())
    items.truncate("a", 500)
    items.truncate("a", 100)
    with pytest.raises(RemoteProtocolError, match="Audio content of 100ms is already shorter than 101ms"):
        items.truncate("a", 101)


def test_an_answer_without_known_words_keeps_its_transcript() -> None:
    items = Items(1000)
    items.append("a", answer(words=False))
    items.truncate("a", 10)
    assert items.retrieve("a") == answer().item


def seeded() -> Iterator[tuple[Record, str, str]]:
    text = MessageItem(id="a", role="assistant", content=[OutputText(text="Hi")])
    audio = MessageItem(id="a", role="assistant", content=[OutputAudio(transcript="Hi")])
    yield message("a"), "unsupported_content_type", "Only model output audio messages can be truncated"
    yield Record(text), "unsupported_content_type", "Only model output audio messages can be truncated"
    yield Record(audio), "unsupported_content_type", "Only model output audio messages can be truncated"
    yield (
        Record(FunctionCallOutputItem(id="a", call_id="c", output="")),
        "unsupported_content_type",
        "Only model output audio messages can be truncated",
    )
    yield answer(9250), "invalid_value", "Audio content of 9250ms is already shorter than 57340ms"


@pytest.mark.parametrize(("record", "code", "text"), list(seeded()))
def test_what_cannot_be_truncated(record: Record, code: str, text: str) -> None:
    items = Items(1000)
    items.append("a", record)
    before = record.item
    with pytest.raises(RemoteProtocolError) as refusal:
        items.truncate("a", 57340)
    assert (refusal.value.code, refusal.value.message) == (code, text)
    assert record.item == before


def test_an_unknown_item_cannot_be_truncated() -> None:
    with pytest.raises(RemoteProtocolError, match="Item with item_id not found: x") as refusal:
        Items(1000).truncate("x", 0)
    assert refusal.value.code == "item_truncate_invalid_item_id"


SHELVES: list[tuple[str, list[tuple[str, int]], dict[str, int]]] = [
    ("within the limit all stay", [("a", 3), ("b", 3), ("c", 4)], {"a": 3, "b": 3, "c": 4}),
    ("the oldest goes first", [("a", 4), ("b", 4), ("c", 4)], {"b": 4, "c": 4}),
    ("only as many go as must", [("a", 4), ("b", 1), ("c", 4), ("d", 4)], {"b": 1, "c": 4, "d": 4}),
    ("the last two stay beyond the limit", [("a", 4), ("b", 20), ("c", 40)], {"b": 20, "c": 40}),
    ("one alone, too", [("a", 100)], {"a": 100}),
    ("the first audio counts, not the last", [("a", 4), ("b", 4), ("a", 1), ("c", 4)], {"b": 4, "c": 4}),
    ("an item that grows may be the one to go", [("a", 1), ("b", 1), ("c", 1), ("a", 8)], {"b": 1, "c": 1}),
    ("too much for one item", [("a", 100), ("a", 1)], {}),
    ("what is too much takes nothing with it", [("a", 4), ("b", 4), ("c", 101)], {"a": 4, "b": 4}),
    ("nor when it is the oldest", [("a", 4), ("b", 3), ("c", 3), ("a", 97)], {"b": 3, "c": 3}),
    ("its beginning stays gone", [("a", 101), ("b", 1), ("a", 1)], {"b": 1}),
]


@pytest.fixture
def shelf_of(monkeypatch: pytest.MonkeyPatch) -> type[AudioShelf]:
    """Shelves on which an item may take a hundred bytes."""
    monkeypatch.setattr(AudioShelf, "LAST_BYTES", 100)
    return AudioShelf


@pytest.mark.parametrize(("adds", "held"), [row[1:] for row in SHELVES], ids=[row[0] for row in SHELVES])
def test_the_last_audio_is_kept_whole_and_the_oldest_goes_first(
    shelf_of: type[AudioShelf], adds: list[tuple[str, int]], held: dict[str, int]
) -> None:
    shelf = shelf_of(10)
    for item_id, size in adds:
        shelf.add(item_id, item_id.encode() * size)
    kept = {item_id: shelf.get(item_id) for item_id in "abcd"}
    assert kept == {
        item_id: item_id.encode() * held[item_id] if item_id in held else None for item_id in "abcd"
    }


def test_a_limit_beyond_what_one_item_may_take_is_the_bound_of_each(shelf_of: type[AudioShelf]) -> None:
    shelf = shelf_of(200)
    shelf.add("a", bytes(200))
    shelf.add("b", bytes(200))
    assert (shelf.get("a"), shelf.get("b")) == (bytes(200), bytes(200))
    shelf.add("b", b"!")
    assert (shelf.get("a"), shelf.get("b")) == (bytes(200), None)


def test_no_audio_is_kept_where_none_is_wanted() -> None:
    shelf = AudioShelf(0)
    shelf.add("a", b"1234")
    assert shelf.get("a") is None


def test_a_turn_of_a_minute_is_kept_whatever_the_limit() -> None:
    shelf = AudioShelf(1)
    minute = bytes(60_000 * PcmFormat().bytes_per_ms)
    shelf.add("asked", minute)
    shelf.add("answered", minute)
    assert (shelf.get("asked"), shelf.get("answered")) == (minute, minute)


def test_audio_whose_beginning_is_gone_is_not_kept() -> None:
    shelf = AudioShelf(10)
    for item_id in "abc":
        shelf.add(item_id, b"1234")
    shelf.add("a", b"5")
    assert shelf.get("a") is None
    shelf.drop("a")
    shelf.add("a", b"new")
    assert shelf.get("a") == b"new"


def test_audio_is_cut_and_dropped() -> None:
    shelf = AudioShelf(10)
    shelf.cut("a", 1)
    shelf.add("a", b"12345678")
    shelf.cut("a", 9)
    shelf.cut("a", 3)
    assert shelf.get("a") == b"123"
    shelf.add("b", b"1234567")
    assert shelf.get("a") == b"123"
    shelf.drop("a")
    shelf.drop("a")
    assert shelf.get("a") is None


@given(
    st.integers(1, 30),
    st.integers(0, 30),
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from(["add", "cut", "drop"]), st.integers(0, 12)),
        max_size=40,
    ),
)
def test_the_bound_holds_and_what_is_kept_begins_at_the_beginning(
    limit: int, last_bytes: int, steps: list[tuple[str, str, int]]
) -> None:
    shelf, whole = AudioShelf(limit), dict.fromkeys("abcd", b"")
    shelf.LAST_BYTES = last_bytes
    each = max(limit, last_bytes)
    for count, (item_id, step, size) in enumerate(steps):
        if step == "add":
            audio = bytes([count % 256]) * size
            whole[item_id] += audio
            shelf.add(item_id, audio)
        elif step == "cut" and shelf.get(item_id) is not None:
            shelf.cut(item_id, size)
            whole[item_id] = whole[item_id][:size]
        elif step == "drop":
            shelf.drop(item_id)
            whole[item_id] = b""
        held = {key: kept for key in whole if (kept := shelf.get(key)) is not None}
        assert all(kept == whole[key] and len(kept) <= each for key, kept in held.items())
        total = sum(map(len, held.values()))
        assert total <= limit or (
            len(held) <= AudioShelf.LAST_ITEMS and total <= AudioShelf.LAST_ITEMS * each
        )


SIZES: list[tuple[Item, int]] = [
    (MessageItem(role="user", content=[InputText(text="12345"), InputImage(image_url="data:,aa")]), 13),
    (MessageItem(role="assistant", content=[OutputText(text="123"), OutputAudio(transcript="12")]), 5),
    (MessageItem(role="user", content=[InputAudio(audio=b"1234")]), 0),
    (FunctionCallItem(name="look", arguments='{"a":1}'), 7),
    (FunctionCallOutputItem(call_id="c", output="12"), 2),
    (McpApprovalResponseItem(approval_request_id="r", approve=True), 0),
]


@pytest.mark.parametrize(("item", "size"), SIZES)
def test_what_an_item_holds_is_counted(item: Item, size: int) -> None:
    items = Items(1000)
    items.append("a", Record(item))
    items.insert("b", Record(item), "root")
    items.insert("c", Record(item), "b")
    assert items.size == 3 * size
    for item_id in "abc":
        items.delete(item_id)
    assert items.size == 0


def test_audio_counts_while_it_waits_for_its_transcript() -> None:
    items = Items(1000)
    items.append("a", Record(message("a").item, size=100))
    items.insert("b", Record(message("b").item, size=50), "root")
    assert items.size == 154
    record = items.get("a")
    assert record is not None
    record.set_transcript("Hello")
    for item_id in ("a", "a", "x"):
        items.transcribed(item_id)
    assert (record.size, items.size) == (7, 59)
    items.delete("a")
    items.delete("b")
    assert items.size == 0


def test_the_ids_of_calls_are_remembered_within_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(item_module, "REMEMBERED_CALLS", 2)
    items = Items(0)
    for call_id in ("a", "b", "c"):
        items.append(call_id, Record(FunctionCallItem(call_id=call_id, name="look", arguments="{}")))
    items.delete("c")
    assert [items.has_call(call_id) for call_id in ("a", "b", "c", "d")] == [False, True, True, False]


def test_what_is_left_out_may_be_gone() -> None:
    items = Items(0)
    items.append("a", record := message("a"))
    items.leave_out(["a", "gone"])
    assert record.left_out


def test_the_item_before_another() -> None:
    items = Items(0)
    for item_id in ("a", "b"):
        items.append(item_id, message(item_id))
    assert (items.before("a"), items.before("b")) == (None, "a")
