"""What clients of the beta send, and which event of the GA API it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import (
    AudioInput,
    AudioOutput,
    ClientEvent,
    ConversationItemCreate,
    InputAudioBufferAppend,
    InputText,
    MessageItem,
    NoiseReduction,
    OutputAudio,
    OutputText,
    PcmaFormat,
    PcmFormat,
    PcmuFormat,
    RealtimeSession,
    ResponseCreate,
    ResponseCreateAudio,
    ResponseCreateAudioOutput,
    ResponseCreateParams,
    SemanticVad,
    SessionAudio,
    SessionUpdate,
    ToolChoiceFunction,
    Transcription,
    TranscriptionSession,
    TranscriptionSessionAudio,
    decode_client_event,
)
from vivavoce.protocol.beta_client import beta_event_from, beta_session_from, decode_beta_event


def read(event: Any) -> ClientEvent:
    return decode_beta_event(json.dumps(event))


def refused(event: Any) -> RemoteProtocolError:
    with pytest.raises(RemoteProtocolError) as caught:
        read(event)
    return caught.value


def update(**session: Any) -> dict[str, Any]:
    return {"type": "session.update", "session": session}


def test_a_flat_session_becomes_a_nested_one() -> None:
    flat = update(
        modalities=["text", "audio"],
        instructions="Be brief.",
        voice="ash",
        speed=1.25,
        input_audio_format="g711_ulaw",
        output_audio_format="g711_alaw",
        input_audio_transcription={"model": "whisper-1"},
        input_audio_noise_reduction={"type": "near_field"},
        turn_detection={"type": "semantic_vad", "eagerness": "low"},
        temperature=0.8,
        max_response_output_tokens="inf",
        tool_choice="auto",
        tracing="auto",
    )
    assert read({**flat, "event_id": "mine"}) == SessionUpdate(
        event_id="mine",
        session=RealtimeSession(
            output_modalities=["text", "audio"],
            instructions="Be brief.",
            max_output_tokens="inf",
            temperature=0.8,
            tool_choice="auto",
            tracing="auto",
            audio=SessionAudio(
                input=AudioInput(
                    format=PcmuFormat(),
                    transcription=Transcription(model="whisper-1"),
                    noise_reduction=NoiseReduction(type="near_field"),
                    turn_detection=SemanticVad(eagerness="low"),
                ),
                output=AudioOutput(format=PcmaFormat(), voice="ash", speed=1.25),
            ),
        ),
    )


def test_what_is_left_out_stays_left_out_and_null_stays_null() -> None:
    assert read(update()) == SessionUpdate(session=RealtimeSession())
    event = read(update(turn_detection=None, input_audio_transcription=None, temperature=None))
    assert event == SessionUpdate(
        session=RealtimeSession(audio=SessionAudio(input=AudioInput(transcription=None, turn_detection=None)))
    )


def test_a_transcription_session_has_an_event_of_its_own() -> None:
    session = {
        "input_audio_format": "pcm16",
        "input_audio_transcription": {"model": "gpt-4o-transcribe", "language": "en"},
        "include": ["item.input_audio_transcription.logprobs"],
        "modalities": ["text"],
    }
    assert read({"type": "transcription_session.update", "session": session}) == SessionUpdate(
        session=TranscriptionSession(
            audio=TranscriptionSessionAudio(
                input=AudioInput(
                    format=PcmFormat(),
                    transcription=Transcription(model="gpt-4o-transcribe", language="en"),
                )
            ),
            include=["item.input_audio_transcription.logprobs"],
        )
    )


def test_the_wishes_for_one_response_are_flat_too() -> None:
    tool = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}
    item = {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Yes?"}]}
    event = read(
        {
            "type": "response.create",
            "event_id": "mine",
            "response": {
                "modalities": ["text"],
                "voice": "ash",
                "output_audio_format": "pcm16",
                "temperature": 1,
                "max_response_output_tokens": 20,
                "conversation": "none",
                "input": [item, {"type": "item_reference", "id": "item_1"}],
                "tools": [tool],
                "tool_choice": "f",
                "metadata": {"topic": "a"},
            },
        }
    )
    assert isinstance(event, ResponseCreate)
    params = event.response
    assert isinstance(params, ResponseCreateParams)
    assert params.audio == ResponseCreateAudio(
        output=ResponseCreateAudioOutput(format=PcmFormat(), voice="ash")
    )
    assert (params.temperature, params.max_output_tokens) == (1.0, 20)
    assert params.tool_choice == ToolChoiceFunction(name="f")
    assert isinstance(params.input, list)
    assert params.input[0] == MessageItem(role="assistant", content=[OutputText(text="Yes?")])


@pytest.mark.parametrize("name", ["max_output_tokens", "max_response_output_tokens"])
def test_early_clients_bound_a_response_under_another_name(name: str) -> None:
    event = read({"type": "response.create", "response": {name: 7}})
    assert event == ResponseCreate(response=ResponseCreateParams(max_output_tokens=7))


def test_a_response_may_have_no_wishes() -> None:
    assert read({"type": "response.create"}) == ResponseCreate()


@pytest.mark.parametrize(
    ("role", "part", "expected"),
    [
        ("assistant", {"type": "text", "text": "a"}, OutputText(text="a")),
        ("assistant", {"type": "audio", "transcript": "a"}, OutputAudio(transcript="a")),
        ("user", {"type": "text", "text": "a"}, InputText(text="a")),
        ("user", {"type": "input_text", "text": "a"}, InputText(text="a")),
    ],
)
def test_content_has_the_names_of_the_ga_api(role: str, part: Any, expected: Any) -> None:
    event = read(
        {
            "type": "conversation.item.create",
            "previous_item_id": "root",
            "item": {"type": "message", "object": "realtime.item", "role": role, "content": [part]},
        }
    )
    assert isinstance(event, ConversationItemCreate)
    assert event.previous_item_id == "root"
    assert isinstance(event.item, MessageItem)
    assert event.item.content == [expected]


def test_what_is_the_same_in_both_is_read_as_it_is() -> None:
    assert read({"type": "input_audio_buffer.append", "audio": "AAA="}) == InputAudioBufferAppend(
        audio=b"\0\0"
    )
    event = {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 5}
    assert read(event) == beta_event_from(event) == decode_client_event(json.dumps(event))


@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        (update(type="realtime"), "unknown_parameter", "session.type"),
        (update(audio={}), "unknown_parameter", "session.audio"),
        (update(output_modalities=["text"]), "unknown_parameter", "session.output_modalities"),
        (update(no_such=1), "unknown_parameter", "session.no_such"),
        (update(input_audio_format="mp3"), "invalid_value", "session.input_audio_format"),
        (update(output_audio_format=None), "invalid_value", "session.output_audio_format"),
        (update(temperature=0.5), "invalid_value", "session.temperature"),
        (update(temperature=1.3), "invalid_value", "session.temperature"),
        (update(temperature=-(10**4000)), "invalid_value", "session.temperature"),
        (update(temperature="hot"), "invalid_type", "session.temperature"),
        (update(temperature=True), "invalid_type", "session.temperature"),
        (update(tools=[{"type": "mcp"}]), "invalid_value", "session.tools[0].type"),
        (update(tools=["f"]), "invalid_type", "session.tools[0]"),
        (update(tools="f"), "invalid_type", "session.tools"),
        (update(tool_choice=3), "invalid_type", "session.tool_choice"),
        ({"type": "session.update"}, "missing_required_parameter", "session"),
        ({"type": "session.update", "session": 1}, "invalid_type", "session"),
        (
            {"type": "transcription_session.update", "session": {"temperature": 0.8}},
            "unknown_parameter",
            "session.temperature",
        ),
        (
            {"type": "response.create", "response": {"temperature": 2}},
            "invalid_value",
            "response.temperature",
        ),
        ({"type": "response.create", "response": {"input": 1}}, "invalid_type", "response.input"),
        ({"type": "response.create", "response": {"audio": {}}}, "unknown_parameter", "response.audio"),
        ({"type": "conversation.item.create"}, "missing_required_parameter", "item"),
        ({"type": "conversation.item.create", "item": 1}, "invalid_type", "item"),
        (
            {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": [1]}},
            "invalid_type",
            "item.content[0]",
        ),
        (
            {
                "type": "conversation.item.create",
                "item": {"type": "message", "role": "user", "content": [{"type": 1}]},
            },
            "invalid_type",
            "item.content[0].type",
        ),
        ({"type": "no.such"}, "invalid_value", "type"),
        ({"type": ["session.update"]}, "invalid_type", "type"),
        ([], "invalid_event", None),
    ],
)
def test_what_is_wrong_is_said_with_its_place(event: Any, code: str, param: str | None) -> None:
    error = refused(event)
    assert (error.code, error.param) == (code, param)


@pytest.mark.parametrize("event_id", ["mine", None])
def test_an_error_has_the_clients_own_id(event_id: str | None) -> None:
    own = {} if event_id is None else {"event_id": event_id}
    assert refused({**update(temperature=9), **own}).event_id == event_id
    assert refused({**update(voice=9), **own}).event_id == event_id


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        decode_beta_event("{")
    assert caught.value.code == "invalid_json"


def test_ga_clients_may_not_send_a_temperature() -> None:
    for event in (
        {"type": "session.update", "session": {"type": "realtime", "temperature": 0.8}},
        {"type": "response.create", "response": {"temperature": 0.8}},
    ):
        with pytest.raises(RemoteProtocolError) as caught:
            decode_client_event(json.dumps(event))
        assert caught.value.code == "unknown_parameter"
        assert str(caught.value.param).endswith(".temperature")


def test_a_flat_session_is_read_by_itself() -> None:
    assert beta_session_from({"voice": "ash", "temperature": 0.7}) == RealtimeSession(
        temperature=0.7, audio=SessionAudio(output=AudioOutput(voice="ash"))
    )
    assert beta_session_from({"turn_detection": None}, transcription=True) == TranscriptionSession(
        audio=TranscriptionSessionAudio(input=AudioInput(turn_detection=None))
    )
    with pytest.raises(RemoteProtocolError) as caught:
        beta_session_from([])
    assert caught.value.code == "invalid_type"
