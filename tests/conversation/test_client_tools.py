import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation.client_notices import ToolCalled
from vivavoce.conversation.client_tools import CALL_ID_LENGTH, REMEMBERED_CALLS, ToolLedger
from vivavoce.protocol import FunctionCallItem, FunctionCallOutputItem


def test_the_model_goes_on_once_after_all_outputs_and_the_end_of_the_response() -> None:
    ledger = ToolLedger()
    assert ledger.call("resp", "one")
    assert ledger.call("resp", "two")
    assert not ledger.answer("one")
    assert not ledger.answer("two")
    assert ledger.response_done("resp")
    assert not ledger.response_done("resp")


def test_the_last_output_may_come_after_the_response() -> None:
    ledger = ToolLedger()
    ledger.call("resp", "one")
    ledger.call("resp", "two")
    assert not ledger.response_done("resp")
    assert not ledger.answer("two")
    assert ledger.answer("one")


def test_a_call_counts_once_and_so_does_its_output() -> None:
    ledger = ToolLedger()
    assert ledger.call("resp", "one")
    assert not ledger.call("resp", "one")
    assert not ledger.call("other", "one")
    ledger.response_done("resp")
    assert ledger.answer("one")
    assert not ledger.answer("one")
    assert not ledger.answer("unknown")


def test_a_response_without_calls_needs_no_follow_up() -> None:
    assert not ToolLedger().response_done("resp")


@pytest.mark.parametrize("answered_first", [True, False])
def test_nothing_follows_calls_that_were_known_when_the_user_stopped_the_agent(answered_first: bool) -> None:
    ledger = ToolLedger()
    ledger.call("resp", "one")
    ledger.call("other", "two")
    ledger.response_done("other")
    ledger.interrupt()
    follow_ups = [ledger.answer("one")] if answered_first else []
    follow_ups.append(ledger.response_done("resp"))
    follow_ups += [ledger.answer("one"), ledger.answer("two")]
    assert not any(follow_ups)
    assert not ledger.all_arrived()  # the outputs are on their way all the same


def test_nothing_follows_calls_that_a_stopped_response_makes_later() -> None:
    ledger = ToolLedger()
    ledger.interrupt("resp")
    ledger.interrupt("resp")
    assert ledger.call("resp", "one")
    assert not ledger.response_done("resp")
    assert not ledger.answer("one")


def test_a_stopped_response_without_calls_leaves_nothing_behind() -> None:
    ledger = ToolLedger()
    ledger.interrupt("resp")
    assert not ledger.response_done("resp")
    assert ledger._turns == {}


def test_the_model_goes_on_after_calls_of_a_later_response() -> None:
    ledger = ToolLedger()
    ledger.call("resp", "one")
    ledger.interrupt("resp")
    ledger.call("next", "two")
    ledger.response_done("resp")
    ledger.response_done("next")
    assert ledger.answer("two")
    assert not ledger.answer("one")


def test_the_memory_of_calls_is_bounded() -> None:
    ledger = ToolLedger()
    for number in range(REMEMBERED_CALLS + 1):
        assert ledger.call("resp", str(number))
    assert ledger.call("resp", "0")
    assert not ledger.call("resp", str(REMEMBERED_CALLS))


def test_the_server_has_an_output_when_it_says_so_or_a_response_later() -> None:
    ledger = ToolLedger()
    for call_id in ("a", "b"):
        ledger.call("r", call_id)
        ledger.answer(call_id)
    ledger.output_arrived("a")
    assert not ledger.all_arrived()
    ledger.output_arrived("b")
    assert ledger.all_arrived()
    ledger.call("r", "refused")
    ledger.answer("refused")
    ledger.response_done("r2")
    assert ledger.all_arrived()


def test_nothing_follows_outputs_that_ask_for_nothing() -> None:
    ledger = ToolLedger()
    ledger.call("resp", "one")
    ledger.call("resp", "two")
    ledger.response_done("resp")
    assert not ledger.answer("one", respond=False)
    assert not ledger.answer("two", respond=False)
    assert not ledger.all_arrived()


@pytest.mark.parametrize("order", [("silent", "spoken"), ("spoken", "silent")])
def test_one_output_that_asks_for_a_response_is_enough(order: tuple[str, str]) -> None:
    ledger = ToolLedger()
    for call_id in order:
        ledger.call("resp", call_id)
    assert not ledger.answer(order[0], respond=order[0] == "spoken")
    assert not ledger.response_done("resp")
    assert ledger.answer(order[1], respond=order[1] == "spoken")


