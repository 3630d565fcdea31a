from typing import Any, get_args

import msgspec
import pytest

from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import (
    InputItem,
    Item,
    ItemReference,
    McpCallItem,
    McpListedTool,
    MessageItem,
    OutputText,
    item_from,
    to_builtins,
)

NEVER_NULL = {"id", "object", "status", "role", "name", "call_id", "server_label", "arguments"}


@pytest.mark.parametrize("item", get_args(Item))
def test_what_strict_clients_refuse_as_null_cannot_be_null(item: Any) -> None:
    for field in msgspec.structs.fields(item):
        if field.name in NEVER_NULL:
            assert type(None) not in get_args(field.type), field.name


def test_an_mcp_call_always_writes_its_output() -> None:
    call = McpCallItem(id="item_1", server_label="docs", name="find", arguments="{}")
    assert to_builtins(call)["output"] is None


def test_a_listed_tool_always_has_a_description() -> None:
    assert to_builtins(McpListedTool(name="find", input_schema={}))["description"] == ""


def test_an_approval_response_needs_no_id() -> None:
    answer = {"type": "mcp_approval_response", "approval_request_id": "item_1", "approve": True}
    assert to_builtins(item_from(answer)) == answer


def test_history_may_hold_text_of_the_assistant() -> None:
    item = {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Hello"}]}
    assert item_from(item) == MessageItem(role="assistant", content=[OutputText(text="Hello")])


def test_a_reference_is_input_but_no_item() -> None:
    assert ItemReference in get_args(InputItem)
    with pytest.raises(RemoteProtocolError, match="'item_reference'") as caught:
        item_from({"type": "item_reference", "id": "item_1"})
    assert caught.value.param == "item.type"
