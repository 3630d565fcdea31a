from __future__ import annotations

from vivavoce.protocol import FunctionCallItem, FunctionCallOutputItem, MessageItem, OutputText
from vivavoce.text import Agent
from vivavoce.text.items import (
    HandoffCallItem,
    HandoffOutputItem,
    MessageOutputItem,
    ModelResponse,
    ToolApprovalItem,
    ToolCallItem,
    ToolCallOutputItem,
)

AGENT = Agent("A")
SAID = MessageItem(role="assistant", content=[OutputText(text="Hel"), OutputText(text="lo")])
CALL = FunctionCallItem(name="look", arguments='{"at": "sea"}', call_id="c")
OUTPUT = FunctionCallOutputItem(call_id="c", output="[1]")


def test_items_know_their_agent_their_words_and_their_json() -> None:
    message = MessageOutputItem(AGENT, SAID)
    assert (message.type, message.text, message.agent) == ("message_output_item", "Hello", AGENT)
    assert message.to_input_item()["role"] == "assistant"
    output = ToolCallOutputItem(AGENT, OUTPUT, [1])
    assert (output.type, output.call_id, output.output) == ("tool_call_output_item", "c", [1])
    assert output.to_input_item() == {"type": "function_call_output", "call_id": "c", "output": "[1]"}
    other = Agent("B")
    handoff = HandoffOutputItem(AGENT, OUTPUT, AGENT, other)
    assert (handoff.type, handoff.source_agent, handoff.target_agent) == ("handoff_output_item", AGENT, other)


def test_calls_know_their_name_id_and_arguments() -> None:
    call = ToolCallItem(AGENT, CALL)
    assert (call.type, call.name, call.call_id, call.arguments) == (
        "tool_call_item",
        "look",
        "c",
        '{"at": "sea"}',
    )
    assert HandoffCallItem(AGENT, CALL).type == "handoff_call_item"
    approval = ToolApprovalItem(AGENT, CALL)
    assert (approval.type, approval.tool_name) == ("tool_approval_item", "look")
    assert approval.parsed_arguments() == {"at": "sea"}
    bad = ToolApprovalItem(AGENT, FunctionCallItem(name="look", arguments="{", call_id="c"))
    assert bad.parsed_arguments() == "{"


def test_an_answer_knows_its_words_and_calls() -> None:
    response = ModelResponse((SAID, CALL), None)
    assert (response.text, response.calls) == ("Hello", (CALL,))
    assert [item["type"] for item in response.to_input_items()] == ["message", "function_call"]
    assert ModelResponse((CALL,), None).text == ""