def test_a_call_that_waits_for_approval_holds_up_nobody() -> None:
    ledger = ToolLedger()
    ledger.call("resp", "waiting")
    ledger.call("resp", "other")
    assert not ledger.waits("waiting")
    assert not ledger.response_done("resp")
    assert ledger.answer("other")
    ledger.decided("waiting")
    assert ledger.answer("waiting")
    assert not ledger.answer("waiting")


def test_the_model_goes_on_when_the_last_call_begins_to_wait() -> None:
    ledger = ToolLedger()
    ledger.call("resp", "other")
    ledger.call("resp", "waiting")
    ledger.answer("other")
    ledger.response_done("resp")
    assert ledger.waits("waiting")


def test_a_call_that_waits_alone_leads_to_nothing_until_it_is_answered() -> None:
    ledger = ToolLedger()
    ledger.call("resp", "waiting")
    ledger.response_done("resp")
    assert not ledger.waits("waiting")
    assert ledger.all_arrived()
    assert not ledger.answer("waiting", respond=False)
    assert not ledger.all_arrived()


def test_only_a_call_without_an_output_waits_and_only_once() -> None:
    ledger = ToolLedger()
    assert not ledger.waits("unknown")
    ledger.decided("unknown")
    assert not ledger.answer("unknown")
    ledger.call("resp", "one")
    ledger.call("resp", "two")
    ledger.answer("one")
    ledger.response_done("resp")
    assert not ledger.waits("one")
    assert ledger.waits("two")
    assert not ledger.waits("two")


@pytest.mark.parametrize(("decided", "goes_on"), [(True, True), (False, False)])
def test_a_decision_after_the_user_stopped_the_agent_is_spoken_about(decided: bool, goes_on: bool) -> None:
    ledger = ToolLedger()
    ledger.call("resp", "waiting")
    ledger.response_done("resp")
    ledger.waits("waiting")
    ledger.interrupt()
    if decided:
        ledger.decided("waiting")
    assert ledger.answer("waiting") is goes_on


def test_a_call_of_a_stopped_response_waits_quietly() -> None:
    ledger = ToolLedger()
    ledger.interrupt("resp")
    ledger.call("resp", "waiting")
    assert not ledger.response_done("resp")
    assert not ledger.waits("waiting")
    assert not ledger.answer("waiting")


def test_the_user_may_stop_a_call_that_was_decided() -> None:
    ledger = ToolLedger()
    ledger.call("resp", "waiting")
    ledger.waits("waiting")
    ledger.decided("waiting")
    ledger.interrupt()
    assert not ledger.answer("waiting")


def test_a_call_that_waits_is_remembered_however_many_come_after_it() -> None:
    ledger = ToolLedger()
    ledger.call("resp", "waiting")
    ledger.waits("waiting")
    for number in range(REMEMBERED_CALLS):
        ledger.call("other", str(number))
    assert not ledger.call("again", "waiting")
    assert ledger.answer("waiting")


def test_a_late_result_is_the_output_of_a_second_call() -> None:
    ledger = ToolLedger()
    ledger.call("resp", "one")
    ledger.answer("one")
    ledger.output_arrived("one")
    call, output = ledger.late(ToolCalled("one", "search", '{"word": "w"}', "item_1"), "found")
    assert isinstance(call, FunctionCallItem)
    assert isinstance(output, FunctionCallOutputItem)
    assert (call.call_id, call.name, call.arguments) == ("late_one", "search", '{"word": "w"}')
    assert (output.call_id, output.output) == ("late_one", "found")
    assert not ledger.all_arrived()
    ledger.output_arrived("late_one")
    assert ledger.all_arrived()


def test_late_results_may_be_held_until_the_model_may_speak() -> None:
    ledger = ToolLedger()
    for call_id in ("one", "two"):
        assert ledger.late(ToolCalled(call_id, "search", "{}", "f"), "found", held=True) == ()
    assert ledger.response_done("resp")
    ledger.call("other", "three")
    ledger.answer("three", respond=False)
    assert ledger.response_done("other")
    held = ledger.take_late()
    assert [getattr(item, "call_id", "") for item in held] == ["late_one", "late_one", "late_two", "late_two"]
    assert ledger.take_late() == []
    assert not ledger.response_done("resp")


