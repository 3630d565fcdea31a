"""`conversation.item.create`, `.retrieve`, `.delete`, `.truncate`."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

import pytest
from tests.conversation.sessions import PNG

from vivavoce.conversation.effects import DropUtterance, StartResponse, TranscribeItem
from vivavoce.protocol import ConversationItemAdded, ConversationItemDone, PcmFormat, to_builtins

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk

SPEECH = b64encode(bytes(4800)).decode()
DELETED = "conversation.item.deleted"
SPOKEN = {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": SPEECH}]}


def message(role: str, *content: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(content), **more}


TEXT = {"type": "input_text", "text": "Hi"}
CALL = {"type": "function_call", "name": "look", "arguments": "{}", "call_id": "c"}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "{}"}
ITEMS: list[dict[str, Any]] = [
    message("system", TEXT),
    message("user", TEXT, {"type": "input_image", "image_url": PNG}),
    message("assistant", {"type": "output_text", "text": "Hi"}),
    CALL,
    {
        "type": "message",
        "role": "assistant",
        "phase": "commentary",
        "content": [{"type": "output_text", "text": "x"}],
    },
]


@pytest.mark.parametrize("item", ITEMS)
def test_an_item_is_added_and_done_at_once(talk: Talk, item: dict[str, Any]) -> None:
    item = {**item, "status": "incomplete"}  # "has no effect"
    assert talk.send("conversation.item.create", item=item) == [*talk.ITEM]
    assert talk.json["item"] == {**item, "id": "item_1", "status": "completed"}
    assert talk.json["previous_item_id"] is None
    assert talk.of(StartResponse) == []


def test_an_item_without_a_status_gets_none(talk: Talk) -> None:
    call = {"type": "mcp_call", "id": "m", "server_label": "s", "name": "n", "arguments": "{}"}
    talk.send("conversation.item.create", item=call)
    assert talk.json["item"] == {**call, "output": None}


def test_items_find_their_places(talk: Talk) -> None:
    places: list[str | None] = []
    for item_id, after in (("a", None), ("b", None), ("c", "root"), ("d", "a")):
        more = {} if after is None else {"previous_item_id": after}
        talk.send("conversation.item.create", item=message("user", TEXT, id=item_id), **more)
        places.append(talk.json["previous_item_id"])
    assert places == [None, "a", None, "a"]
    assert [record.item.id for record in talk.server._items] == ["c", "a", "d", "b"]


REFUSED = [
    (message("user", TEXT), {"previous_item_id": "x"}, "previous_item_id", "Item with item_id not found: x"),
    (
        message("user", {"type": "output_text", "text": "Hi"}),
        {},
        "item.content[0].type",
        "Invalid value: 'output_text'. Supported values are: 'input_text', 'input_audio', 'input_image'.",
    ),
    (
        message("system", TEXT, {"type": "input_audio"}),
        {},
        "item.content[1].type",
        "Invalid value: 'input_audio'. Supported values are: 'input_text'.",
    ),
    (
        message("assistant", TEXT),
        {},
        "item.content[0].type",
        "Invalid value: 'input_text'. Supported values are: 'output_text', 'output_audio'.",
    ),
    (
        message("assistant", {"type": "output_audio", "audio": SPEECH}),
        {},
        "item.content[0].audio",
        "Assistant audio cannot be put into a conversation; use output_text.",
    ),
    (
        message("user", TEXT, id="old"),
        {},
        "item.id",
        "Item with id 'old' already exists in the conversation.",
    ),
    (
        message("user", TEXT, id="root"),
        {},
        "item.id",
        "Item with id 'root' already exists in the conversation.",
    ),
]


@pytest.mark.parametrize(("item", "more", "param", "words"), REFUSED)
def test_what_cannot_be_created(
    talk: Talk, item: dict[str, Any], more: dict[str, Any], param: str, words: str
) -> None:
    talk.send("conversation.item.create", item=message("user", TEXT, id="old"))
    assert talk.send("conversation.item.create", item=item, **more) == ["error"]
    assert talk.complaint == ("invalid_value", param, words)
    assert len(talk.server._items) == 1


def test_the_id_of_somebody_who_is_speaking_is_taken(talk: Talk) -> None:
    talk.hear(1.0, 320)
    assert talk.send("conversation.item.create", item=message("user", TEXT, id="item_1")) == ["error"]
    assert talk.hear(0.0, 640)[1:4] == [*talk.COMMIT]


def test_audio_is_transcribed_and_not_echoed(talk: Talk) -> None:
    assert talk.send("conversation.item.create", item=SPOKEN) == [*talk.ITEM]
    assert talk.json["item"]["content"] == [{"type": "input_audio", "transcript": None}]
    assert talk.effects[1:] == [TranscribeItem("item_1", b64decode(SPEECH), PcmFormat())]
    assert talk.transcript("item_1", "Hello") == []
    talk.send("conversation.item.retrieve", item_id="item_1")
    assert talk.json["item"]["content"] == [{"type": "input_audio", "audio": SPEECH, "transcript": "Hello"}]


def test_audio_with_a_transcript_is_kept_and_not_transcribed(talk: Talk) -> None:
    part = {"type": "input_audio", "audio": SPEECH, "transcript": "Hello"}
    talk.send("conversation.item.create", item=message("user", part))
    assert talk.of(TranscribeItem) == []
    talk.send("conversation.item.retrieve", item_id="item_1")
    assert talk.json["item"]["content"] == [part]


def test_audio_that_a_client_gives_is_announced_if_it_asked(talk: Talk) -> None:
    talk.listen_with(transcription={"model": "w"})
    talk.send("conversation.item.create", item=SPOKEN)
    said = talk.transcript("item_1", "Hello")
    assert [name.rsplit(".", 1)[1] for name in said] == ["delta", "completed"]


def test_evicted_audio_is_not_retrieved(talk_with: type[Talk]) -> None:
    talk = talk_with(retained_audio_bytes=5000)
    for item_id in ("a", "b", "c"):
        talk.send("conversation.item.create", item={**SPOKEN, "id": item_id})
    for item_id, audio in (("a", None), ("b", SPEECH), ("c", SPEECH)):
        assert talk.send("conversation.item.retrieve", item_id=item_id) == ["conversation.item.retrieved"]
        assert talk.json["item"]["content"][0].get("audio") == audio


@pytest.mark.parametrize(("verb", "doing"), [("retrieve", "retrieving"), ("delete", "deleting")])
def test_an_unknown_item(talk: Talk, verb: str, doing: str) -> None:
    assert talk.send(f"conversation.item.{verb}", item_id="x", event_id="mine") == ["error"]
    words = f"Error {doing} item: the item with id 'x' does not exist."
    assert talk.complaint == (f"item_{verb}_invalid_item_id", "item_id", words)
    assert talk.json["error"]["event_id"] == "mine"


def test_a_deleted_item_is_gone(talk: Talk) -> None:
    talk.write()
    assert talk.send("conversation.item.delete", item_id="item_1") == [DELETED]
    assert talk.send("conversation.item.delete", item_id="item_1") == ["error"]
    assert talk.of(DropUtterance) == []


def test_deleting_what_is_being_transcribed_lets_the_answer_begin(talk: Talk) -> None:
    talk.speak()
    assert talk.of(StartResponse) == []
    assert talk.send("conversation.item.delete", item_id="item_1") == [DELETED]
    assert talk.of(DropUtterance) == [DropUtterance("item_1")]
    assert talk.started.items == ()
    assert talk.transcript("item_1") == []


def spoken_answer(talk: Talk) -> str:
    talk.ask()
    talk.clause("One two three.", 900, [(4, 300), (8, 600), (14, 900)])
    talk.tick(2.0)
    talk.finish()
    return str(talk.json["response"]["output"][0]["id"])


def test_truncation_keeps_what_was_heard(talk: Talk) -> None:
    item_id = spoken_answer(talk)
    cut = {"item_id": item_id, "content_index": 0, "audio_end_ms": 650}
    assert talk.send("conversation.item.truncate", **cut) == ["conversation.item.truncated"]
    assert {key: talk.json[key] for key in cut} == cut
    talk.send("conversation.item.retrieve", item_id=item_id)
    part = talk.json["item"]["content"][0]
    assert part["transcript"] == "One two"
    assert len(b64decode(part["audio"])) == 650 * 48
    talk.ask()
    assert talk.started.items[-1].content[0].transcript == "One two"  # type: ignore[union-attr]  # a message


@pytest.mark.parametrize(
    ("change", "code", "param", "words"),
    [
        (
            {"content_index": 1},
            "invalid_value",
            "content_index",
            "Invalid content index 1; audio is in part 0.",
        ),
        ({"audio_end_ms": -1}, "invalid_value", "audio_end_ms", "Invalid value: -1; it must be 0 or more."),
        (
            {"audio_end_ms": 901},
            "invalid_value",
            "audio_end_ms",
            "Audio content of 900ms is already shorter than 901ms",
        ),
        ({"item_id": "x"}, "item_truncate_invalid_item_id", "item_id", "Item with item_id not found: x"),
        (
            {"item_id": "mine"},
            "unsupported_content_type",
            "item_id",
            "Only model output audio messages can be truncated",
        ),
    ],
)
def test_what_cannot_be_truncated(
    talk: Talk, change: dict[str, Any], code: str, param: str, words: str
) -> None:
    talk.send("conversation.item.create", item=message("user", TEXT, id="mine"))
    cut = {"item_id": spoken_answer(talk), "content_index": 0, "audio_end_ms": 100, **change}
    assert talk.send("conversation.item.truncate", **cut) == ["error"]
    assert talk.complaint == (code, param, words)


def test_the_oldest_item_beyond_the_bound_goes(talk_with: type[Talk]) -> None:
    talk = talk_with(max_items=2)
    assert [talk.write() for _ in range(3)][-1] == [*talk.ITEM, DELETED]
    assert talk.json["item_id"] == "item_1"


def test_items_beyond_the_bound_go_with_their_transcripts(talk_with: type[Talk]) -> None:
    talk = talk_with(max_items=2)
    talk.send("conversation.item.create", item={**SPOKEN, "id": "a"})
    talk.ask()
    talk.send("conversation.item.create", item=message("user", TEXT, id="b"))
    assert talk.of(StartResponse) == []
    said = talk.send("conversation.item.create", item=message("user", TEXT, id="c"))
    assert said == [*talk.ITEM, DELETED]
    assert talk.of(DropUtterance) == [DropUtterance("a")]
    assert [item.id for item in talk.started.items] == ["b", "c"]


def test_the_oldest_items_leave_when_all_hold_too_much(talk_with: type[Talk]) -> None:
    picture = {"type": "input_image", "image_url": PNG}
    talk = talk_with(max_items_chars=len(PNG) + 40)
    talk.send("conversation.item.create", item=message("user", picture, id="picture"))
    talk.send("conversation.item.create", item={**CALL, "arguments": "a" * 20})
    assert talk.write("x" * 20) == [*talk.ITEM]
    assert talk.write("x") == [*talk.ITEM, DELETED]
    assert talk.json["item_id"] == "picture"
    assert talk.write("x" * len(PNG)) == [*talk.ITEM, DELETED]
    assert talk.write("x" * (len(PNG) + 41)) == [*talk.ITEM, DELETED, DELETED, DELETED]
    assert len(talk.server._items) == 1
    assert talk.write("x") == [*talk.ITEM, DELETED]


def test_audio_that_waits_for_a_transcriber_is_held_too(talk_with: type[Talk]) -> None:
    talk = talk_with(max_items_chars=10_000)
    for item_id in ("a", "b"):
        assert talk.send("conversation.item.create", item={**SPOKEN, "id": item_id}) == [*talk.ITEM]
    assert talk.server._items.size == 2 * 4800
    assert talk.send("conversation.item.create", item={**SPOKEN, "id": "c"}) == [*talk.ITEM, DELETED]
    assert talk.json["item_id"] == "a"
    assert talk.of(DropUtterance) == [DropUtterance("a")]


def test_audio_that_waits_no_longer_leaves_room(talk_with: type[Talk]) -> None:
    talk = talk_with(max_items_chars=10_000)
    for item_id in ("a", "b"):
        talk.send("conversation.item.create", item={**SPOKEN, "id": item_id})
    talk.transcript("a", "Hello")
    assert talk.server._items.size == 5 + 4800
    talk.server.receive_transcript_failure("b", "boom", 0.0)
    assert talk.server._items.size == 5
    assert talk.send("conversation.item.create", item={**SPOKEN, "id": "c"}) == [*talk.ITEM]
    assert talk.server._items.size == 5 + 4800
    talk.send("conversation.item.delete", item_id="c")
    assert talk.server._items.size == 5


def test_audio_that_came_with_its_transcript_waits_for_nobody(talk: Talk) -> None:
    part = {"type": "input_audio", "audio": SPEECH, "transcript": "Hello"}
    talk.send("conversation.item.create", item=message("user", part))
    assert talk.server._items.size == 5


def test_nobody_waits_for_the_transcript_of_what_left(talk_with: type[Talk]) -> None:
    talk = talk_with(max_items_chars=100)
    talk.send("conversation.item.create", item=SPOKEN)
    assert talk.ask() == ["response.created"]
    assert talk.of(StartResponse) == []
    talk.write("x" * 101)
    assert talk.of(DropUtterance) == [DropUtterance("item_1")]
    assert talk.of(StartResponse) != []


def test_an_output_needs_its_call(talk: Talk) -> None:
    assert talk.send("conversation.item.create", item=OUTPUT, event_id="mine") == ["error"]
    assert talk.complaint == (
        "invalid_tool_call_id",
        "item.call_id",
        "Tool call ID 'c' not found in conversation.",
    )
    assert talk.json["error"]["event_id"] == "mine"
    talk.send("conversation.item.create", item={**CALL, "id": "call"})
    assert talk.send("conversation.item.create", item=OUTPUT) == [*talk.ITEM]
    assert talk.json["item"] == {**OUTPUT, "id": "item_1", "status": "completed"}


def test_an_output_may_come_when_its_call_has_left_already(talk: Talk) -> None:
    talk.send("conversation.item.create", item={**CALL, "id": "call"})
    talk.send("conversation.item.delete", item_id="call")
    assert talk.send("conversation.item.create", item=OUTPUT) == [*talk.ITEM]


def test_a_call_without_an_id_is_nobodys(talk: Talk) -> None:
    talk.send("conversation.item.create", item={"type": "function_call", "name": "look", "arguments": "{}"})
    assert talk.send("conversation.item.create", item=OUTPUT) == ["error"]


@pytest.mark.parametrize("spoken", [True, False])
def test_an_item_that_is_being_made_is_final_when_it_is_deleted(talk: Talk, *, spoken: bool) -> None:
    talk.write()
    talk.ask()
    if spoken:
        talk.clause("Hello there.", 2000)
    else:
        talk.text("Hello")
    item_id = talk.last(ConversationItemAdded).item.id
    assert talk.send("conversation.item.retrieve", item_id=item_id) == ["conversation.item.retrieved"]
    assert talk.json["item"]["status"] == "in_progress"
    assert talk.send("conversation.item.delete", item_id=item_id) == ["conversation.item.done", DELETED]
    final = talk.last(ConversationItemDone)
    assert (final.item.id, final.previous_item_id) == (item_id, "item_1")
    assert to_builtins(final)["item"]["status"] == "incomplete"
    end = talk.finish() + talk.tick(3)
    assert end[-3:] == ["response.content_part.done", "response.output_item.done", "response.done"]
    assert "conversation.item.done" not in end
    assert talk.send("conversation.item.retrieve", item_id=item_id) == ["error"]


def test_a_call_that_is_being_made_is_final_when_it_is_deleted(talk: Talk) -> None:
    talk.ask()
    talk.call("look", "{")
    item_id = talk.last(ConversationItemAdded).item.id
    assert talk.send("conversation.item.delete", item_id=item_id) == ["conversation.item.done", DELETED]
    assert talk.last(ConversationItemDone).previous_item_id is None
    assert talk.call("look", "}") == [talk.ARGUMENTS]
    ended = ["response.function_call_arguments.done", "response.output_item.done", "response.done"]
    assert talk.finish() == ended


def test_a_picture_must_be_one(talk: Talk) -> None:
    broken = {"type": "input_image", "image_url": "data:image/png;base64,aGk="}
    assert talk.send("conversation.item.create", item=message("user", TEXT, broken)) == ["error"]
    assert talk.complaint == ("invalid_value", "item.content[1].image_url", "The data is no PNG picture.")
