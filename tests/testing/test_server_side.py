from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from vivavoce.conversation.ids import CountingIds
from vivavoce.protocol import ServerEvent
from vivavoce.protocol.codec import client_event_from, encode_text
from vivavoce.testing import Answer, Pause, failed, one_response, spoken, tool_call, user_says, written
from vivavoce.testing.server_side import ServerSide


@pytest.fixture
def server() -> ServerSide:
    return ServerSide(CountingIds())


def forms(stream: Iterable[ServerEvent | Pause]) -> list[dict[str, Any]]:
    """The events in their JSON form; a pause is its seconds."""
    return [
        {"type": "pause", "seconds": event.seconds}
        if isinstance(event, Pause)
        else json.loads(encode_text(event))
        for event in stream
    ]


def kinds(stream: Iterable[ServerEvent | Pause]) -> list[str]:
    return [form["type"] for form in forms(stream)]


def said(server: ServerSide, **event: Any) -> Iterator[ServerEvent | Pause]:
    return server.reacts(client_event_from(event))


SPOKEN = [
    "response.created",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio_transcript.delta",
    "response.output_audio.delta",
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]


def test_a_spoken_answer_is_whole_and_in_order(server: ServerSide) -> None:
    events = forms(server.answers(spoken("Good day.", audio_ms=500)))
    assert [event["type"] for event in events] == SPOKEN
    assert "".join(event["delta"] for event in events if "transcript.delta" in event["type"]) == "Good day."
    audio = [event["delta"] for event in events if event["type"] == "response.output_audio.delta"]
    assert sum(len(delta) * 3 // 4 for delta in audio) == 500 * 48
    assert events[-1]["response"]["status"] == "completed"
    assert events[-1]["response"]["output"] == [events[-2]["item"]]
    assert not server.busy


def test_an_answer_that_takes_its_time_pauses_after_every_word(server: ServerSide) -> None:
    pauses = [e for e in forms(server.answers(spoken("One two.", pace=0.5))) if e["type"] == "pause"]
    assert pauses == [{"type": "pause", "seconds": 0.15}] * 2


def test_a_model_thinks_after_its_response_has_begun(server: ServerSide) -> None:
    assert kinds(server.answers(one_response(Pause(0.5), "Hm")))[:3] == [
        "response.created",
        "pause",
        "response.output_item.added",
    ]


def test_audio_is_in_the_format_of_the_session(server: ServerSide) -> None:
    output = {"format": {"type": "audio/pcmu"}}
    session = {"type": "realtime", "audio": {"output": output}}
    (updated,) = forms(said(server, type="session.update", session=session))
    assert updated["session"]["audio"]["output"] == {"format": {"type": "audio/pcmu"}, "voice": "alloy"}
    (audio,) = [
        e["delta"]
        for e in forms(server.answers(spoken("Hm", audio_ms=120)))
        if e["type"] == "response.output_audio.delta"
    ]
    assert len(audio) * 3 // 4 == 120 * 8


def test_a_written_answer(server: ServerSide) -> None:
    events = forms(server.answers(written("Good day.")))
    assert [event["type"] for event in events if "text" in event["type"]] == [
        "response.output_text.delta",
        "response.output_text.done",
    ]
    assert events[-1]["response"]["output"][0]["content"] == [{"type": "output_text", "text": "Good day."}]


def test_calls_side_by_side_are_items_of_one_response(server: ServerSide) -> None:
    events = forms(server.answers(one_response("Wait.", tool_call("a", call_id="c7"), tool_call("b"))))
    output = events[-1]["response"]["output"]
    assert [item.get("call_id") for item in output] == [None, "c7", "call_1"]
    done = [event for event in events if event["type"] == "response.output_item.done"]
    assert [event["output_index"] for event in done] == [0, 1, 2]
    assert kinds([]) == []


def test_a_failure_ends_the_response(server: ServerSide) -> None:
    events = forms(server.answers(one_response("Well", failed("on fire"), "never said")))
    response = events[-1]["response"]
    assert (response["status"], response["status_details"]["error"]["message"]) == ("failed", "on fire")
    assert len(response["output"]) == 1
    assert not server.busy


def test_items_are_chained_in_the_order_of_the_conversation(server: ServerSide) -> None:
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
    first = forms(said(server, type="conversation.item.create", item=item))
    assert [event["type"] for event in first] == ["conversation.item.added", "conversation.item.done"]
    assert first[0]["previous_item_id"] is None
    added = [e for e in forms(server.answers(spoken("Hello"))) if e["type"] == "conversation.item.added"]
    assert added[0]["previous_item_id"] == first[0]["item"]["id"]
    front = forms(
        said(server, type="conversation.item.create", item={**item, "id": "mine"}, previous_item_id="root")
    )
    assert (front[0]["previous_item_id"], front[0]["item"]["id"]) == (None, "mine")
    committed = forms(said(server, type="input_audio_buffer.commit"))
    assert committed[0]["previous_item_id"] == added[0]["item"]["id"]


def test_a_turn_of_the_user_interrupts_what_is_being_said(server: ServerSide) -> None:
    answer = server.answers(spoken("One two three", pace=1.0))
    begun = []
    for event in answer:
        begun.append(event)
        if isinstance(event, Pause):
            break
    turn = forms(server.hears(user_says("Stop", pace=1.0)))
    assert [event["type"] for event in turn] == [
        "input_audio_buffer.speech_started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "pause",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
    ]
    assert turn[2]["transcript"] == "One"
    assert turn[6]["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
    assert list(answer) == []
    assert not server.busy


def test_who_may_not_interrupt_does_not(server: ServerSide) -> None:
    detection = {"type": "server_vad", "interrupt_response": False}
    session = {"type": "realtime", "audio": {"input": {"turn_detection": detection}}}
    list(said(server, type="session.update", session=session))
    answer = server.answers(spoken("One two"))
    next(answer)
    assert "response.done" not in kinds(server.hears(user_says("Stop")))
    assert server.busy
    none = {"type": "realtime", "audio": {"input": {"turn_detection": None}}}
    list(said(server, type="session.update", session=none))
    assert "response.done" in kinds(server.hears(user_says("Stop")))


def test_another_kind_of_turn_detection_keeps_nothing_of_the_old_one(server: ServerSide) -> None:
    session = {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "semantic_vad"}}}}
    (updated,) = forms(said(server, type="session.update", session=session))
    assert updated["session"]["audio"]["input"]["turn_detection"] == {"type": "semantic_vad"}