@given(st.text(min_size=1, max_size=80))
def test_the_id_of_a_late_result_is_short_and_not_the_first_one(call_id: str) -> None:
    call, _ = ToolLedger().late(ToolCalled(call_id, "search", "{}", "item_1"), "found")
    assert isinstance(call, FunctionCallItem)
    made = str(call.call_id)
    assert made != call_id
    assert len(made) <= CALL_ID_LENGTH
    assert made.endswith(call_id[-20:])


@given(st.lists(st.sampled_from(["run", "silent", "wait"]), min_size=1, max_size=6), st.data())
def test_every_order_of_events_leads_to_one_follow_up_for_what_did_not_wait(
    kinds: list[str], data: st.DataObject
) -> None:
    ledger = ToolLedger()
    for index in range(len(kinds)):
        ledger.call("resp", str(index))
    steps = data.draw(st.permutations([*range(len(kinds)), "done"]))
    follow_ups = 0
    for step in steps:
        if step == "done":
            follow_ups += ledger.response_done("resp")
        elif kinds[int(step)] == "wait":
            follow_ups += ledger.waits(str(step))
        else:
            follow_ups += ledger.answer(str(step), respond=kinds[int(step)] == "run")
    assert follow_ups == ("run" in kinds)
    waiting = [index for index, kind in enumerate(kinds) if kind == "wait"]
    assert all(ledger.answer(str(index)) for index in waiting)
    assert ledger._turns == {}
    assert ledger._waiting == {}


def test_all_is_answered_when_no_call_wants_an_output_that_it_can_have_now() -> None:
    ledger = ToolLedger()
    assert ledger.all_answered()
    ledger.call("resp", "one")
    ledger.call("resp", "waiting")
    assert not ledger.all_answered()
    ledger.waits("waiting")
    assert not ledger.all_answered()
    ledger.answer("one")
    assert ledger.all_answered()


@pytest.mark.parametrize("answered", [True, False])
def test_the_model_goes_on_after_calls_whose_response_ended_with_the_connection(answered: bool) -> None:
    ledger = ToolLedger()
    ledger.call("resp", "one")
    if answered:
        ledger.answer("one")
        assert not ledger.all_arrived()
    assert ledger.lose_connection() is answered
    assert ledger.all_arrived()
    assert ledger.answer("one") is not answered


def test_a_lost_connection_owes_nothing_for_calls_that_were_stopped_or_wait() -> None:
    ledger = ToolLedger()
    ledger.call("resp", "one")
    ledger.answer("one")
    ledger.interrupt("resp")
    ledger.call("other", "waiting")
    ledger.waits("waiting")
    assert not ledger.lose_connection()
    assert ledger.answer("waiting")


def test_calls_of_responses_that_never_end_are_forgotten_with_their_responses() -> None:
    ledger = ToolLedger()
    ledger.call("first", "one")
    ledger.call("first", "two")
    for number in range(REMEMBERED_CALLS - 1):
        assert ledger.call(f"resp{number}", f"call{number}")
    assert not ledger.answer("two")
    assert ledger.response_done("first")  # one of its calls is remembered, and answered
    ledger.call("last", "last")
    assert not ledger.answer("one")
    for name in ("over", "and over"):
        ledger.call("settled", name)
        ledger.answer(name)
    ledger.response_done("settled")
    for number in range(REMEMBERED_CALLS):
        ledger.call("again", f"again{number}")
        ledger.answer(f"again{number}")
    assert ledger.all_answered()


def test_an_output_that_another_client_gives_answers_the_call() -> None:
    ledger = ToolLedger()
    for call_id in ("theirs", "ours"):
        ledger.call("resp", call_id)
    assert not ledger.output_arrived("theirs")
    assert not ledger.response_done("resp")
    assert ledger.answer("ours")
    assert ledger.all_answered()


def test_the_model_goes_on_after_outputs_from_here_when_another_client_gives_the_last_one() -> None:
    ledger = ToolLedger()
    for call_id in ("theirs", "ours"):
        ledger.call("resp", call_id)
    ledger.answer("ours")
    ledger.response_done("resp")
    assert ledger.output_arrived("theirs")
    assert not ledger.output_arrived("theirs")


def test_a_call_is_taken_from_its_item_once() -> None:
    ledger = ToolLedger()
    item = FunctionCallItem(id="f", call_id="c", name="look", arguments="{}")
    assert ledger.take("resp", item) == [ToolCalled("c", "look", "{}", "f", "resp")]
    assert ledger.take("resp", item) == []
    unnamed = FunctionCallItem(id="g", name="look", arguments="{}")
    assert ledger.take("resp", unnamed) == [ToolCalled("g", "look", "{}", "g", "resp")]
