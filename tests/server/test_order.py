"""The automaton of orders takes what the API promises, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from tests.server.order import OutOfOrderError, check_order

ANSWER = {"response_id": "r1", "output_index": 0}
PART = {**ANSWER, "item_id": "a1", "content_index": 0}
MESSAGE = {"id": "a1", "type": "message", "role": "assistant", "status": "completed", "content": []}
USER = {"id": "u1", "type": "message", "role": "user", "status": "completed", "content": []}
OPEN = {**MESSAGE, "status": "in_progress"}
CALL = {"id": "f1", "type": "function_call", "name": "f", "status": "completed"}
ARGUMENTS = {"response_id": "r1", "output_index": 1, "item_id": "f1", "call_id": "c"}
TRANSCRIPTION = "conversation.item.input_audio_transcription"


Said = tuple[str, dict[str, Any]]


def told(*events: Said) -> list[dict[str, Any]]:
    return [{"type": kind, "event_id": f"e{n}", **fields} for n, (kind, fields) in enumerate(events)]


def response(status: str, *output: dict[str, Any], conversation: str | None = "c1") -> dict[str, Any]:
    return {"response": {"id": "r1", "status": status, "output": output, "conversation_id": conversation}}


TURN: list[Said] = [
    ("input_audio_buffer.speech_started", {"item_id": "u1"}),
    ("input_audio_buffer.speech_stopped", {"item_id": "u1"}),
    ("input_audio_buffer.committed", {"item_id": "u1", "previous_item_id": None}),
    ("conversation.item.added", {"item": USER, "previous_item_id": None}),
    ("conversation.item.done", {"item": USER}),
    (f"{TRANSCRIPTION}.delta", {"item_id": "u1", "delta": "Hi"}),
    (f"{TRANSCRIPTION}.completed", {"item_id": "u1", "transcript": "Hi"}),
]
MESSAGE_BEGINS: list[Said] = [
    ("response.output_item.added", {**ANSWER, "item": OPEN}),
    ("conversation.item.added", {"item": OPEN, "previous_item_id": "u1"}),
    ("response.content_part.added", {**PART, "part": {"type": "audio"}}),
]
SPEECH: list[Said] = [
    ("response.output_audio_transcript.delta", {**PART, "delta": "Ho"}),
    ("response.output_audio.delta", {**PART, "delta": "AAAA"}),
    ("response.output_audio.done", PART),
    ("response.output_audio_transcript.done", {**PART, "transcript": "Ho"}),
]
MESSAGE_ENDS: list[Said] = [
    ("response.content_part.done", {**PART, "part": {"type": "audio"}}),
    ("conversation.item.done", {"item": MESSAGE}),
    ("response.output_item.done", {**ANSWER, "item": MESSAGE}),
]
FUNCTION: list[Said] = [
    ("response.output_item.added", {**ARGUMENTS, "item": {**CALL, "status": "in_progress"}}),
    ("conversation.item.added", {"item": {**CALL, "status": "in_progress"}, "previous_item_id": "a1"}),
    ("response.function_call_arguments.delta", {**ARGUMENTS, "delta": "{}"}),
    ("response.function_call_arguments.done", {**ARGUMENTS, "arguments": "{}"}),
    ("conversation.item.done", {"item": CALL}),
    ("response.output_item.done", {**ARGUMENTS, "item": CALL}),
]
SESSION = told(
    ("session.created", {}),
    *TURN,
    ("response.created", response("in_progress")),
    *MESSAGE_BEGINS,
    *SPEECH[:2],
    ("output_audio_buffer.started", {"response_id": "r1"}),
    *SPEECH[2:],
    *MESSAGE_ENDS,
    *FUNCTION,
    ("response.done", response("completed", MESSAGE, CALL)),
    ("rate_limits.updated", {"rate_limits": []}),
    ("output_audio_buffer.stopped", {"response_id": "r1"}),
    ("conversation.item.truncated", {"item_id": "a1", "audio_end_ms": 10}),
    ("conversation.item.deleted", {"item_id": "u1"}),
)
MAY_BE_MISSING = {
    "input_audio_buffer.speech_stopped",  # the client commits in the middle of speech
    "conversation.item.truncated",
    "conversation.item.deleted",
    "rate_limits.updated",
    f"{TRANSCRIPTION}.delta",
    f"{TRANSCRIPTION}.completed",
    "response.output_audio.delta",
}
MAY_REPEAT = {"response.output_audio.delta", "conversation.item.truncated", f"{TRANSCRIPTION}.delta"}
IDS = [f"{number}-{event['type']}" for number, event in enumerate(SESSION)]


def test_a_session_in_order_is_taken() -> None:
    check_order(SESSION)


@pytest.mark.parametrize("number", range(len(SESSION)), ids=IDS)
def test_an_event_that_is_missing_is_seen(number: int) -> None:
    rest = SESSION[:number] + SESSION[number + 1 :]
    if SESSION[number]["type"] in MAY_BE_MISSING:
        check_order(rest)
    else:
        with pytest.raises(OutOfOrderError):
            check_order(rest)


@pytest.mark.parametrize("number", range(len(SESSION)), ids=IDS)
def test_an_event_that_comes_twice_is_seen(number: int) -> None:
    again = [*SESSION[: number + 1], {**SESSION[number], "event_id": "again"}, *SESSION[number + 1 :]]
    if SESSION[number]["type"] in MAY_REPEAT:
        check_order(again)
    else:
        with pytest.raises(OutOfOrderError):
            check_order(again)


@pytest.mark.parametrize("number", range(1, len(SESSION)), ids=IDS[1:])
def test_two_events_that_change_places_are_seen(number: int) -> None:
    swapped = [*SESSION]
    swapped[number - 1], swapped[number] = swapped[number], swapped[number - 1]
    pair = {SESSION[number - 1]["type"], SESSION[number]["type"]}
    free = [
        {"conversation.item.done", f"{TRANSCRIPTION}.delta"},
        {f"{TRANSCRIPTION}.completed", "response.created"},
        {"response.output_audio_transcript.delta", "response.output_audio.delta"},
        {"response.output_audio.done", "response.output_audio_transcript.done"},
        {"conversation.item.added", "response.content_part.added"},
        {"conversation.item.truncated", "conversation.item.deleted"},
        {"conversation.item.added", "response.function_call_arguments.delta"},
        {"response.function_call_arguments.done", "conversation.item.done"},
        {"response.output_item.done", "response.output_item.added"},
        {"response.output_audio.delta", "output_audio_buffer.started"},  # a response may have many
        {"output_audio_buffer.started", "response.output_audio.done"},
        {"output_audio_buffer.stopped", "conversation.item.truncated"},
    ]
    if pair in free:
        return
    with pytest.raises(OutOfOrderError):
        check_order(swapped)


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([("session.created", {}), TURN[0]], "never ended"),
        ([("session.created", {}), ("response.created", response("in_progress"))], "never ended"),
        (
            [
                ("session.created", {}),
                ("response.created", response("in_progress", conversation=None)),
                ("response.output_item.added", {**ANSWER, "item": MESSAGE}),
                ("conversation.item.added", {"item": MESSAGE}),
            ],
            "out of band",
        ),
        ([("session.created", {}), ("mcp_list_tools.in_progress", {"item_id": "l"})], "never ended"),
        ([("session.created", {}), ("mcp_list_tools.completed", {"item_id": "l"})], "after None"),
        ([("session.created", {}), ("response.mcp_call.completed", {"item_id": "l"})], "after None"),
        ([("session.created", {}), ("conversation.item.retrieved", {"item": USER})], "without being there"),
        ([("session.created", {}), TURN[6]], "nobody heard of"),
    ],
)
def test_other_disorders(events: list[Said], why: str) -> None:
    with pytest.raises(OutOfOrderError, match=why):
        check_order(told(*events))


def test_an_event_id_that_comes_twice_is_seen() -> None:
    with pytest.raises(OutOfOrderError, match="event_id"):
        check_order([SESSION[0], {**SESSION[0]}])


STARTED: Said = ("output_audio_buffer.started", {"response_id": "r1"})
STOPPED: Said = ("output_audio_buffer.stopped", {"response_id": "r1"})
CLEARED: Said = ("output_audio_buffer.cleared", {"response_id": "r1"})
SPEAKS: list[Said] = [
    ("session.created", {}),
    *TURN,
    ("response.created", response("in_progress")),
    *MESSAGE_BEGINS,
    *SPEECH,
    *MESSAGE_ENDS,
]
SPOKEN: list[Said] = [*SPEAKS, ("response.done", response("completed", MESSAGE))]
OTHER = {"id": "r2", "status": "in_progress", "output": [], "conversation_id": "c1"}
OTHERS_PART = {"response_id": "r2", "output_index": 0, "item_id": "a2", "content_index": 0}
OTHER_SPEAKS: list[Said] = [
    *SPOKEN,
    STARTED,
    ("response.created", {"response": OTHER}),
    ("response.output_item.added", {**OTHERS_PART, "item": {**OPEN, "id": "a2"}}),
    ("conversation.item.added", {"item": {**OPEN, "id": "a2"}}),
    ("response.content_part.added", {**OTHERS_PART, "part": {"type": "audio"}}),
]


@pytest.mark.parametrize(
    ("events", "why"),
    [
        ([*SPOKEN], None),
        ([*SPOKEN, STARTED, STOPPED], None),
        ([*SPEAKS, STARTED, CLEARED, SPOKEN[-1]], None),
        ([*SPOKEN, CLEARED], None),
        ([*SPOKEN, STARTED], "never ended"),
        ([*SPEAKS, STARTED, STOPPED], "the response is active"),
        ([*SPOKEN, STOPPED], "it is not playing"),
        ([*SPOKEN, STARTED, STARTED], "played already"),
        ([*SPOKEN, STARTED, STOPPED, CLEARED], "it is over"),
        ([*SPOKEN, STARTED, CLEARED, STOPPED], "it is not playing"),
        ([*SPOKEN, CLEARED, STARTED], "played already"),
        ([SPOKEN[0], STARTED], "does not speak"),
        ([SPOKEN[0], CLEARED], "does not speak"),
        ([*OTHER_SPEAKS, ("output_audio_buffer.started", {"response_id": "r2"})], "another response"),
    ],
)
def test_what_is_played_in_order_and_out_of_it(events: list[Said], why: str | None) -> None:
    if why is None:
        check_order(told(*events))
    else:
        with pytest.raises(OutOfOrderError, match=why):
            check_order(told(*events))
