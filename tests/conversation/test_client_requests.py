from __future__ import annotations

from typing import Any

import pytest

from vivavoce.conversation.client_requests import (
    ALREADY_ACTIVE,
    ANSWER_S,
    MAX_TRIES,
    MAX_WAITING,
    RETRY_S,
    STALL_S,
    TURN_S,
    ResponseRequests,
)
from vivavoce.protocol import ErrorDetail, Response, ResponseCancel, ResponseCreate, ResponseCreateParams


def running(response_id: str = "r1", **fields: Any) -> Response:
    return Response(id=response_id, status="in_progress", **{"conversation_id": "conv", **fields})


def error(event_id: str | None, code: str = ALREADY_ACTIVE) -> ErrorDetail:
    return ErrorDetail(type="invalid_request_error", message="no", code=code, event_id=event_id)


def sent(requests: ResponseRequests) -> list[str]:
    return [str(event.event_id) for event in requests.events_to_send()]


def test_a_free_conversation_is_asked_at_once() -> None:
    requests = ResponseRequests()
    requests.request(0.0)
    assert sent(requests) == ["vivavoce_response_create_1"]
    assert sent(requests) == []


def test_requests_wait_for_the_running_response_and_fall_together() -> None:
    requests = ResponseRequests()
    requests.created(running(), 0.0)
    for _ in range(3):
        requests.request(0.0)
    assert sent(requests) == []
    requests.done("other", 1.0)
    assert sent(requests) == []
    requests.done("r1", 1.0)
    assert len(sent(requests)) == 1
    requests.created(running("r2"), 1.0)
    requests.done("r2", 2.0)
    assert sent(requests) == []


def test_what_the_user_wrote_is_kept_in_order() -> None:
    requests = ResponseRequests()
    requests.request(0.0, ResponseCreate(event_id="mine"))
    requests.request(0.0, ResponseCreate(event_id="mine too"))
    assert sent(requests) == ["mine"]
    requests.created(running(), 0.0)
    requests.done("r1", 1.0)
    assert sent(requests) == ["mine too"]


def test_out_of_band_requests_neither_wait_nor_occupy() -> None:
    requests = ResponseRequests()
    requests.request(
        0.0, ResponseCreate(event_id="aside", response=ResponseCreateParams(conversation="none"))
    )
    requests.request(0.0)
    assert len(sent(requests)) == 2
    assert not requests.created(running("aside", conversation_id=None), 0.0)
    assert requests.active is None
    assert requests.created(running("r1", conversation_id=None), 0.0)
    assert requests.active == "r1"


def test_a_request_that_met_a_running_response_is_repeated_when_that_is_over() -> None:
    requests = ResponseRequests()
    requests.request(0.0)
    (event_id,) = sent(requests)
    requests.created(running("by voice"), 0.1)
    assert requests.failed(error(event_id), 0.1)
    assert sent(requests) == []
    requests.done("by voice", 3.0)
    assert sent(requests) == [event_id]


def test_an_unknown_running_response_is_asked_about_again_a_few_times() -> None:
    requests, now = ResponseRequests(), 0.0
    requests.request(now)
    for _ in range(MAX_TRIES - 1):
        (event_id,) = sent(requests)
        assert requests.failed(error(event_id), now)
        assert requests.next_deadline() == now + RETRY_S
        requests.handle_deadline(now)
        assert sent(requests) == []
        now += RETRY_S
        requests.handle_deadline(now)
    (event_id,) = sent(requests)
    assert not requests.failed(error(event_id), now)
    assert requests.next_deadline() is None


def test_an_error_about_something_else_changes_nothing() -> None:
    requests = ResponseRequests()
    requests.request(0.0)
    assert not requests.failed(error(None), 0.0)
    assert not requests.failed(error("other"), 0.0)
    requests.request(0.0)
    assert len(sent(requests)) == 1


def test_a_refused_request_lets_the_next_one_through() -> None:
    requests = ResponseRequests()
    requests.request(0.0)
    requests.request(0.0, ResponseCreate(event_id="next"))
    (event_id,) = sent(requests)
    assert not requests.failed(error(event_id, "invalid_value"), 0.0)
    assert sent(requests) == ["next"]


def test_a_server_that_never_answers_does_not_block_for_ever() -> None:
    requests = ResponseRequests()
    requests.request(0.0)
    requests.request(0.0, ResponseCreate(event_id="next"))
    (event_id,) = sent(requests)
    requests.handle_deadline(ANSWER_S - 0.1)
    assert requests.next_deadline() == ANSWER_S
    requests.handle_deadline(ANSWER_S)
    assert sent(requests) == ["next"]
    (lost,) = requests.lost()
    assert lost.event_id == event_id
    assert requests.lost() == []


