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