def test_a_truncated_message_keeps_the_words_that_were_heard(server: ServerSide) -> None:
    done = forms(server.answers(spoken("One two three")))[-1]
    item_id = done["response"]["output"][0]["id"]
    where = {"item_id": item_id, "content_index": 0}
    list(said(server, type="conversation.item.truncate", audio_end_ms=650, **where))
    (retrieved,) = forms(said(server, type="conversation.item.retrieve", item_id=item_id))
    assert retrieved["item"]["content"] == [{"type": "output_audio", "transcript": "One two"}]
    list(said(server, type="conversation.item.delete", item_id=item_id))
    (error,) = forms(said(server, type="conversation.item.retrieve", item_id=item_id, event_id="mine"))
    assert (error["error"]["code"], error["error"]["event_id"]) == ("item_not_found", "mine")


@pytest.mark.parametrize(
    ("event", "answers"),
    [
        ({"type": "input_audio_buffer.clear"}, ["input_audio_buffer.cleared"]),
        ({"type": "conversation.item.delete", "item_id": "i"}, ["conversation.item.deleted"]),
        (
            {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 9},
            ["conversation.item.truncated"],
        ),
        ({"type": "response.cancel"}, []),
        ({"type": "response.create"}, []),
        ({"type": "input_audio_buffer.append", "audio": "AAAA"}, []),
    ],
)
def test_what_a_server_does_by_itself(server: ServerSide, event: dict[str, Any], answers: list[str]) -> None:
    assert kinds(said(server, **event)) == answers


def test_a_second_response_is_refused_and_the_running_one_can_be_cancelled(server: ServerSide) -> None:
    answer = server.answers(spoken("One two"))
    next(answer)
    (refusal,) = forms(said(server, type="response.create", event_id="mine"))
    assert refusal["error"]["code"] == "conversation_already_has_active_response"
    assert refusal["error"]["event_id"] == "mine"
    (done,) = forms(said(server, type="response.cancel"))
    assert done["response"]["status_details"]["reason"] == "client_cancelled"


@pytest.mark.clients
@pytest.mark.parametrize(
    "answer", [spoken("Good day."), written("Good day."), tool_call("a"), one_response("a", failed())]
)
def test_every_event_passes_the_official_types(server: ServerSide, answer: Answer) -> None:
    realtime = pytest.importorskip("openai.types.realtime", reason="needs the package openai")
    from pydantic import TypeAdapter

    valid = TypeAdapter[Any](realtime.RealtimeServerEvent)
    events = [*forms(server.opens()), *forms(server.hears(user_says("Hi"))), *forms(server.answers(answer))]
    for event in events:
        assert valid.validate_python(event).type == event["type"]