def test_a_response_that_never_ends_does_not_block_for_ever() -> None:
    requests = ResponseRequests()
    requests.created(running(), 0.0)
    assert requests.next_deadline() is None
    requests.request(1.0)
    requests.progressed(20.0)
    assert requests.next_deadline() == 20.0 + STALL_S
    requests.handle_deadline(20.0 + STALL_S)
    assert len(sent(requests)) == 1


@pytest.mark.parametrize("waiting", [False, True])
def test_cancel_stops_what_runs_and_what_waits(waiting: bool) -> None:
    requests = ResponseRequests()
    requests.created(running(), 0.0)
    if waiting:
        requests.request(0.0)
    assert requests.cancel("stop")
    assert requests.events_to_send() == [ResponseCancel(event_id="stop", response_id="r1")]
    requests.done("r1", 1.0)
    assert requests.events_to_send() == []
    assert not requests.cancel("stop")


def test_cancel_reaches_a_response_that_has_not_begun() -> None:
    requests = ResponseRequests()
    requests.request(0.0)
    requests.events_to_send()
    assert requests.cancel("stop")
    assert requests.events_to_send() == [ResponseCancel(event_id="stop")]
    requests.created(running(), 0.1)
    assert requests.take_doom()
    assert requests.events_to_send() == [ResponseCancel(event_id="stop", response_id=requests.active or "")]
    assert not requests.take_doom()


def test_a_stopped_request_that_is_refused_is_not_repeated() -> None:
    requests = ResponseRequests()
    requests.request(0.0)
    (event_id,) = sent(requests)
    requests.cancel("stop")
    requests.events_to_send()
    assert requests.failed(error(event_id), 0.1)
    requests.handle_deadline(0.1 + RETRY_S)
    assert requests.events_to_send() == []
    assert not requests.take_doom()


def test_requests_that_wait_are_bounded_and_none_is_dropped_in_silence() -> None:
    requests = ResponseRequests()
    requests.created(running(), 0.0)
    for number in range(MAX_WAITING + 1):
        requests.request(0.0, ResponseCreate(event_id=str(number)))
    assert [error.event_id for error in requests.lost()] == [str(MAX_WAITING)]
    requests.done("r1", 1.0)
    assert sent(requests) == ["0"]


# --- while the user speaks ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("answered", "wait_s"), [(True, TURN_S), (False, 0.0)])
def test_a_request_of_the_session_waits_for_the_end_of_the_turn_and_for_its_answer(
    answered: bool, wait_s: float
) -> None:
    requests = ResponseRequests()
    requests.turn_began()
    requests.request(1.0)
    assert requests.next_deadline() is None
    requests.handle_deadline(100.0)
    assert sent(requests) == []
    requests.turn_ended(100.0, answered=answered)
    requests.turn_ended(101.0, answered=answered)
    if wait_s:
        assert requests.next_deadline() == 100.0 + wait_s
        requests.handle_deadline(100.0 + wait_s / 2)
        assert sent(requests) == []
        requests.handle_deadline(100.0 + wait_s)
    assert len(sent(requests)) == 1


def test_the_servers_answer_to_the_turn_stands_for_the_sessions_request() -> None:
    requests = ResponseRequests()
    requests.turn_began()
    requests.request(1.0)
    requests.turn_ended(2.0, answered=True)
    requests.created(running(), 2.1)
    requests.done("r1", 5.0)
    assert sent(requests) == []
    assert requests.next_deadline() is None


def test_an_answer_that_missed_something_stands_for_nothing() -> None:
    requests = ResponseRequests()
    requests.turn_began()
    requests.request(1.0)
    requests.turn_ended(2.0, answered=True)
    requests.created(running(), 2.1, sees_all=False)
    requests.done("r1", 5.0)
    assert len(sent(requests)) == 1


def test_what_the_user_wrote_neither_waits_for_the_turn_nor_is_dropped() -> None:
    requests = ResponseRequests()
    requests.turn_began()
    requests.request(1.0)
    requests.request(1.0, ResponseCreate(event_id="mine"))
    requests.request(1.0, ResponseCreate(event_id="mine too"))
    assert sent(requests) == ["mine"]
    requests.created(running(), 1.1)
    requests.done("r1", 2.0)
    assert sent(requests) == ["mine too"]
    requests.created(running("r2"), 2.1)
    requests.turn_ended(3.0, answered=False)
    requests.done("r2", 4.0)
    assert sent(requests) == ["vivavoce_response_create_1"]


