from __future__ import annotations

from math import inf
from typing import Any

import pytest

from vivavoce.connections.replay_script import (
    Comparison,
    RecordedPlayback,
    ReplayDifference,
    Step,
    changes,
    key_of,
    steps_of,
)
from vivavoce.errors import ConfigurationError
from vivavoce.observe.recording import RecordedEvent, Recording, Sender
from vivavoce.protocol import ConversationItemRetrieved, MessageItem, ResponseOutputAudioDelta, Unknown

CREATED = {"type": "session.created", "event_id": "e", "session": {"type": "realtime"}}
PART = {"event_id": "e", "item_id": "i", "response_id": "r", "output_index": 0, "content_index": 0}
UPDATE = {"type": "session.update", "session": {"type": "realtime", "instructions": "Be kind."}}
RESPOND = {"type": "response.create"}
CALL = {"type": "function_call", "id": "i1", "call_id": "c1", "name": "f", "arguments": "{}"}
CALLED = {
    "type": "response.output_item.done",
    "event_id": "e",
    "response_id": "r",
    "output_index": 0,
    "item": CALL,
}


def create(**item: Any) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": item}


def output(call_id: str, text: str, **more: Any) -> dict[str, Any]:
    return create(type="function_call_output", call_id=call_id, output=text, **more)


def said(role: str, text: str) -> dict[str, Any]:
    return create(type="message", role=role, content=[{"type": "input_text", "text": text}])


def recording(*entries: tuple[Sender, dict[str, Any]]) -> Recording:
    events = [("server", CREATED), *entries]
    return Recording(
        tuple(RecordedEvent(float(at), sender, event) for at, (sender, event) in enumerate(events))
    )


def expected(*entries: tuple[Sender, dict[str, Any]]) -> list[tuple[float, Any]]:
    return [(step.at, step.key) for step in steps_of(recording(*entries)) if step.key is not None]


@pytest.mark.parametrize(
    ("event", "key"),
    [
        (UPDATE, ("session.update", "")),
        (RESPOND, ("response.create", "")),
        (output("c1", "x"), ("function_call_output", "c1")),
        (said("system", "x"), ("system_message", "")),
        (said("user", "x"), None),
        (create(type="function_call", name="f", arguments="{}"), None),
        ({"type": "response.cancel"}, None),
        ({"type": "conversation.item.create"}, None),
    ],
)
def test_what_the_agent_does_is_told_from_the_rest(event: dict[str, Any], key: Any) -> None:
    assert key_of(event) == key


def test_what_the_agent_did_must_come_again() -> None:
    assert expected(
        ("client", UPDATE),
        ("client", said("user", "what time is it?")),
        ("client", RESPOND),  # the person's
        ("server", CALLED),
        ("client", output("c1", "noon")),
        ("client", RESPOND),  # the agent's
        ("client", RESPOND),  # somebody else's
    ) == [
        (1.0, ("session.update", "")),
        (5.0, ("function_call_output", "c1")),
        (6.0, ("response.create", "")),
    ]


def test_a_message_of_the_person_takes_the_next_request() -> None:
    found = expected(
        ("server", CALLED),
        ("client", output("c1", "noon")),
        ("client", said("user", "wait")),
        ("client", RESPOND),
    )
    assert [key for _, key in found] == [("function_call_output", "c1")]


def test_words_to_the_model_ask_for_an_answer_too() -> None:
    found = expected(("client", said("system", "do not say that")), ("client", RESPOND))
    assert [key for _, key in found] == [("system_message", ""), ("response.create", "")]


def test_outputs_of_an_earlier_conversation_are_not_expected() -> None:
    assert expected(("client", output("c0", "old")), ("client", RESPOND)) == []


def test_calls_are_known_from_a_finished_response_too() -> None:
    response = {"object": "realtime.response", "id": "r", "status": "completed", "output": [CALL]}
    done = {"type": "response.done", "event_id": "e", "response": response}
    assert len(expected(("server", done), ("client", output("c1", "x")))) == 1


def test_what_passes_while_a_connection_is_made_anew_is_left_out() -> None:
    steps = steps_of(
        recording(
            ("session", {"type": "connection_lost"}),
            ("server", CREATED),
            ("client", UPDATE),
            ("session", {"type": "reconnecting"}),
            ("session", {"type": "reconnected"}),
            ("client", RESPOND),
        )
    )
    assert [step.at for step in steps] == [0.0, 6.0]


@pytest.mark.parametrize(
    ("name", "byte"), [("audio/pcm", b"\x00"), ("audio/pcmu", b"\xff"), ("audio/pcma", b"\xd5")]
)
def test_audio_that_was_left_out_is_silence_of_the_same_length(name: str, byte: bytes) -> None:
    session = {"type": "realtime", "audio": {"output": {"format": {"type": name}}}}
    delta = {"type": "response.output_audio.delta", "delta": "7 bytes", **PART}
    steps = steps_of(
        recording(
            ("server", {"type": "session.updated", "event_id": "e", "session": session}),
            ("server", {"type": "session.updated", "event_id": "e", "session": {"type": "realtime"}}),
            ("server", delta),
            ("server", {**delta, "delta": "AAEC"}),
        )
    )
    silent, kept = steps[3].say, steps[4].say
    assert isinstance(silent, ResponseOutputAudioDelta)
    assert isinstance(kept, ResponseOutputAudioDelta)
    assert silent.delta == byte * 7
    assert kept.delta == b"\x00\x01\x02"


