"""Which responses run, what they wait for, and how clients stop them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vivavoce.conversation.effects import StartResponse
from vivavoce.protocol import ResponseCreated, ResponseDone, to_builtins

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk


def test_one_active_response(talk: Talk) -> None:
    talk.ask()
    assert talk.send("response.create", event_id="mine") == ["error"]
    assert talk.complaint == (
        "conversation_already_has_active_response",
        None,
        (
            "Conversation already has an active response in progress: resp_1. "
            "Wait until the response is finished before creating a new one."
        ),
    )
    assert talk.json["error"]["event_id"] == "mine"
    assert talk.write() == [*talk.ITEM]
    assert talk.text("Hi")[-1] == talk.TEXT
    talk.finish()
    assert talk.ask() == ["response.created"]


def test_a_response_stays_active_until_its_audio_has_left(talk: Talk) -> None:
    talk.ask()
    talk.clause("Hello.", 2000)
    talk.finish()
    assert talk.ask() == ["error"]
    talk.tick(1.51)
    assert talk.ask() == ["response.created"]


def test_responses_beside_the_conversation_run_in_parallel(talk: Talk) -> None:
    talk.ask()
    for _ in range(2):
        assert talk.ask(conversation="none", output_modalities=["text"]) == ["response.created"]
    first, second, third = (effect.response_id for effect in talk.of(StartResponse))
    assert talk.text("b", second)[0] == "response.output_item.added"
    talk.text("c", third)
    talk.text("a", first)
    assert talk.finish(response=second)[-1] == "response.done"
    assert talk.last(ResponseDone).response.conversation_id is None
    assert talk.finish(response=first)[-1] == "response.done"
    assert talk.last(ResponseDone).response.conversation_id == "conv_1"
    assert talk.send("response.cancel", response_id=third)[-1] == "response.done"
    assert talk.last(ResponseDone).response.id == third


def test_side_responses_are_bounded_and_leave_room_for_the_turn(talk: Talk) -> None:
    for _ in range(16):
        assert talk.ask(conversation="none") == ["response.created"]
    assert talk.ask(conversation="none") == ["error"]
    assert talk.complaint[0] == "rate_limit_exceeded"
    assert talk.json["error"]["type"] == "rate_limit_error"
    assert talk.speak()[-1] == "response.created"


def test_nothing_to_cancel(talk: Talk) -> None:
    for more in ({}, {"response_id": "resp_1"}):
        assert talk.send("response.cancel", event_id="mine", **more) == ["error"]
        param = "response_id" if more else None
        expected = ("response_cancel_not_active", param, "Cancellation failed: no active response found")
        assert talk.complaint == expected
    talk.ask(conversation="none")
    assert talk.send("response.cancel") == ["error"]
    assert talk.send("response.cancel", response_id="resp_1") == ["response.done"]


def test_cancelling_by_id_leaves_the_others(talk: Talk) -> None:
    talk.ask()
    talk.ask(conversation="none")
    talk.send("response.cancel", response_id="resp_2")
    assert talk.ask() == ["error"]
    talk.send("response.cancel", response_id="resp_1")
    assert talk.ask() == ["response.created"]


def test_an_answer_waits_for_the_transcript(talk: Talk) -> None:
    assert talk.speak()[-1] == "response.created"
    assert talk.of(StartResponse) == []
    talk.transcript("item_1", "Hello")
    item = talk.started.items[0]
    assert item.content[0].transcript == "Hello"  # type: ignore[union-attr]  # a message


def test_an_answer_waits_for_every_transcript(button_talk: Talk) -> None:
    talk = button_talk
    for _ in range(2):
        talk.append(200)
        talk.send("input_audio_buffer.commit")
    talk.ask()
    talk.transcript("item_2")
    assert talk.of(StartResponse) == []
    talk.server.receive_transcript_failure("item_1", "No ears.", talk.now)
    assert talk.take() == []
    assert [item.id for item in talk.started.items] == ["item_1", "item_2"]


def test_a_transcript_that_never_comes_is_not_waited_for_forever(talk_with: type[Talk]) -> None:
    talk = talk_with(transcription_wait_s=2.0)
    talk.speak()
    talk.tick(1.8)
    assert talk.of(StartResponse) == []
    talk.tick(0.2)
    assert [item.id for item in talk.started.items] == ["item_1"]
    assert talk.transcript("item_1", "Late") == []


def test_each_answer_has_its_own_patience(talk_with: type[Talk]) -> None:
    talk = talk_with(transcription_wait_s=2.0)
    talk.listen_with(turn_detection=None)
    talk.append(200)
    talk.send("input_audio_buffer.commit")
    talk.ask()
    talk.tick(1)
    talk.ask(conversation="none")
    talk.server.pause_output()
    began = []
    for _ in range(2):
        talk.tick(1.1)
        began.append(talk.started.response_id)
    assert began == ["resp_1", "resp_2"]


def test_a_response_with_its_own_input_waits_only_for_that(button_talk: Talk) -> None:
    talk = button_talk
    talk.append(200)
    talk.send("input_audio_buffer.commit")
    talk.write()
    talk.ask(conversation="none", input=[{"type": "item_reference", "id": "item_2"}])
    assert talk.started.response_id == "resp_1"
    talk.ask(conversation="none", input=[{"type": "item_reference", "id": "item_1"}])
    assert talk.started.response_id == "resp_1"
    talk.transcript("item_1")
    assert talk.started.response_id == "resp_2"


def test_ids_of_responses_are_never_used_again(talk: Talk) -> None:
    for _ in range(3):
        talk.ask()
        talk.finish()
    assert [event.response.id for event in talk.all(ResponseCreated)] == ["resp_1", "resp_2", "resp_3"]


def test_what_is_left_of_the_minute_is_told_after_each_response_of_the_conversation(
    talk_with: type[Talk],
) -> None:
    talk = talk_with(tokens_per_minute=600, instructions="")
    talk.ask()
    talk.text("x" * 400)
    assert talk.finish()[-2:] == ["response.done", "rate_limits.updated"]
    (limit,) = talk.json["rate_limits"]
    assert limit == {"name": "tokens", "limit": 600, "remaining": 500, "reset_seconds": 10.0}
    talk.ask(conversation="none")
    assert talk.finish() == ["response.done"]
    talk.ask()
    assert talk.send("response.cancel") == ["response.done", "rate_limits.updated"]


def test_a_session_that_has_spent_its_tokens_must_wait(talk_with: type[Talk]) -> None:
    talk = talk_with(tokens_per_minute=60, instructions="")
    talk.ask()
    talk.text("x" * 400)
    talk.finish()
    assert talk.ask() == ["response.created", "response.done", "rate_limits.updated"]
    response = to_builtins(talk.last(ResponseDone))["response"]
    assert response["status"] == "failed"
    assert response["status_details"]["error"] == {
        "type": "invalid_request_error",
        "code": "rate_limit_exceeded",
        "message": "Rate limit reached: 60 tokens per minute. Please try again in 41s.",
    }
    talk.tick(41)
    assert talk.ask() == ["response.created"]


def test_without_a_bound_nothing_is_told_of_limits(talk: Talk) -> None:
    talk.ask()
    assert talk.finish() == ["response.done"]