def test_a_turn_that_goes_on_holds_requests_again() -> None:
    requests = ResponseRequests()
    requests.turn_began()
    requests.request(1.0)
    requests.turn_ended(2.0, answered=True)
    requests.turn_began()
    requests.handle_deadline(2.0 + TURN_S)
    assert sent(requests) == []


def test_a_turn_that_nobody_noticed_begin_holds_nothing() -> None:
    requests = ResponseRequests()
    requests.turn_ended(2.0, answered=True)
    requests.request(2.0)
    assert len(sent(requests)) == 1


# --- a connection that is lost ------------------------------------------------------------------------------


def aside(event_id: str = "aside") -> ResponseCreate:
    return ResponseCreate(event_id=event_id, response=ResponseCreateParams(conversation="none"))


@pytest.mark.parametrize("stopped", [False, True])
def test_a_running_response_is_owed_unless_it_was_stopped(stopped: bool) -> None:
    requests = ResponseRequests()
    requests.created(running(), 0.0)
    if stopped:
        requests.cancel("c")
    assert requests.lose_connection(1.0) is not stopped
    assert requests.active is None


@pytest.mark.parametrize("stopped", [False, True])
def test_a_request_on_its_way_is_sent_again_unless_it_was_stopped(stopped: bool) -> None:
    requests = ResponseRequests()
    requests.request(0.0)
    if stopped:
        requests.cancel("c")
    requests.events_to_send()
    assert not requests.lose_connection(1.0)
    assert sent(requests) == []
    requests.connected(2.0)
    assert len(sent(requests)) == (0 if stopped else 1)


def test_nothing_is_sent_or_given_up_without_a_connection() -> None:
    requests = ResponseRequests()
    requests.lose_connection(0.0)
    requests.request(0.0)
    requests.request(0.0, aside())
    assert sent(requests) == []
    assert requests.next_deadline() is None
    requests.handle_deadline(1000.0)
    assert requests.lost() == []
    requests.connected(1000.0)
    assert sent(requests) == ["aside", "vivavoce_response_create_1"]
    assert requests.next_deadline() == 1000.0 + ANSWER_S


def test_what_is_stopped_without_a_connection_is_not_asked_for_later() -> None:
    requests = ResponseRequests()
    requests.lose_connection(0.0)
    requests.request(0.0)
    assert not requests.cancel("c")
    requests.connected(1.0)
    assert sent(requests) == []


@pytest.mark.parametrize(("gated", "owed"), [(False, True), (True, False)])
def test_a_turn_whose_answer_was_due_is_owed_by_who_answers_it(gated: bool, owed: bool) -> None:
    requests = ResponseRequests()
    requests.turn_began()
    requests.turn_ended(0.0, answered=True)
    assert requests.lose_connection(TURN_S / 2, gated=gated) is owed


def test_a_turn_whose_answer_never_came_is_owed_no_more() -> None:
    requests = ResponseRequests()
    requests.turn_began()
    requests.turn_ended(0.0, answered=True)
    assert not requests.lose_connection(TURN_S + 1)


def test_who_speaks_is_not_answered_before_they_have_spoken() -> None:
    requests = ResponseRequests()
    requests.created(running(), 0.0)
    requests.turn_began()
    assert not requests.lose_connection(1.0)


def test_out_of_band_requests_outlive_a_connection_and_are_bounded() -> None:
    requests = ResponseRequests()
    for number in range(MAX_WAITING + 1):
        requests.request(0.0, aside(f"{number}"))
    assert len(sent(requests)) == MAX_WAITING
    assert [lost.event_id for lost in requests.lost()] == [f"{MAX_WAITING}"]
    assert not requests.failed(error("0", "invalid"), 0.0)
    assert not requests.created(running("r1", conversation_id=None), 0.0)
    requests.lose_connection(0.0)
    requests.connected(0.0)
    assert sent(requests) == [f"{number}" for number in range(2, MAX_WAITING)]


def test_a_response_that_nobody_asked_for_is_the_conversations() -> None:
    requests = ResponseRequests()
    assert requests.created(running("r1", conversation_id=None), 0.0)
    assert not requests.is_idle(0.0)
    requests.done("r1", 0.0)
    assert requests.is_idle(0.0)
    requests.turn_began()
    assert not requests.is_idle(10.0)


def test_a_turn_that_has_passed_its_check_is_answered_at_once() -> None:
    requests = ResponseRequests()
    requests.turn_began()
    requests.turn_passed()
    requests.request(0.0)
    assert sent(requests) == []
    requests.turn_ended(0.0, answered=True, within_s=20.0)
    requests.turn_passed()
    requests.request(0.0)
    requests.connected(0.0)
    assert len(sent(requests)) == 1
