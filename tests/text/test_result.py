from __future__ import annotations

from typing import Any

import pytest

from vivavoce.agents import RunContextWrapper
from vivavoce.errors import ConfigurationError
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    MessageItem,
    OutputText,
)
from vivavoce.text import Agent
from vivavoce.text.inputs import read_input
from vivavoce.text.items import (
    MessageOutputItem,
    ModelResponse,
    ToolApprovalItem,
    ToolCallItem,
    ToolCallOutputItem,
)
from vivavoce.text.result import RunResult
from vivavoce.text.state import Progress, RunState

AGENT = Agent("A")
SAID = MessageItem(role="assistant", content=[OutputText(text="Hello")])
CALL = FunctionCallItem(name="look", arguments="{}", call_id="c")
WAITS = FunctionCallItem(name="pay", arguments="{}", call_id="w")


def result(final_output: Any = "Hello") -> RunResult[str]:
    progress = Progress(read_input("Hi"))
    for item in (
        ToolCallItem(AGENT, CALL),
        ToolCallItem(AGENT, WAITS),
        ToolCallOutputItem(AGENT, FunctionCallOutputItem(call_id="c", output="x"), "x"),
        MessageOutputItem(AGENT, SAID),
    ):
        progress.add(item)
    progress.responses.append(ModelResponse((SAID,), None))
    progress.pending = [WAITS]
    state = RunState("Hi", AGENT, RunContextWrapper("mine"), progress, final_output=final_output)
    state.interruptions = [ToolApprovalItem(AGENT, WAITS)]
    return RunResult(state)


def test_a_result_shows_the_run() -> None:
    made = result()
    assert made.input == "Hi"
    assert made.last_agent is AGENT
    assert made.context_wrapper.context == "mine"
    assert made.usage.total_tokens == 0
    assert next(item.type for item in made.new_items) == "tool_call_item"
    assert made.raw_responses[0].text == "Hello"
    assert (made.input_guardrail_results, made.output_guardrail_results) == ([], [])
    assert made.interruptions[0].name == "pay"
    assert repr(made) == "RunResult(last_agent='A', final_output='Hello', new_items=4)"


def test_input_for_the_next_run_has_no_call_without_an_output() -> None:
    assert [item["type"] for item in result().to_input_list()] == [
        "message",
        "function_call",
        "function_call_output",
        "message",
    ]


def test_the_output_can_be_had_typed() -> None:
    assert result().final_output_as(str, raise_if_incorrect_type=True) == "Hello"
    unchecked: Any = result(7).final_output_as(str)
    assert unchecked == 7
    with pytest.raises(ConfigurationError, match="the final output is no str but a int"):
        result(7).final_output_as(str, raise_if_incorrect_type=True)


def test_a_state_goes_on_by_itself() -> None:
    made = result()
    state = made.to_state()
    state.progress.add(MessageOutputItem(AGENT, SAID))
    state.interruptions.clear()
    assert len(made.new_items) == 4
    assert len(made.interruptions) == 1
