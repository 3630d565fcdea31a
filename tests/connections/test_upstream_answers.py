"""An upstream's answers, cut off at every point, end as the API ends them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from vivavoce.connections.upstream_answers import OpenAnswers
from vivavoce.conversation.ids import CountingIds
from vivavoce.protocol import ServerEvent, encode_text
from vivavoce.protocol.codec import relayed

MESSAGE = {"id": "i", "type": "message", "role": "assistant", "content": []}
CALL = {"id": "c", "type": "function_call", "call_id": "call_1", "name": "look", "arguments": ""}
AT = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
OF_CALL = {"response_id": "r", "item_id": "c", "output_index": 1, "call_id": "call_1"}

SPOKEN: list[tuple[str, dict[str, Any]]] = [
    ("response.created", {"response": {"id": "r", "status": "in_progress"}}),
    ("response.output_item.added", {"response_id": "r", "output_index": 0, "item": MESSAGE}),
    ("conversation.item.added", {"item": MESSAGE}),
    ("response.content_part.added", {**AT, "part": {"type": "audio", "transcript": ""}}),
    ("response.output_audio_transcript.delta", {**AT, "delta": "Good "}),
    ("response.output_audio.delta", {**AT, "delta": "AAAA"}),
    ("response.output_audio_transcript.delta", {**AT, "delta": "day."}),
    ("response.output_audio.done", AT),
    ("response.output_audio_transcript.done", {**AT, "transcript": "Good day."}),
    ("response.content_part.done", {**AT, "part": {"type": "audio", "transcript": "Good day."}}),
    ("conversation.item.done", {"item": {**MESSAGE, "status": "completed"}}),
    ("response.output_item.done", {"response_id": "r", "output_index": 0, "item": MESSAGE}),
    ("response.done", {"response": {"id": "r", "status": "completed"}}),
]
WRITTEN: list[tuple[str, dict[str, Any]]] = [
    *SPOKEN[:3],
    ("response.content_part.added", {**AT, "part": {"type": "text", "text": ""}}),
    ("response.output_text.delta", {**AT, "delta": "Good day."}),
    ("response.output_text.done", {**AT, "text": "Good day."}),
    ("response.content_part.done", {**AT, "part": {"type": "text", "text": "Good day."}}),
    *SPOKEN[10:],
]
CALLED: list[tuple[str, dict[str, Any]]] = [
    SPOKEN[0],
    ("response.output_item.added", {"response_id": "r", "output_index": 1, "item": CALL}),
    ("conversation.item.added", {"item": CALL}),
    ("response.function_call_arguments.delta", {**OF_CALL, "delta": '{"a"'}),
    ("response.function_call_arguments.done", {**OF_CALL, "name": "look", "arguments": '{"a":1}'}),
    ("conversation.item.done", {"item": {**CALL, "arguments": '{"a":1}'}}),
    ("response.output_item.done", {"response_id": "r", "output_index": 1, "item": CALL}),
    SPOKEN[-1],
]


def noted(steps: list[tuple[str, dict[str, Any]]]) -> OpenAnswers:
    answers = OpenAnswers(CountingIds())
    for kind, fields in steps:
        answers.note(relayed(json.dumps({"type": kind, "event_id": "e", **fields})))
    return answers


def kinds(events: list[ServerEvent]) -> list[str]:
    return [str(event.type) for event in events]


DONES = {
    "response.created": "response.done",
    "response.output_item.added": "response.output_item.done",
    "conversation.item.added": "conversation.item.done",
    "response.content_part.added": "response.content_part.done",
}


@pytest.mark.parametrize("steps", [SPOKEN, WRITTEN, CALLED], ids=["spoken", "written", "called"])
def test_wherever_it_is_cut_everything_that_began_ends_once_and_in_order(
    steps: list[tuple[str, dict[str, Any]]],
) -> None:
    whole = [kind for kind, _ in steps]
    for cut in range(len(steps) + 1):
        told = whole[:cut] + kinds(noted(steps[:cut]).cut("upstream_lost", "It is gone."))
        for began, ended in DONES.items():
            assert told.count(began) == told.count(ended), (cut, told)
        # What came after the cut are the last events of a whole answer, without those that carry news.
        rest = [kind for kind in whole if not kind.endswith((".delta", ".added", "created"))]
        assert [kind for kind in told if kind in rest] == [kind for kind in rest if kind in told], told
        assert told.count("response.done") == (1 if cut else 0)


def test_a_cut_answer_failed_and_shows_what_was_said() -> None:
    ending = noted(SPOKEN[:5]).cut("upstream_lost", "It is gone.")
    forms = {form["type"]: form for form in (json.loads(encode_text(event)) for event in ending)}
    item = {
        "type": "message",
        "id": "i",
        "status": "incomplete",
        "role": "assistant",
        "content": [{"type": "output_audio", "transcript": "Good "}],
    }
    assert forms["response.output_audio_transcript.done"]["transcript"] == "Good "
    assert forms["response.content_part.done"]["part"] == {"type": "audio", "transcript": "Good "}
    assert forms["conversation.item.done"]["item"] == item
    assert forms["response.output_item.done"]["item"] == item
    response = forms["response.done"]["response"]
    assert response["status"] == "failed"
    assert response["output"] == [item]
    assert response["status_details"]["error"]["code"] == "upstream_lost"


def test_an_item_that_was_final_stays_as_it_is() -> None:
    ending = noted(SPOKEN[:11]).cut("upstream_lost", "It is gone.")
    assert kinds(ending) == ["response.output_item.done", "response.done"]
    assert '"status":"completed"' in encode_text(ending[0])


def test_what_is_out_of_band_does_not_enter_the_conversation_at_its_end() -> None:
    ending = noted([SPOKEN[0], SPOKEN[1]]).cut("upstream_lost", "It is gone.")
    assert kinds(ending) == ["response.output_item.done", "response.done"]


def test_arguments_are_shown_as_far_as_they_came() -> None:
    ending = noted(CALLED[:4]).cut("upstream_lost", "It is gone.")
    assert json.loads(encode_text(ending[0])) | {"event_id": ""} == {
        "type": "response.function_call_arguments.done",
        "event_id": "",
        **OF_CALL,
        "name": "look",
        "arguments": '{"a"',
    }


def test_items_that_are_no_messages_and_no_calls_end_as_they_are() -> None:
    item = {"id": "m", "type": "mcp_call", "server_label": "s", "name": "n", "arguments": "", "output": None}
    answers = noted(
        [SPOKEN[0], ("response.output_item.added", {"response_id": "r", "output_index": 0, "item": item})]
    )
    ending = answers.cut("upstream_lost", "It is gone.")
    assert kinds(ending) == ["response.output_item.done", "response.done"]


def test_two_answers_end_each_with_its_own_items() -> None:
    other = {**AT, "response_id": "r2", "item_id": "i2"}
    second = {**MESSAGE, "id": "i2"}
    answers = noted(
        [
            SPOKEN[0],
            ("response.created", {"response": {"id": "r2", "status": "in_progress"}}),
            SPOKEN[1],
            ("response.output_item.added", {"response_id": "r2", "output_index": 0, "item": second}),
            ("response.content_part.added", {**other, "part": {"type": "text", "text": ""}}),
            SPOKEN[-1],
        ]
    )
    ending = answers.cut("upstream_lost", "It is gone.")
    assert all('"r2"' in encode_text(event) for event in ending)
    assert kinds(ending)[-1] == "response.done"
    assert answers.cut("upstream_lost", "It is gone.") == []


def test_two_answers_that_are_both_open_keep_apart() -> None:
    second = ("response.created", {"response": {"id": "r2", "status": "in_progress"}})
    ending = noted([SPOKEN[0], second, SPOKEN[1]]).cut("upstream_lost", "It is gone.")
    assert kinds(ending) == ["response.output_item.done", "response.done", "response.done"]
    outputs = [json.loads(encode_text(event))["response"]["output"] for event in ending[1:]]
    assert [len(output) for output in outputs] == [1, 0]


def test_events_of_nothing_that_began_are_passed_over() -> None:
    assert noted([*SPOKEN[2:], *CALLED[2:]]).cut("upstream_lost", "It is gone.") == []
    nameless = {"type": "message", "role": "assistant", "content": []}
    added = ("response.output_item.added", {"response_id": "r", "output_index": 0, "item": nameless})
    assert kinds(noted([SPOKEN[0], added]).cut("c", "m")) == ["response.done"]
