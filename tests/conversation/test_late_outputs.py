"""Results that come when their call was answered long ago."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.conversation.client_notices import ToolCalled
from vivavoce.protocol import ResponseCreate, ResponseCreateParams

if TYPE_CHECKING:
    from tests.conversation.conftest import Desk

GIVEN = ["conversation.item.create", "conversation.item.create"]
CALL = ToolCalled("1", "wave", '{"far": true}', "f", "r")


def finish(desk: Desk, call: ToolCalled = CALL, *, respond: bool = True) -> None:
    desk.client.late_output(call, f"result of {call.call_id}", desk.now, respond=respond)
    desk.drain()


def own_turn(desk: Desk) -> None:
    """The user has spoken, and the server answers by itself."""
    desk.hear("input_audio_buffer.speech_stopped", audio_end_ms=900, item_id="u")
    desk.hear("input_audio_buffer.committed", item_id="u", previous_item_id=None)


def test_the_model_gets_the_result_and_speaks_of_it(desk: Desk) -> None:
    finish(desk)
    call, output = (event["item"] for event in desk.sent[:2])
    assert (call["type"], call["call_id"], call["arguments"]) == ("function_call", "late_1", CALL.arguments)
    assert (output["type"], output["call_id"], output["output"]) == (
        *("function_call_output", "late_1", "result of 1"),
    )
    assert desk.take() == [*GIVEN, "response.create"]


def test_results_wait_while_the_agent_answers_and_come_together(desk: Desk) -> None:
    desk.answer("r2")
    finish(desk)
    finish(desk, ToolCalled("2", "wave", "{}", "g", "r"))
    assert desk.take() == []
    desk.end("r2")
    assert desk.take() == [*GIVEN, *GIVEN, "response.create"]
    desk.answer("r3")
    desk.end("r3")
    assert desk.take() == []


def test_a_result_waits_while_the_user_speaks_and_is_answered(desk: Desk) -> None:
    desk.speech()
    finish(desk)
    own_turn(desk)
    assert desk.take() == []
    desk.answer("own")
    assert desk.take() == []
    desk.end("own")
    assert desk.take() == [*GIVEN, "response.create"]


def test_a_result_is_given_though_the_answer_to_the_turn_seemed_to_cover_it(desk: Desk) -> None:
    desk.answer("r2")
    desk.speech()
    finish(desk)
    desk.end("r2", "cancelled")
    own_turn(desk)
    desk.answer("own")
    assert desk.take() == []
    desk.end("own")
    assert desk.take() == [*GIVEN, "response.create"]


def test_a_result_waits_no_longer_for_an_answer_that_does_not_come(desk: Desk) -> None:
    desk.speech()
    finish(desk)
    own_turn(desk)
    deadline = desk.client.next_deadline()
    assert deadline is not None
    desk.client.handle_deadline(deadline)
    desk.drain()
    assert desk.take() == [*GIVEN, "response.create"]


def test_what_the_user_worded_says_nothing_of_the_result(desk: Desk) -> None:
    desk.answer("r2")
    worded: Any = ResponseCreate(response=ResponseCreateParams(instructions="Say hello."))
    desk.client.request_response(desk.now, worded)
    finish(desk)
    desk.end("r2")
    assert desk.take() == ["response.create"]
    desk.answer("r3")
    desk.end("r3")
    assert desk.take() == [*GIVEN, "response.create"]


@pytest.mark.parametrize("busy", [True, False])
def test_a_result_that_asks_for_no_response_is_given_at_once(desk: Desk, busy: bool) -> None:
    if busy:
        desk.answer("r2")
    finish(desk, respond=False)
    assert desk.take() == GIVEN


def test_a_result_of_which_the_agent_was_about_to_speak_is_given_when_it_is_stopped(desk: Desk) -> None:
    desk.answer("r2")
    finish(desk)
    desk.client.interrupt(desk.now)
    desk.drain()
    assert desk.take() == ["response.cancel", *GIVEN]
    desk.end("r2", "cancelled")
    assert desk.take() == []


def test_a_result_outlives_a_connection(desk: Desk) -> None:
    desk.answer("r2")
    finish(desk)
    assert desk.client.lose_connection(desk.now)
    assert desk.client.next_deadline() is None
    desk.client.connected(desk.now)
    desk.drain()
    assert desk.take() == [*GIVEN, "response.create"]


def test_one_answer_covers_a_message_and_the_outputs_of_the_response_before(desk: Desk) -> None:
    desk.hear("response.created", response=desk.response("r"))
    item = {"type": "function_call", "id": "f", "call_id": "1", "name": "wave", "arguments": "{}"}
    desk.hear("response.output_item.done", response_id="r", output_index=0, item=item)
    desk.client.tool_output("1", "one", desk.now)
    desk.client.request_response(desk.now)
    desk.drain()
    assert desk.take() == ["conversation.item.create"]
    desk.end("r")
    assert desk.take() == ["response.create"]
    desk.answer("r2")
    desk.end("r2")
    assert desk.take() == []
