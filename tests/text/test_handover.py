from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.agents import RunContextWrapper
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import FunctionCallItem
from vivavoce.testing import run
from vivavoce.text import Agent, HandoffInputData, RunConfig, handoff
from vivavoce.text.handover import ANOTHER, Handover
from vivavoce.text.inputs import read_input
from vivavoce.text.items import HandoffCallItem, HandoffOutputItem
from vivavoce.text.offers import offer_of
from vivavoce.text.state import Progress, RunState

BILLING = Agent("Billing")
CALL = FunctionCallItem(name="transfer_to_billing", arguments="{}", call_id="a")
SECOND = FunctionCallItem(name="transfer_to_billing", arguments="{}", call_id="b")


async def begun(desk: Agent[Any, Any], config: RunConfig | None = None) -> tuple[Handover, list[Any]]:
    """A run that stands before the handoffs of its agent, and the items that are added."""
    context: RunContextWrapper[Any] = RunContextWrapper(None)
    state = RunState("Hi", desk, context, Progress(read_input("Hi")))
    state.progress.add(HandoffCallItem(desk, CALL))
    added: list[Any] = []

    def add(item: Any, name: str) -> None:
        state.progress.add(item)
        added.append((name, item))

    return Handover(state, await offer_of(desk, context), config or RunConfig(), add), added


def test_the_first_call_counts_and_each_is_answered() -> None:
    async def main() -> Any:
        handover, added = await begun(Agent("Desk", handoffs=[BILLING]))
        return await handover.make([CALL, SECOND]), added

    target, added = run(main())
    assert target is BILLING
    assert [(name, item.raw.call_id) for name, item in added] == [
        ("handoff_occured", "a"),
        ("tool_output", "b"),
    ]
    assert isinstance(added[0][1], HandoffOutputItem)
    assert added[0][1].target_agent is BILLING
    assert added[1][1].output == ANOTHER


def test_on_handoff_has_a_time_limit() -> None:
    async def slow(context: Any) -> None:
        await asyncio.sleep(60)

    async def main() -> None:
        made = handoff(BILLING, on_handoff=slow)
        handover, _ = await begun(Agent("Desk", handoffs=[made]), RunConfig(tool_timeout_s=5))
        with pytest.raises(TimeoutError, match="longer than 5 s"):
            await handover.make([CALL])

    run(main())


def test_a_filter_may_write_the_history_anew() -> None:
    def summary(data: HandoffInputData) -> HandoffInputData:
        told: Any = ({"role": "user", "content": "They said hi."},)
        return data.clone(input_history=told, new_items=())

    async def main(desk: Agent[Any, Any], config: RunConfig | None = None) -> Any:
        handover, _ = await begun(desk, config)
        await handover.filter([CALL])
        return handover.state.progress.conversation()

    told = read_input("They said hi.")
    own = handoff(BILLING, input_filter=summary)
    assert run(main(Agent("Desk", handoffs=[own]))) == told
    everybody = RunConfig(handoff_input_filter=summary)
    assert run(main(Agent("Desk", handoffs=[BILLING]), everybody)) == told
    assert len(run(main(Agent("Desk", handoffs=[BILLING])))) == 2


def test_a_filter_may_not_write_nonsense() -> None:
    async def main() -> None:
        bad: Any = (3,)
        made = handoff(BILLING, input_filter=lambda data: data.clone(input_history=bad))
        handover, _ = await begun(Agent("Desk", handoffs=[made]))
        with pytest.raises(ConfigurationError, match=r"input\[0\]"):
            await handover.filter([CALL])

    run(main())
