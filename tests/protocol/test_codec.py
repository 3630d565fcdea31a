import base64
import json
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import (
    CLIENT_EVENT_TYPES,
    SERVER_EVENT_TYPES,
    UNSET,
    ConversationItemAdded,
    ConversationItemCreate,
    ErrorDetail,
    ErrorEvent,
    FunctionCallOutputItem,
    InputAudioBufferAppend,
    InputAudioBufferCleared,
    MessageItem,
    SessionUpdate,
    Unknown,
    client_event_from,
    codec,
    decode_client_event,
    decode_server_event,
    encode,
    encode_text,
    item_from,
    replace,
    server_event_from,
    session_from,
    shapes,
    to_builtins,
)
from vivavoce.protocol.codec import parse_json, write_json


def update(**session: Any) -> dict[str, Any]:
    return {"type": "session.update", "session": {"type": "realtime", **session}}


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{",
        "nonsense",
        b"\xff",
        b'{"type":"\xff"}',
        '{"type":"\ud800"}',
        "[" * 100_000,
        '{"type":"response.create","response":' * 100_000,
        '{"type":"session.update","session":' + "9" * 5000 + "}",
        '{"type":"session.update","session":1e999}',
    ],
    ids=range(10),
)
def test_what_is_not_json_is_invalid_json(data: str | bytes) -> None:
    for decode in (decode_client_event, decode_server_event):
        with pytest.raises(RemoteProtocolError) as caught:
            decode(data)
        assert (caught.value.code, caught.value.param, caught.value.event_id) == ("invalid_json", None, None)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"a\ud83d", "a\ufffd"),
        (r"\uDE00a", "\ufffda"),
        (r"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (r"\\ud83d\ud83d", "\\ud83d\ufffd"),
        (r"\ude00\ud83d", "\ufffd\ufffd"),
    ],
)
@pytest.mark.parametrize("form", [str, str.encode])
def test_half_an_emoji_does_not_cost_the_event(
    form: Callable[[str], str | bytes], written: str, read: str
) -> None:
    item = f'{{"type":"function_call_output","call_id":"c","output":"{written}"}}'
    event = decode_client_event(form(f'{{"type":"conversation.item.create","item":{item}}}'))
    assert isinstance(event, ConversationItemCreate)
    assert isinstance(event.item, FunctionCallOutputItem)
    assert event.item.output == read
    delta = f'{{"type":"input_audio_buffer.committed","event_id":"e","item_id":"{written}"}}'
    assert encode_text(codec.relayed(delta)) == delta


def test_an_event_id_of_the_wrong_type_is_not_echoed() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_client_event('{"type":"input_audio_buffer.clear","event_id":7}')
    assert (caught.value.code, caught.value.param, caught.value.event_id) == (
        "invalid_type",
        "event_id",
        None,
    )


def test_free_form_json_is_left_alone() -> None:
    free = {"type": "object", "modalities": [None, 1.5, {"a": 10**300}], "properties": {"type": {"type": 7}}}
    event = update(tools=[{"type": "function", "name": "f", "parameters": free}])
    decoded = decode_client_event(json.dumps(event))
    assert to_builtins(decoded) == event
    assert json.loads(encode(decoded)) == event


def test_free_form_json_may_not_be_a_well() -> None:
    def frame(depth: int) -> str:
        tool = {"type": "function", "name": "f", "parameters": {"a": "BOTTOM"}}
        return json.dumps(update(tools=[tool])).replace('"BOTTOM"', '{"a":' * depth + "[0]" + "}" * depth)

    assert isinstance(decode_client_event(frame(shapes.MAX_DEPTH - 3)), SessionUpdate)
    with pytest.raises(RemoteProtocolError, match="at most 64 levels") as caught:
        decode_client_event(frame(shapes.MAX_DEPTH))
    assert caught.value.param == "session.tools[0].parameters.a"


def test_in_memory_events_may_hold_bytes_tuples_and_any_mapping() -> None:
    event = client_event_from(MappingProxyType({"type": "input_audio_buffer.append", "audio": b"\0\1"}))
    assert event == InputAudioBufferAppend(audio=b"\0\1")
    assert item_from({"type": "message", "role": "user", "content": ()}) == MessageItem(
        role="user", content=[]
    )


def test_a_foreign_object_is_named_by_its_class() -> None:
    with pytest.raises(RemoteProtocolError, match="expected an object, but got SessionUpdate instead"):
        client_event_from(
            {"type": "session.update", "session": SessionUpdate(session=session_from({"type": "realtime"}))}
        )


def test_items_and_sessions_on_their_own_name_their_path() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        item_from({"type": "message", "role": "user", "content": [{"type": "input_text"}]})
    assert caught.value.param == "item.content[0].text"
    with pytest.raises(RemoteProtocolError) as caught:
        session_from(None)
    with pytest.raises(RemoteProtocolError, match="Invalid value: an integer of that size"):
        session_from(
            {"type": "realtime", "audio": {"output": {"format": {"type": "audio/pcm", "rate": 10**5000}}}}
        )
    assert (caught.value.code, caught.value.param) == ("invalid_type", "session")


