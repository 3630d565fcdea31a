"""Every error that a client can earn by the form of what it sends."""

import json
from typing import Any

import pytest

from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import CLIENT_EVENT_TYPES, client_event_from, decode_client_event

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
        {"type": "conversation.item.retrieve", "item_id": None},
        "invalid_type",
        "item_id",
        "Invalid type for 'item_id': expected a string, but got null instead.",
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
