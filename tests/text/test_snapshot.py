from __future__ import annotations

import json
from typing import Any

import pytest

from vivavoce.agents import Handoff, function_tool
from vivavoce.engines.base import FunctionCallDelta, ModelDone, ModelUsage
from vivavoce.engines.scripted import ScriptedModel
from vivavoce.errors import ConfigurationError
from vivavoce.testing import run
from vivavoce.text import Agent, RunConfig, Runner, RunState, handoff


@function_tool(needs_approval=True)
async def pay(who: str) -> str:
    """Pay somebody."""
    return f"{who} is paid"


@function_tool
async def look() -> str:
    """Look."""
    return "quiet"


def call(index: int, name: str, who: str = "") -> FunctionCallDelta:
    return FunctionCallDelta(index, name, f'{{"who": "{who}"}}' if who else "{}", f"{name}{who}")


async def somewhere(context: Any, arguments: str) -> Any:
    """Never called."""


ELSEWHERE = Handoff("go_elsewhere", "Leads to an agent that nobody knows beforehand.", {}, somewhere, "?")


def agents() -> tuple[Agent[Any, Any], Agent[Any, Any]]:
    """A desk and billing, which can hand over to each other; made anew, as in another process."""
    billing = Agent("Billing", tools=[pay, look], tool_use_behavior=["pay"])
    desk = Agent("Desk", handoffs=[handoff(billing)])
    billing.handoffs = [desk, ELSEWHERE]
    return desk, billing


def interrupted() -> dict[str, Any]:
    """The JSON of a run that waits for the approval of two payments."""
    desk, _ = agents()
    model = ScriptedModel(
        [
            ["Over to billing.", call(0, "transfer_to_billing"), ModelDone("stop", ModelUsage(7, 2))],
            [call(0, "look"), call(1, "pay", "Ann"), call(2, "pay", "Bob")],
        ]
    )
    result = run(Runner.run(desk, "Hi", run_config=RunConfig(model=model), max_turns=4))
    state = result.to_state()
    state.approve("payAnn", always_approve=True)
    return state.to_json()


def test_a_run_goes_on_in_another_process() -> None:
    data = json.loads(json.dumps(interrupted()))
    desk, billing = agents()
    state = RunState.from_json(desk, data, context="mine")
    assert state.current_agent is billing
    assert state.context.context == "mine"
    assert state.context.usage.total_tokens == 9
    assert state.max_turns == 4
    assert [item.parsed_arguments()["who"] for item in state.get_interruptions()] == ["Ann", "Bob"]
    state.reject("payBob", rejection_message="Bob must wait.")
    model = ScriptedModel([])
    result = run(Runner.run(desk, state, run_config=RunConfig(model=model)))
    assert result.final_output == "Ann is paid"
    assert [item.type for item in result.new_items] == [
        "message_output_item",
        "handoff_call_item",
        "handoff_output_item",
        *["tool_call_item"] * 3,
        *["tool_call_output_item"] * 3,
    ]
    assert result.input == "Hi"
    assert [item["type"] for item in result.to_input_list()][:2] == ["message", "message"]


def test_a_snapshot_of_a_snapshot_is_the_same() -> None:
    data = interrupted()
    again = RunState.from_json(agents()[0], data)
    assert again.to_json() == data
    assert again.decisions.tools["pay"].approved


def test_agents_are_known_by_their_names() -> None:
    data = interrupted()
    with pytest.raises(ConfigurationError, match=r"names agent 'Billing'.*none has that name.*: Desk"):
        RunState.from_json(Agent("Desk"), data)
    twins = Agent("Desk", handoffs=[handoff(Agent("Billing"), "one"), handoff(Agent("Billing"), "two")])
    with pytest.raises(ConfigurationError, match="2 has that name"):
        RunState.from_json(twins, data)


@pytest.mark.parametrize("data", [{}, {"version": 2}, [], "x"])
def test_other_versions_are_refused(data: Any) -> None:
    with pytest.raises(ConfigurationError, match="has version 1, this one has"):
        RunState.from_json(agents()[0], data)


@pytest.mark.parametrize(
    "change",
    [
        {"items": None},
        {"seen": [99]},
        {"pending": [{"type": "message", "role": "user", "content": "Hi"}]},
        {"decisions": {"calls": {}}},
        {"usage": {"tokens": 3}},
        {"items": [{"type": "message_output_item", "agent": "Desk", "item": 3}]},
    ],
)
def test_damage_is_told(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"damaged|input\[0\]"):
        RunState.from_json(agents()[0], {**interrupted(), **change})
