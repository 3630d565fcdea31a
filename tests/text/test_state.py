from __future__ import annotations

from typing import Any

import pytest

from vivavoce.agents import function_tool
from vivavoce.engines.base import FunctionCallDelta
from vivavoce.engines.scripted import ScriptedModel
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import FunctionCallOutputItem
from vivavoce.testing import run
from vivavoce.text import Agent, Runner, RunResult, RunState
from vivavoce.text.state import REJECTED

PAID: list[str] = []


@function_tool(needs_approval=True)
async def pay(who: str) -> str:
    """Pay somebody."""
    PAID.append(who)
    return f"{who} is paid"


@function_tool
async def look() -> str:
    """Look."""
    PAID.append("look")
    return "quiet"


@pytest.fixture(autouse=True)
def _nothing_is_paid() -> None:
    PAID.clear()


def call(index: int, name: str, who: str = "") -> FunctionCallDelta:
    return FunctionCallDelta(index, name, f'{{"who": "{who}"}}' if who else "{}", f"{name}{who}")


def started(*answers: Any, **fields: Any) -> tuple[RunResult[Any], ScriptedModel]:
    model = ScriptedModel(answers)
    agent = Agent("Desk", tools=[pay, look], model=model, **fields)
    return run(Runner.run(agent, "Hi")), model


def go_on(result: RunResult[Any], state: RunState[Any]) -> RunResult[Any]:
    return run(Runner.run(result.last_agent, state))


def told(model: ScriptedModel) -> list[str]:
    """What the model was told of its calls at last."""
    return [item.output for item in model.requests[-1].items if isinstance(item, FunctionCallOutputItem)]


TWO = [call(0, "pay", "Ann"), call(1, "look"), call(2, "pay", "Bob")]


def test_calls_that_need_approval_interrupt_the_run_and_others_run() -> None:
    result, model = started(TWO)
    assert result.final_output is None
    assert PAID == ["look"]
    assert [(item.name, item.parsed_arguments()) for item in result.interruptions] == [
        ("pay", {"who": "Ann"}),
        ("pay", {"who": "Bob"}),
    ]
    assert len(model.requests) == 1
    kinds = [item["type"] for item in result.to_input_list()]
    assert kinds == ["message", "function_call", "function_call_output"]


def test_an_approved_call_runs_and_a_rejected_one_is_told_to_the_model() -> None:
    result, model = started(TWO, ["Done."])
    state = result.to_state()
    ann, bob = state.get_interruptions()
    state.approve(ann)
    state.reject(bob.call_id, rejection_message="Bob must wait.")
    done = go_on(result, state)
    assert done.final_output == "Done."
    assert PAID == ["look", "Ann"]
    assert sorted(told(model)) == ["Ann is paid", "Bob must wait.", "quiet"]
    assert done.interruptions == []
    assert result.interruptions != []  # the first result stays what it was


def test_what_nobody_decided_interrupts_again() -> None:
    result, model = started(TWO, ["Done."])
    state = result.to_state()
    state.approve(state.get_interruptions()[1])
    again = go_on(result, state)
    assert PAID == ["look", "Bob"]
    assert [item.parsed_arguments() for item in again.interruptions] == [{"who": "Ann"}]
    last = again.to_state()
    last.reject(last.get_interruptions()[0])
    assert go_on(again, last).final_output == "Done."
    assert REJECTED in told(model)


@pytest.mark.parametrize("approved", [True, False])
def test_a_decision_may_hold_for_all_calls_of_a_tool(approved: bool) -> None:
    result, _ = started([call(0, "pay", "Ann")], [call(0, "pay", "Cleo")], ["Done."])
    state = result.to_state()
    (ann,) = state.get_interruptions()
    if approved:
        state.approve(ann, always_approve=True)
    else:
        state.reject(ann, always_reject=True)
    assert go_on(result, state).final_output == "Done."
    assert (["Ann", "Cleo"] if approved else []) == PAID


def test_a_handoff_waits_for_the_approval_of_calls_beside_it() -> None:
    other = Agent("Other")
    transfer = FunctionCallDelta(1, "transfer_to_other", "{}", "t")
    result, model = started([call(0, "pay", "Ann"), transfer], handoffs=[other])
    assert result.last_agent.name == "Desk"
    other.model = ScriptedModel([["Hello."]])
    state = result.to_state()
    state.approve(state.get_interruptions()[0])
    done = go_on(result, state)
    assert (done.final_output, done.last_agent) == ("Hello.", other)
    assert len(model.requests) == 1


def test_a_tool_may_end_the_run_after_its_approval() -> None:
    result, _ = started([call(0, "look"), call(1, "pay", "Ann")], tool_use_behavior=["pay"])
    state = result.to_state()
    state.approve("payAnn")
    assert go_on(result, state).final_output == "Ann is paid"


def test_a_state_goes_on_with_its_turns_and_its_context() -> None:
    model = ScriptedModel([[call(0, "pay", "Ann")], [call(0, "look")], ["Done."]])
    agent = Agent("Desk", tools=[pay, look], model=model)
    result = run(Runner.run(agent, "Hi", context="mine", max_turns=2))
    state = result.to_state()
    state.approve("payAnn")
    with pytest.raises(Exception, match="within 2 answers"):
        run(Runner.run(agent, state, max_turns=50))
    assert state.context.context == "mine"


def test_a_decision_about_no_call_names_those_that_wait() -> None:
    result, _ = started([call(0, "pay", "Ann")])
    state = result.to_state()
    with pytest.raises(ConfigurationError, match="no call 'x' waits for a decision; there are: payAnn"):
        state.approve("x")
    done, _ = started(["Hi"])
    with pytest.raises(ConfigurationError, match="there are: none"):
        done.to_state().reject("x")
