"""What clients of the beta are shown: every event of a GA server, under the eyes of the beta's own types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pydantic
import pytest
from openai.types.beta.realtime import RealtimeServerEvent

from vivavoce.protocol import (
    SERVER_EVENT_TYPES,
    AudioInput,
    AudioOutput,
    AudioPart,
    ConversationItemAdded,
    ConversationItemDone,
    ConversationItemInputAudioTranscriptionDelta,
    ConversationItemRetrieved,
    CustomVoice,
    ErrorDetail,
    ErrorEvent,
    FunctionCallItem,
    FunctionTool,
    InputAudioBufferSpeechStarted,
    InputText,
    McpCallItem,
    McpTool,
    MessageItem,
    OutputAudio,
    OutputText,
    PcmaFormat,
    PcmFormat,
    PcmuFormat,
    RateLimit,
    RateLimitsUpdated,
    RealtimeSession,
    Response,
    ResponseAudio,
    ResponseAudioOutput,
    ResponseContentPartAdded,
    ResponseCreated,
    ResponseDone,
    ResponseFunctionCallArgumentsDone,
    ResponseOutputAudioDelta,
    ResponseOutputItemAdded,
    ResponseOutputItemDone,
    ServerEvent,
    ServerVad,
    SessionAudio,
    SessionCreated,
    SessionUpdated,
    ToolChoiceFunction,
    Transcription,
    TranscriptionSession,
    TranscriptionSessionAudio,
    Unknown,
    server_event_from,
)
from vivavoce.protocol.beta_server import BetaTranslator, beta_session

ORACLE: pydantic.TypeAdapter[Any] = pydantic.TypeAdapter(RealtimeServerEvent)

SESSION = RealtimeSession(
    id="sess_1",
    object="realtime.session",
    model="gpt-realtime",
    output_modalities=["audio"],
    instructions="Be brief.",
    tools=[],
    tool_choice="auto",
    max_output_tokens="inf",
    temperature=0.8,
    tracing=None,
    expires_at=5,
    audio=SessionAudio(
        input=AudioInput(
            format=PcmuFormat(),
            transcription=Transcription(model="whisper-1", language=None, prompt=None, delay="low"),
            noise_reduction=None,
            turn_detection=ServerVad(threshold=0.5, idle_timeout_ms=None, create_response=True),
        ),
        output=AudioOutput(format=PcmaFormat(), voice="ash", speed=1.0),
    ),
)


def translated(*events: ServerEvent | Unknown) -> list[dict[str, Any]]:
    """The events of the beta, each of them valid under its types."""
    translator = BetaTranslator()
    forms = [form for event in events for form in translator.translate(event)]
    for form in forms:
        assert ORACLE.validate_python(form).type == form["type"]
    return forms


def types(forms: Sequence[dict[str, Any]]) -> list[str]:
    return [form["type"] for form in forms]


def response(**fields: Any) -> Response:
    return Response(
        id="resp_1",
        status="in_progress",
        conversation_id="conv_9",
        output_modalities=["audio"],
        max_output_tokens=5,
        audio=ResponseAudio(output=ResponseAudioOutput(format=PcmFormat(), voice="ash")),
        **fields,
    )


def test_a_session_is_flat_and_the_conversation_follows_it() -> None:
    created, conversation = translated(SessionCreated(event_id="event_1", session=SESSION))
    assert created == {
        "type": "session.created",
        "event_id": "event_1",
        "session": {
            "id": "sess_1",
            "object": "realtime.session",
            "model": "gpt-realtime",
            "modalities": ["text", "audio"],
            "instructions": "Be brief.",
            "tools": [],
            "tool_choice": "auto",
            "max_response_output_tokens": "inf",
            "temperature": 0.8,
            "tracing": None,
            "expires_at": 5,
            "input_audio_format": "g711_ulaw",
            "input_audio_transcription": {"model": "whisper-1", "language": None, "prompt": None},
            "input_audio_noise_reduction": None,
            "turn_detection": {"type": "server_vad", "threshold": 0.5, "create_response": True},
            "output_audio_format": "g711_alaw",
            "voice": "ash",
            "speed": 1.0,
            "client_secret": None,
        },
    }
    assert conversation["type"] == "conversation.created"
    assert conversation["conversation"] == {"id": "conv_1", "object": "realtime.conversation"}
    assert conversation["event_id"] != created["event_id"]


def test_of_a_part_of_a_session_only_that_part_is_said() -> None:
    assert beta_session(RealtimeSession()) == {}
    assert beta_session(RealtimeSession(instructions="x")) == {"instructions": "x"}
    assert beta_session(RealtimeSession(audio=SessionAudio(output=AudioOutput(speed=1.5)))) == {"speed": 1.5}


@pytest.mark.parametrize(
    ("session", "name", "shown"),
    [
        (RealtimeSession(output_modalities=["text"]), "modalities", ["text"]),
        (RealtimeSession(tool_choice=ToolChoiceFunction(name="f")), "tool_choice", "f"),
        (RealtimeSession(tool_choice="required"), "tool_choice", "required"),
        (
            RealtimeSession(tools=[FunctionTool(name="f"), McpTool(server_label="l")]),
            "tools",
            [{"type": "function", "name": "f"}],
        ),
        (
            RealtimeSession(audio=SessionAudio(output=AudioOutput(voice=CustomVoice(id="voice_1")))),
            "voice",
            "voice_1",
        ),
        (
            RealtimeSession(audio=SessionAudio(input=AudioInput(turn_detection=None))),
            "turn_detection",
            None,
        ),
    ],
)
def test_a_setting_has_the_form_of_the_beta(session: RealtimeSession, name: str, shown: object) -> None:
    (form,) = translated(SessionUpdated(event_id="event_1", session=session))
    assert form["session"][name] == shown


def test_a_transcription_session_is_updated_by_an_event_of_its_own() -> None:
    session = TranscriptionSession(
        id="sess_1",
        object="realtime.transcription_session",
        audio=TranscriptionSessionAudio(input=AudioInput(format=PcmFormat(), turn_detection=None)),
    )
    (form,) = translated(SessionUpdated(event_id="event_1", session=session))
    assert form["type"] == "transcription_session.updated"
    assert form["session"]["input_audio_format"] == "pcm16"
    assert form["session"]["turn_detection"] is None
    assert "modalities" not in form["session"]


def test_an_item_is_created_once() -> None:
    item = MessageItem(id="item_1", role="user", status="completed", content=[InputText(text="hi")])
    (form,) = translated(
        ConversationItemAdded(event_id="event_1", previous_item_id=None, item=item),
        ConversationItemDone(event_id="event_2", previous_item_id=None, item=item),
    )
    assert form["type"] == "conversation.item.created"
    assert form["previous_item_id"] is None
    assert form["item"]["object"] == "realtime.item"


def test_what_the_assistant_says_has_the_names_of_the_beta() -> None:
    item = MessageItem(
        id="item_1",
        role="assistant",
        status="completed",
        phase="commentary",
        content=[OutputText(text="a"), OutputAudio(transcript="b")],
    )
    (form,) = translated(ConversationItemRetrieved(event_id="event_1", item=item))
    assert [part["type"] for part in form["item"]["content"]] == ["text", "audio"]
    assert "phase" not in form["item"]


def test_the_events_of_a_spoken_answer_have_their_old_names() -> None:
    where: dict[str, Any] = {
        "response_id": "resp_1",
        "item_id": "item_1",
        "output_index": 0,
        "content_index": 0,
    }
    events = [
        ResponseContentPartAdded(event_id="e", part=AudioPart(transcript=""), **where),
        ResponseOutputAudioDelta(event_id="e", delta=b"\0\0", **where),
        *(
            server_event_from({"type": name, "event_id": "e", **where, **more})
            for name, more in {
                "response.output_text.delta": {"delta": "a", "obfuscation": "xyz"},
                "response.output_text.done": {"text": "a"},
                "response.output_audio.done": {},
                "response.output_audio_transcript.delta": {"delta": "a", "obfuscation": "xyz"},
                "response.output_audio_transcript.done": {"transcript": "a"},
            }.items()
        ),
    ]
    forms = translated(*events)
    assert types(forms) == [
        "response.content_part.added",
        "response.audio.delta",
        "response.text.delta",
        "response.text.done",
        "response.audio.done",
        "response.audio_transcript.delta",
        "response.audio_transcript.done",
    ]
    assert forms[1]["delta"] == "AAA="
    assert not any("obfuscation" in form for form in forms)


def test_a_response_is_flat_and_names_the_conversation_that_was_announced() -> None:
    call = FunctionCallItem(id="item_1", call_id="call_1", name="f", arguments="{}", status="completed")
    mcp = McpCallItem(id="item_2", server_label="l", name="f", arguments="{}")
    *_, form = translated(
        SessionCreated(event_id="event_1", session=SESSION),
        ResponseDone(event_id="event_2", response=response(temperature=0.7, output=[call, mcp])),
    )
    assert form["response"] == {
        "object": "realtime.response",
        "id": "resp_1",
        "status": "in_progress",
        "status_details": None,
        "output": [
            {
                "object": "realtime.item",
                "type": "function_call",
                "id": "item_1",
                "status": "completed",
                "call_id": "call_1",
                "name": "f",
                "arguments": "{}",
            }
        ],
        "conversation_id": "conv_1",
        "modalities": ["text", "audio"],
        "voice": "ash",
        "output_audio_format": "pcm16",
        "temperature": 0.7,
        "max_output_tokens": 5,
        "usage": None,
        "metadata": None,
    }


def test_a_response_outside_the_conversation_stays_there_and_may_say_little() -> None:
    bare = Response(id="resp_1", status="completed")
    forms = translated(
        SessionCreated(event_id="event_1", session=SESSION), ResponseDone(event_id="event_2", response=bare)
    )
    assert forms[-1]["response"]["conversation_id"] is None
    assert "modalities" not in forms[-1]["response"]


def test_before_a_conversation_was_announced_it_has_the_servers_name() -> None:
    (form,) = translated(ResponseCreated(event_id="event_1", response=response()))
    assert form["response"]["conversation_id"] == "conv_9"


def test_rate_limits_are_told_at_the_beginning_of_the_next_response() -> None:
    limits = RateLimitsUpdated(event_id="event_3", rate_limits=[RateLimit(name="tokens", limit=9)])
    begin, end = (
        ResponseCreated(event_id="event_1", response=response()),
        ResponseDone(event_id="event_2", response=response()),
    )
    forms = translated(begin, end, limits, begin, end, limits)
    assert types(forms) == [
        "response.created",
        "response.done",
        "rate_limits.updated",
        "response.created",
        "rate_limits.updated",
        "response.done",
    ]
    assert forms[4]["rate_limits"] == [{"name": "tokens", "limit": 9}]
    assert forms[4]["event_id"] not in {"event_1", "event_3"}


def test_a_call_that_is_complete_has_its_name() -> None:
    """The types of the beta do not list it, but its clients call their function by it."""
    (form,) = translated(
        ResponseFunctionCallArgumentsDone(
            event_id="e",
            response_id="r",
            item_id="i",
            output_index=0,
            call_id="c",
            name="f",
            arguments="{}",
        )
    )
    assert (form["name"], form["arguments"]) == ("f", "{}")


@pytest.mark.parametrize(
    ("code", "param", "shown"),
    [
        ("invalid_value", "session.audio.output.speed", "session.speed"),
        ("invalid_value", "session.output_modalities[0]", "session.modalities[0]"),
        ("invalid_value", "session.tools[0].name", "session.tools[0].name"),
        ("invalid_value", "session.audio.output.voices", "session.audio.output.voices"),
        ("invalid_value", "response.audio.output.voice", "response.voice"),
        ("invalid_value", "response.max_output_tokens", "response.max_response_output_tokens"),
        ("invalid_value", "item.content[0].text", "item.content[0].text"),
        ("invalid_value", None, None),
        ("unknown_parameter", "session.audio.input.turn_detection.later", "session.turn_detection.later"),
        ("unknown_parameter", "session.max_output_tokens", "session.max_output_tokens"),
        ("unknown_parameter", "response.output_modalities", "response.output_modalities"),
    ],
)
def test_an_error_names_fields_as_the_client_did(code: str, param: str | None, shown: str | None) -> None:
    message = f"'{param}' is wrong."
    detail = ErrorDetail(
        type="invalid_request_error", code=code, message=message, param=param, event_id="mine"
    )
    (form,) = translated(ErrorEvent(event_id="event_1", error=detail))
    assert form["error"]["param"] == shown
    assert form["error"]["message"] == f"'{shown}' is wrong."
    assert form["error"]["event_id"] == "mine"


def test_what_the_beta_does_not_know_is_not_said() -> None:
    mcp = McpCallItem(id="item_2", server_label="l", name="f", arguments="{}")
    assert not translated(
        Unknown(type="no.such", raw={"type": "no.such"}),
        ConversationItemAdded(event_id="e", item=mcp),
        ResponseOutputItemAdded(event_id="e", response_id="r", output_index=0, item=mcp),
        ResponseOutputItemDone(event_id="e", response_id="r", output_index=0, item=mcp),
    )


def test_what_is_the_same_in_both_is_said_as_it_is() -> None:
    (started, delta) = translated(
        InputAudioBufferSpeechStarted(event_id="e", audio_start_ms=1, item_id="i"),
        ConversationItemInputAudioTranscriptionDelta(event_id="e", item_id="i", delta="a", obfuscation="x"),
    )
    assert started == {
        "type": "input_audio_buffer.speech_started",
        "event_id": "e",
        "audio_start_ms": 1,
        "item_id": "i",
    }
    assert delta["delta"] == "a"
    assert "obfuscation" not in delta


def test_every_event_of_the_beta_is_known_or_said_under_another_name() -> None:
    union = RealtimeServerEvent.__origin__.__args__  # type: ignore[attr-defined]
    known = {event.model_fields["type"].annotation.__args__[0] for event in union}
    renamed = {"conversation.item.created", "conversation.created", "transcription_session.updated"}
    assert {
        name
        for name in known - set(SERVER_EVENT_TYPES) - renamed
        if name.replace("response.", "response.output_") not in SERVER_EVENT_TYPES
    } == set()