def test_audio_in_items_is_left_out() -> None:
    part = {"type": "input_audio", "audio": "960 bytes", "transcript": "hi"}
    item = {"type": "message", "id": "i", "role": "user", "content": [part]}
    steps = steps_of(
        recording(("server", {"type": "conversation.item.retrieved", "event_id": "e", "item": item}))
    )
    event = steps[1].say
    assert isinstance(event, ConversationItemRetrieved)
    assert isinstance(event.item, MessageItem)
    assert "audio=" not in repr(event.item.content)


def test_unknown_events_are_delivered_too() -> None:
    assert isinstance(steps_of(recording(("server", {"type": "new.thing"})))[1].say, Unknown)


def test_a_recording_that_cannot_be_replayed_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"'response.done' at 1.00 s cannot be replayed"):
        steps_of(recording(("server", {"type": "response.done", "event_id": "e"})))
    with pytest.raises(ConfigurationError, match="no session begins in it"):
        steps_of(Recording((RecordedEvent(0.0, "client", RESPOND),)))


def test_as_much_was_heard_as_in_the_recording() -> None:
    cut = {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 700}
    tracker = RecordedPlayback(
        recording(("client", cut), ("client", {"type": "conversation.item.truncate", "item_id": "j"}))
    )
    assert tracker.played_ms("i", 0) == 700
    assert tracker.played_ms("j", 0) == inf


# --- comparing ----------------------------------------------------------------------------------------------


def step(at: float, form: dict[str, Any]) -> Step:
    return Step(at, key=key_of(form), form=form)


def test_what_is_the_same_but_for_ids_is_no_difference() -> None:
    steps = [step(1.0, UPDATE), step(2.0, output("c1", "noon", id="item_1")), step(3.0, RESPOND)]
    comparison = Comparison(steps)
    assert not comparison.take(steps[0])
    comparison.arrived({**UPDATE, "event_id": "another"}, 1.0)
    comparison.arrived(output("c1", "noon", id="item_2"), 2.0)
    comparison.arrived(RESPOND | {"event_id": "x"}, 3.0)
    comparison.arrived({"type": "input_audio_buffer.append", "audio": "10 bytes"}, 3.0)
    assert all(comparison.take(one) for one in steps)
    assert comparison.differences == []


def test_differences_say_where_and_what() -> None:
    steps = [step(1.0, UPDATE), step(2.0, output("c1", "noon")), step(3.0, said("system", "stop"))]
    comparison = Comparison(steps)
    comparison.arrived(
        {"type": "session.update", "session": {"type": "realtime", "instructions": "Be rude.", "tools": []}},
        1.0,
    )
    comparison.arrived(output("c1", "midnight"), 2.0)
    comparison.arrived(output("c7", "?"), 2.5)
    assert comparison.take(steps[0])
    assert comparison.take(steps[1])
    comparison.give_up(steps[2])
    assert [str(one) for one in comparison.differences] == [
        "at 1.00 s: session.update instructions: recorded 'Be kind.', now 'Be rude.'",
        "at 1.00 s: session.update tools: recorded None, now []",
        "at 2.00 s: function_call_output c1: recorded 'noon', now 'midnight'",
        "at 2.50 s: function_call_output c7: now '?', which was not recorded",
        "at 3.00 s: system_message: recorded [{'type': 'input_text', 'text': 'stop'}], but it did not come",
    ]


def test_what_comes_late_is_not_missing() -> None:
    steps = [step(1.0, output("c1", "noon"))]
    comparison = Comparison(steps)
    comparison.give_up(steps[0])
    assert [one.kind for one in comparison.differences] == ["missing"]
    comparison.arrived(output("c1", "noon"), 9.0)
    assert comparison.differences == []


def test_the_person_may_ask_again() -> None:
    comparison = Comparison([Step(1.0, form=RESPOND), Step(2.0, form={"type": "response.cancel"})])
    comparison.arrived(RESPOND, 1.0)
    assert comparison.differences == []
    comparison.arrived(RESPOND, 1.5)
    assert comparison.differences == [ReplayDifference("unexpected", 1.5, "response.create", present={})]


def test_kinds_can_be_ignored() -> None:
    comparison = Comparison([], ignore=["function_call_output"])
    comparison.arrived(output("c1", "noon"), 1.0)
    comparison.arrived(RESPOND, 1.0)
    assert [one.what for one in comparison.differences] == ["response.create"]
    with pytest.raises(ConfigurationError, match=r"cannot ignore tools; what is compared is: session.update"):
        Comparison([], ignore=["tools"])


@pytest.mark.parametrize(
    ("recorded", "present", "found"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 3}]}}, [("a.b[1].c", 2, 3)]),
        ([1, 2], [1], [("", [1, 2], [1])]),
        ({"a": 1}, {"b": 1}, [("a", 1, None), ("b", None, 1)]),
        ("x", ["x"], [("", "x", ["x"])]),
    ],
)
def test_changes_of_values(recorded: Any, present: Any, found: Any) -> None:
    assert list(changes(recorded, present)) == found
