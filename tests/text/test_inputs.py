from __future__ import annotations

from typing import Any

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    InputImage,
    InputText,
    Item,
    McpApprovalResponseItem,
    MessageItem,
    OutputText,
    ToolChoiceFunction,
    codec,
)
from vivavoce.text.inputs import input_json, read_input

USER = MessageItem(role="user", content=[InputText(text="Hi")])


def test_a_text_is_said_by_the_user() -> None:
    assert read_input("Hi") == [USER]
    assert input_json("Hi") == "Hi"


def test_half_an_emoji_is_read_as_a_question_mark() -> None:
    asked = MessageItem(role="user", content=[InputText(text="Hi?")])
    assert read_input("Hi\ud83d") == read_input([{"role": "user", "content": "Hi\ud83d"}]) == [asked]


@pytest.mark.parametrize(
    ("given", "item"),
    [
        (USER, USER),
        ({"role": "user", "content": "Hi"}, USER),
        ({"type": "message", "role": "user", "content": [InputText(text="Hi")]}, USER),
        (
            {"role": "developer", "content": "Be brief."},
            MessageItem(role="system", content=[InputText(text="Be brief.")]),
        ),
        (
            {
                "id": "m1",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "a", "annotations": []}],
            },
            MessageItem(role="assistant", content=[OutputText(text="a")]),
        ),
        (
            {"role": "assistant", "content": [{"type": "output_audio", "transcript": "spoken"}]},
            MessageItem(role="assistant", content=[OutputText(text="spoken")]),
        ),
        (
            {"role": "user", "content": [{"type": "input_audio", "audio": "AAAA", "transcript": None}]},
            MessageItem(role="user", content=[InputText(text="")]),
        ),
        (
            {"role": "user", "content": [{"type": "input_image", "image_url": "data:,x", "detail": "low"}]},
            MessageItem(role="user", content=[InputImage(image_url="data:,x", detail="low")]),
        ),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,x"}}]},
            MessageItem(role="user", content=[InputImage(image_url="data:,x")]),
        ),
        (
            {
                "type": "function_call",
                "id": "f",
                "call_id": "c",
                "name": "n",
                "arguments": "{}",
                "status": "x",
            },
            FunctionCallItem(name="n", arguments="{}", call_id="c"),
        ),
        (
            {"type": "function_call_output", "call_id": "c", "output": {"ok": True}},
            FunctionCallOutputItem(call_id="c", output='{"ok": true}'),
        ),
        (
            {"type": "mcp_approval_response", "approval_request_id": "r", "approve": True},
            McpApprovalResponseItem(approval_request_id="r", approve=True),
        ),
    ],
)
def test_items_come_in_many_forms(given: Any, item: Any) -> None:
    assert read_input([given]) == [item]


def test_the_json_form_of_items_is_read_back() -> None:
    items: list[Item] = [
        USER,
        MessageItem(role="assistant", content=[OutputText(text="One moment.")]),
        FunctionCallItem(name="n", arguments='{"a": 1}', call_id="c"),
        FunctionCallOutputItem(call_id="c", output="done"),
    ]
    form = [codec.to_builtins(item) for item in items]
    assert read_input(form) == items
    assert input_json(items) == form


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (7, "input must be a text or a list of items, got 7"),
        ({"role": "user"}, "input must be a text or a list"),
        (b"Hi", "input must be a text or a list"),
        ([7], r"input\[0\] must be an item or a dictionary"),
        ([ToolChoiceFunction(name="n")], r"input\[0\] is no item of a conversation"),
        ([USER, {"type": "reasoning"}], r"input\[1\].*'reasoning'"),
        ([{"role": "robot", "content": ""}], r"input\[0\]\.role must be one of user, .*'robot'"),
        ([{"role": "user", "content": 3}], r"input\[0\]\.content must be a text or a list of parts"),
        ([{"role": "user", "content": [3]}], r"input\[0\]\.content\[0\] must be a dictionary"),
        ([{"role": "user", "content": [{"type": "video"}]}], r"content\[0\]\.type must be .*'video'"),
        ([{"role": "user", "content": [{"type": "input_text"}]}], r"content\[0\]\.text must be a text"),
        ([{"role": "user", "content": [{"type": "input_image"}]}], r"content\[0\]\.image_url must be a URL"),
        ([{"type": "function_call", "name": "n"}], r"input\[0\]\.arguments must be a text"),
        ([{"type": "function_call_output", "output": ""}], r"input\[0\]\.call_id must be a text"),
        ([{"type": "mcp_call", "id": 4}], r"input\[0\]\.\w+"),
    ],
)
def test_what_is_no_conversation_is_refused_with_its_place(given: Any, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        read_input(given)
