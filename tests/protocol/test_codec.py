import base64
import json
from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import (
    CLIENT_EVENT_TYPES,
    SERVER_EVENT_TYPES,
    UNSET,
    ConversationItemAdded,
    ErrorDetail,
    ErrorEvent,
    InputAudioBufferAppend,
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
    server_event_from,
    session_from,
    shapes,
    to_builtins,
)

TYPES = ", ".join(f"'{name}'" for name in CLIENT_EVENT_TYPES)
EFFORTS = "'minimal', 'low', 'medium', 'high', 'xhigh'"


def update(**session: Any) -> dict[str, Any]:
    return {"type": "session.update", "session": {"type": "realtime", **session}}


def audio_input(**settings: Any) -> dict[str, Any]:
    return update(audio={"input": settings})


def vad(**settings: Any) -> dict[str, Any]:
    return audio_input(turn_detection={"type": "server_vad", **settings})


def create(**item: Any) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": item}


def respond(**params: Any) -> dict[str, Any]:
    return {"type": "response.create", "response": params}


def user(**part: Any) -> dict[str, Any]:
    return create(type="message", role="user", content=[part])


VAD = "session.audio.input.turn_detection"
ERRORS: list[tuple[Any, str, str | None, str]] = [
    # the event itself
    ([], "invalid_event", None, "The 'type' field is missing."),
    (7, "invalid_event", None, "The 'type' field is missing."),
    ({}, "invalid_event", None, "The 'type' field is missing."),
    (
        {"type": 3},
        "invalid_type",
        "type",
        "Invalid type for 'type': expected a string, but got an integer instead.",
    ),
    ({"type": "x"}, "invalid_value", "type", f"Invalid value: 'x'. Supported values are: {TYPES}."),
    ({"type": "session.created"}, "invalid_value", "type", "Invalid value: 'session.created'."),
    ({"type": "z" * 1000}, "invalid_value", "type", f"Invalid value: '{'z' * 100}…'."),
    # unknown fields, at any depth
    (
        update(modalities=["text"]),
        "unknown_parameter",
        "session.modalities",
        "Unknown parameter: 'session.modalities'.",
    ),
    (
        {"type": "input_audio_buffer.commit", "now": True},
        "unknown_parameter",
        "now",
        "Unknown parameter: 'now'.",
    ),
    (
        {"type": "input_audio_buffer.append", "audio": "", "x": 1},
        "unknown_parameter",
        "x",
        "Unknown parameter: 'x'.",
    ),
    (vad(eagerness="low"), "unknown_parameter", f"{VAD}.eagerness", f"Unknown parameter: '{VAD}.eagerness'."),
    (
        update(tools=[{"type": "function", "name": "f", "strict": True}]),
        "unknown_parameter",
        "session.tools[0].strict",
        "Unknown parameter: 'session.tools[0].strict'.",
    ),
    (
        respond(input=[{"type": "item_reference", "id": "a", "b": 1}]),
        "unknown_parameter",
        "response.input[0].b",
        "Unknown parameter: 'response.input[0].b'.",
    ),
    # what is missing
    (
        {"type": "session.update"},
        "missing_required_parameter",
        "session",
        "Missing required parameter: 'session'.",
    ),
    (
        {"type": "session.update", "session": {"modalities": ["text"]}},
        "missing_required_parameter",
        "session.type",
        "Missing required parameter: 'session.type'.",
    ),
    (
        user(type="input_text"),
        "missing_required_parameter",
        "item.content[0].text",
        "Missing required parameter: 'item.content[0].text'.",
    ),
    (
        {"type": "input_audio_buffer.append"},
        "missing_required_parameter",
        "audio",
        "Missing required parameter: 'audio'.",
    ),
    # the wrong kind of value
    (
        {"type": "session.update", "session": 5},
        "invalid_type",
        "session",
        "Invalid type for 'session': expected an object, but got an integer instead.",
    ),
    (
        update(instructions=None),
        "invalid_type",
        "session.instructions",
        "Invalid type for 'session.instructions': expected a string, but got null instead.",
    ),
    (
        update(tool_choice=1.5),
        "invalid_type",
        "session.tool_choice",
        "expected an object or 'none' or 'auto' or 'required', but got a number instead.",
    ),
    (
        vad(threshold="high"),
        "invalid_type",
        f"{VAD}.threshold",
        "expected a number, but got a string instead.",
    ),
    (
        vad(threshold=True),
        "invalid_type",
        f"{VAD}.threshold",
        "expected a number, but got a boolean instead.",
    ),
    (
        vad(silence_duration_ms=1.5),
        "invalid_type",
        f"{VAD}.silence_duration_ms",
        "expected an integer, but got a number",
    ),
    (
        vad(idle_timeout_ms=[]),
        "invalid_type",
        f"{VAD}.idle_timeout_ms",
        "expected an integer or null, but got an array",
    ),
    (create(type=None), "invalid_type", "item.type", "expected a string, but got null instead."),
    (
        respond(metadata={"a": 1}),
        "invalid_type",
        "response.metadata.a",
        "expected a string, but got an integer instead.",
    ),
    (
        {"type": "response.cancel", "response_id": {}},
        "invalid_type",
        "response_id",
        "expected a string, but got an object",
    ),
    # a value that is not one of those supported
    (
        audio_input(transcription={"delay": "bogus"}),
        "invalid_value",
        "session.audio.input.transcription.delay",
        f"Invalid value: 'bogus'. Supported values are: {EFFORTS}.",
    ),
    (
        {"type": "session.update", "session": {"type": "live"}},
        "invalid_value",
        "session.type",
        "Invalid value: 'live'. Supported values are: 'realtime', 'transcription'.",
    ),
    (
        audio_input(format={"type": "audio/pcm", "rate": 16000}),
        "invalid_value",
        "session.audio.input.format.rate",
        "Invalid value: 16000. Supported values are: 24000.",
    ),
    (
        update(output_modalities=["video"]),
        "invalid_value",
        "session.output_modalities[0]",
        "Invalid value: 'video'. Supported values are: 'text', 'audio'.",
    ),
    (
        respond(max_output_tokens="lots"),
        "invalid_value",
        "response.max_output_tokens",
        "Supported values are: 'inf'.",
    ),
    (
        create(type="video"),
        "invalid_value",
        "item.type",
        "Supported values are: 'message', 'function_call', ",
    ),
    # a number or a length out of range
    (
        vad(threshold=1.01),
        "invalid_value",
        f"{VAD}.threshold",
        "Invalid value: 1.01. Expected a value between 0 and 1.",
    ),
    (
        vad(idle_timeout_ms=4999),
        "invalid_value",
        f"{VAD}.idle_timeout_ms",
        "Expected a value between 5000 and 30000.",
    ),
    (
        vad(prefix_padding_ms=-1),
        "invalid_value",
        f"{VAD}.prefix_padding_ms",
        "Expected a value of at least 0.",
    ),
    (
        update(audio={"output": {"speed": 1.6}}),
        "invalid_value",
        "session.audio.output.speed",
        "Invalid value: 1.6. Expected a value between 0.25 and 1.5.",
    ),
    (
        update(max_output_tokens=0),
        "invalid_value",
        "session.max_output_tokens",
        "Expected a value between 1 and 4096.",
    ),
    (respond(max_output_tokens=4097), "invalid_value", "response.max_output_tokens", "between 1 and 4096."),
    (
        update(truncation={"type": "retention_ratio", "retention_ratio": 2}),
        "invalid_value",
        "session.truncation.retention_ratio",
        "Invalid value: 2. Expected a value between 0 and 1.",
    ),
    (
        respond(metadata={str(n): "" for n in range(17)}),
        "invalid_value",
        "response.metadata",
        "Invalid value: 17 entries. Expected at most 16.",
    ),
    (
        respond(metadata={"k" * 65: ""}),
        "invalid_value",
        "response.metadata",
        "65 characters. Expected at most 64.",
    ),
    (
        respond(metadata={"k": "v" * 513}),
        "invalid_value",
        "response.metadata.k",
        "513 characters. Expected at most 512.",
    ),
    (
        {"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, "audio_end_ms": 2**63},
        "invalid_value",
        "audio_end_ms",
        "Expected at most 64 bits.",
    ),
    (
        audio_input(noise_reduction={"strength": 10**400}),
        "invalid_value",
        "session.audio.input.noise_reduction.strength",
        "bits",
    ),
    # audio that is not base64
    (
        {"type": "input_audio_buffer.append", "audio": "?"},
        "invalid_value",
        "audio",
        "Invalid value: '?'. Expected base64",
    ),
    ({"type": "input_audio_buffer.append", "audio": "YQ=\n"}, "invalid_value", "audio", "Expected base64"),
    (
        {"type": "input_audio_buffer.append", "audio": "é===" * 99},
        "invalid_value",
        "audio",
        "Expected base64",
    ),
    (
        user(type="input_audio", audio="YQ"),
        "invalid_value",
        "item.content[0].audio",
        "Expected base64 with padding",
    ),
    (
        {"type": "input_audio_buffer.append", "audio": None},
        "invalid_type",
        "audio",
        "expected a base64 string, but got null",
    ),
]


@pytest.mark.parametrize(("event", "code", "param", "message"), ERRORS)
def test_a_client_learns_what_is_wrong_and_where(
    event: Any, code: str, param: str | None, message: str
) -> None:
    if isinstance(event, dict):
        event = {**event, "event_id": "client_evt_1"}
    with pytest.raises(RemoteProtocolError) as from_text:
        decode_client_event(json.dumps(event))
    with pytest.raises(RemoteProtocolError) as from_memory:
        client_event_from(event)
    for error in (from_text.value, from_memory.value):
        assert (error.code, error.param) == (code, param)
        assert message in error.message
        assert error.event_id == ("client_evt_1" if isinstance(event, dict) else None)


@pytest.mark.parametrize(
    "data",
    [
        "",
        "{",
        "nonsense",
        b"\xff",
        b'{"type":"\xff"}',
        '{"type":"\ud800"}',
        '{"type":"\\ud800"}',
        "[" * 100_000,
        '{"type":"response.create","response":' * 100_000,
        '{"type":"session.update","session":' + "9" * 5000 + "}",
        '{"type":"session.update","session":1e999}',
    ],
    ids=range(11),
)
def test_what_is_not_json_is_invalid_json(data: str | bytes) -> None:
    for decode in (decode_client_event, decode_server_event):
        with pytest.raises(RemoteProtocolError) as caught:
            decode(data)
        assert (caught.value.code, caught.value.param, caught.value.event_id) == ("invalid_json", None, None)


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
        session_from(audio_input(format={"type": "audio/pcm", "rate": 10**5000})["session"])
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


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text() | st.just("type"), inner, max_size=3)
    ),
    max_leaves=8,
)


