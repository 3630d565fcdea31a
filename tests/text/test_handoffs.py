from __future__ import annotations

from typing import Any

import pydantic
import pytest

from vivavoce.agents import RealtimeAgent, RunContextWrapper
from vivavoce.errors import ConfigurationError, ToolError
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    InputText,
    MessageItem,
    OutputText,
)
from vivavoce.testing import run
from vivavoce.text import Agent
from vivavoce.text.handoffs import FilteredHandoff, HandoffInputData, filtered, handoff, remove_all_tools
from vivavoce.text.items import HandoffCallItem, MessageOutputItem


def taken_over(made: FilteredHandoff, context: Any, arguments: str) -> Any:
    """Who takes over when the model hands on with these arguments."""

    async def main() -> Any:
        return await made.on_invoke_handoff(RunContextWrapper(context), arguments)

    return run(main())


BILLING = Agent("Billing desk", handoff_description="Money matters.")
USER = MessageItem(role="user", content=[InputText(text="Hi")])
SAID = MessageItem(role="assistant", content=[OutputText(text="Hello")])
CALL = FunctionCallItem(name="look", arguments="{}", call_id="c")
DATA = HandoffInputData(
    (USER, CALL, FunctionCallOutputItem(call_id="c", output="x")),
    (MessageOutputItem(BILLING, SAID),),
    (HandoffCallItem(BILLING, CALL),),
)


class Reason(pydantic.BaseModel):
    why: str


def test_a_handoff_has_the_names_of_its_agent() -> None:
    made = handoff(BILLING)
    assert made.tool_name == "transfer_to_billing_desk"
    assert "Money matters." in made.tool_description
    assert made.input_filter is None
    assert taken_over(made, None, "{}") is BILLING


def test_everything_about_it_can_be_said() -> None:
    heard: list[Any] = []
    made = handoff(
        BILLING,
        "to_money",
        "For money.",
        lambda context, given: heard.append((context.context, given)),
        Reason,
        remove_all_tools,
        is_enabled=False,
    )
    assert (made.tool_name, made.tool_description, made.is_enabled) == ("to_money", "For money.", False)
    assert made.input_filter is remove_all_tools
    assert taken_over(made, 7, '{"why": "debts"}') is BILLING
    assert heard == [(7, Reason(why="debts"))]
    with pytest.raises(ToolError, match="why"):
        taken_over(made, 7, "{}")


@pytest.mark.parametrize(
    ("agent", "options", "complaint"),
    [
        (RealtimeAgent("Voice"), {}, "takes an Agent.*realtime_handoff"),
        (BILLING, {"input_filter": 3}, "input_filter must be a function or None"),
        (BILLING, {"tool_name_override": "to money"}, "'to money' is not accepted"),
    ],
)
def test_what_cannot_be_handed_to_is_refused(agent: Any, options: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        handoff(agent, **options)


def test_tools_can_be_left_behind() -> None:
    left = remove_all_tools(DATA)
    assert left.input_history == (USER,)
    assert left.pre_handoff_items == DATA.pre_handoff_items
    assert left.new_items == ()


def test_a_filter_is_plain_or_async_and_must_return_its_data() -> None:
    async def later(data: HandoffInputData) -> HandoffInputData:
        return data.clone(input_history=())

    assert run(filtered(DATA, remove_all_tools)).new_items == ()
    assert run(filtered(DATA, later)).input_history == ()
    with pytest.raises(ConfigurationError, match="must return HandoffInputData, got None"):
        run(filtered(DATA, lambda data: None))  # type: ignore[arg-type,return-value]