def test_should_the_check_ever_miss_something_the_error_is_still_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shapes, "check", lambda *_args: None)
    with pytest.raises(RemoteProtocolError, match="Expected `str`, got `int`") as caught:
        codec.item_from(
            {"type": "item_reference", "id": 5} | {"type": "function_call", "name": 1, "arguments": ""}
        )
    assert (caught.value.code, caught.value.param) == ("invalid_value", "item")


def test_an_unknown_server_event_is_kept_whole() -> None:
    raw = {"type": "session.sang", "event_id": "e", "song": [1, 2]}
    assert (
        decode_server_event(json.dumps(raw))
        == server_event_from(raw)
        == Unknown(type="session.sang", raw=raw)
    )


def test_unknown_fields_and_stray_nulls_of_a_server_are_dropped() -> None:
    item = {
        "id": "item_1",
        "status": None,
        "type": "message",
        "role": "user",
        "mood": "good",
        "content": [{"type": "input_text", "text": "hi", "lang": None}],
    }
    frame = {"type": "conversation.item.added", "event_id": "e", "previous_item_id": None, "item": item}
    event = decode_server_event(json.dumps(frame))
    assert isinstance(event, ConversationItemAdded)
    assert event.previous_item_id is None
    assert isinstance(event.item, MessageItem)
    assert event.item.status is UNSET
    assert to_builtins(event.item)["content"] == [{"type": "input_text", "text": "hi"}]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ([], "invalid_event"),
        ({"event_id": "e"}, "invalid_event"),
        ({"type": None}, "invalid_type"),
        ({"type": "error", "event_id": "e"}, "invalid_value"),
        ({"type": "error", "event_id": "e", "error": None}, "invalid_value"),
        (
            {"type": "response.created", "event_id": "e", "response": {"id": "r", "status": "asleep"}},
            "invalid_value",
        ),
    ],
)
def test_a_server_event_that_does_not_fit_is_refused(raw: Any, code: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_server_event(json.dumps(raw))
    assert caught.value.code == code
    with pytest.raises(RemoteProtocolError):
        server_event_from(raw)


def test_text_and_bytes_are_the_same_json() -> None:
    event = ErrorEvent(event_id="e", error=ErrorDetail(type="server_error", message="Ünknown"))
    assert encode_text(event).encode() == encode(event)
    assert decode_server_event(encode_text(event)) == decode_server_event(encode(event)) == event


@given(st.binary())
def test_audio_survives_the_wire(audio: bytes) -> None:
    frame = json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(audio).decode()})
    assert decode_client_event(frame) == InputAudioBufferAppend(audio=audio)


def test_every_event_has_one_class() -> None:
    assert len({*CLIENT_EVENT_TYPES.values(), *SERVER_EVENT_TYPES.values()}) == 57


@pytest.mark.parametrize(
    "item",
    [
        {"type": "hologram", "id": "x"},
        {"type": "message", "id": "x", "role": "assistant", "status": "paused", "content": []},
        {"type": "message", "id": "x", "role": "user", "content": [{"type": "scent"}]},
    ],
)
def test_words_of_a_later_protocol_come_out_as_unknown(item: dict[str, Any]) -> None:
    raw = {"type": "conversation.item.added", "event_id": "e", "item": item}
    assert server_event_from(raw) == Unknown(type="conversation.item.added", raw=raw)


RELAYED = (
    '{"type": "input_audio_buffer.cleared", "event_id": "e", "later": {"b": 1, "a": null}}',
    '{"type":"conversation.item.deleted","event_id":"e","item_id":"i","x":"\\u00e4\u00e4"}',
)


@pytest.mark.parametrize("text", RELAYED)
def test_what_is_relayed_is_typed_and_keeps_its_very_text(text: str) -> None:
    event = codec.relayed(text)
    assert event == decode_server_event(text)
    assert not isinstance(event, Unknown)
    assert encode_text(event) == text
    assert encode(event) == text.encode()


def test_what_is_changed_on_the_way_is_written_from_its_fields() -> None:
    event = codec.relayed(RELAYED[0])
    assert isinstance(event, InputAudioBufferCleared)
    assert json.loads(encode_text(replace(event, event_id="f"))) == {
        "type": "input_audio_buffer.cleared",
        "event_id": "f",
    }


@pytest.mark.parametrize(
    "form",
    [
        {"type": "brand.new", "event_id": "e", "deep": [{"x": None}]},
        {"type": "response.done", "event_id": "e", "response": {"id": "r", "status": "pondering"}},
        {"type": "conversation.item.deleted", "event_id": None, "item_id": 5},
        {"type": "input_audio_buffer.dtmf_event_received", "event": "5", "received_at": 7},
    ],
)
def test_what_this_version_cannot_read_is_relayed_whole(form: dict[str, Any]) -> None:
    event = codec.relayed(json.dumps(form))
    assert event.type == form["type"]
    assert json.loads(encode_text(event)) == form


@pytest.mark.parametrize("text", ["", "[1]", '{"event_id":"e"}', '{"type":5}', '{"type":"\ud800"}'])
def test_what_is_no_event_is_not_relayed(text: str) -> None:
    with pytest.raises(RemoteProtocolError):
        codec.relayed(text)


def test_plain_values_are_written_as_they_are_read() -> None:
    form = {"type": "é", "parts": [1, 0.5, None, True, {"a": "\n"}]}
    assert write_json(form) == '{"type":"é","parts":[1,0.5,null,true,{"a":"\\n"}]}'
    assert parse_json(write_json(form)) == form