def refusal(decode: Callable[[str | bytes], Any], data: str | bytes) -> RemoteProtocolError | None:
    """Decode and encode again; any exception but the promised one fails the test."""
    try:
        encode(decode(data))
    except RemoteProtocolError as error:
        return error
    return None


def survives(data: str | bytes) -> None:
    for decode in (decode_client_event, decode_server_event):
        error = refusal(decode, data)
        assert error is None or error.code
    # The decoder's own words would mean that the check missed something.
    error = refusal(decode_client_event, data)
    assert error is None or error.code == "invalid_json" or " - at `$" not in error.message


@settings(deadline=None, database=None)
@given(st.text() | st.binary() | JSON.map(json.dumps))
def test_nothing_but_a_protocol_error_ever_comes_out_of_noise(data: str | bytes) -> None:
    survives(data)


SEEDS = [
    vad(threshold=0.5, idle_timeout_ms=6000),
    audio_input(
        format={"type": "audio/pcm"}, noise_reduction=None, transcription={"model": "m", "delay": "low"}
    ),
    update(
        tools=[{"type": "mcp", "server_label": "l", "allowed_tools": ["a"]}],
        tool_choice={"type": "function", "name": "f"},
    ),
    user(type="input_audio", audio="YWI=", transcript=None),
    create(
        type="mcp_call",
        id="a",
        server_label="b",
        name="c",
        arguments="{}",
        error={"type": "http_error", "code": 1, "message": "m"},
    ),
    respond(metadata={"a": "b"}, max_output_tokens="inf", input=[{"type": "item_reference", "id": "a"}]),
    {"type": "conversation.item.truncate", "item_id": "a", "content_index": 0, "audio_end_ms": 100},
    {
        "type": "response.output_item.added",
        "event_id": "e",
        "response_id": "r",
        "output_index": 0,
        "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "t"}]},
    },
]


def places(value: Any) -> list[tuple[Any, ...]]:
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [(), *((key, *rest) for key, member in members for rest in places(member))]


def planted(value: Any, place: tuple[Any, ...], other: Any) -> Any:
    if not place:
        return other
    copy = value.copy()
    copy[place[0]] = planted(value[place[0]], place[1:], other)
    return copy


@settings(max_examples=400, deadline=None, database=None)
@given(
    st.sampled_from(SEEDS).flatmap(lambda seed: st.tuples(st.just(seed), st.sampled_from(places(seed)), JSON))
)
def test_nothing_but_a_protocol_error_comes_out_of_damaged_events(
    damage: tuple[Any, tuple[Any, ...], Any],
) -> None:
    survives(json.dumps(planted(*damage)))


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
