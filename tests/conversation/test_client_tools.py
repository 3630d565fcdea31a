import pytest

from vivavoce.conversation.client_tools import REMEMBERED_CALLS, ToolLedger


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
