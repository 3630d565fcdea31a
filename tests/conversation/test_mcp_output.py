"""The events of an MCP call while the model writes it, and the item that they are about."""

from __future__ import annotations

from vivavoce.conversation.ids import CountingIds
from vivavoce.conversation.items import Items
from vivavoce.conversation.mcp_offer import McpTarget
from vivavoce.conversation.mcp_output import McpCallOutput, WrittenCall
from vivavoce.conversation.outbox import Outbox
from vivavoce.protocol import McpCallItem, McpListedTool, McpTool, replace, to_builtins


class Desk:
    """Takes the calls, and gives each a request to be approved by."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []

    def ask_first(self, call: WrittenCall) -> None:
        self.heard.append(("ask", call.item.id))
        call.record.item = replace(call.item, approval_request_id="r")

    def take(self, call: WrittenCall) -> None:
        self.heard.append(("take", call.item.id))
        assert (call.response_id, call.output_index) == ("resp", 3)


def open_call(desk: Desk) -> tuple[McpCallOutput, Outbox]:
    outbox = Outbox(CountingIds())
    target = McpTarget(McpTool(server_label="s"), McpListedTool(name="look", input_schema={}))
    return McpCallOutput(outbox, Items(0), "resp", 3, target=target, calls=desk), outbox


def wire(outbox: Outbox) -> list[dict[str, object]]:
    return [to_builtins(event) for event in outbox.take_events()]


def test_a_call_is_written_and_taken() -> None:
    desk = Desk()
    call, outbox = open_call(desk)
    added, in_conversation = wire(outbox)
    item = {
        "type": "mcp_call",
        "id": call.item_id,
        "server_label": "s",
        "name": "look",
        "arguments": "",
        "output": None,
    }
    assert added["item"] == in_conversation["item"] == item
    call.add("{")
    call.add("}")
    deltas = wire(outbox)
    assert [event["delta"] for event in deltas] == ["{", "}"]
    assert all(isinstance(event["obfuscation"], str) for event in deltas)  # strict clients insist on it
    call.close("completed")
    done, over = wire(outbox)
    assert (done["type"], done["arguments"]) == ("response.mcp_call_arguments.done", "{}")
    assert (over["type"], over["item"]) == (
        "response.output_item.done",
        {**item, "arguments": "{}", "approval_request_id": "r"},
    )
    assert not call.open
    assert desk.heard == [("ask", call.item_id), ("take", call.item_id)]


def test_nothing_written_is_an_empty_object() -> None:
    call, outbox = open_call(Desk())
    wire(outbox)
    call.close("completed")
    delta, done, _ = wire(outbox)
    assert delta["delta"] == done["arguments"] == "{}"


def test_a_half_written_call_is_over_and_not_taken() -> None:
    desk = Desk()
    call, outbox = open_call(desk)
    wire(outbox)
    call.add('{"a": ')
    call.close("incomplete")
    assert [event["type"] for event in wire(outbox)][-2:] == [
        "conversation.item.done",
        "response.output_item.done",
    ]
    assert isinstance(call.record.item, McpCallItem)
    assert call.record.item.error
    assert desk.heard == []
