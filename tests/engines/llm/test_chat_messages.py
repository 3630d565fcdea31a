from __future__ import annotations

from typing import Any

import pytest

from vivavoce.engines.base import ModelRequest
from vivavoce.engines.llm.chat_messages import (
    NO_RESULT,
    PICTURE,
    UNHEARD,
    build_messages,
    build_tools,
    without_pictures,
)
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    FunctionTool,
    InputAudio,
    InputImage,
    InputText,
    Item,
    McpCallItem,
    MessageItem,
    OutputAudio,
    OutputText,
)


def user(text: str) -> MessageItem:
    return MessageItem(role="user", content=[InputText(text=text)])


def call(call_id: str, arguments: str = "{}") -> FunctionCallItem:
    return FunctionCallItem(name="f", arguments=arguments, call_id=call_id)


def output(call_id: str, text: str) -> FunctionCallOutputItem:
    return FunctionCallOutputItem(call_id=call_id, output=text)


def roles(items: list[Item]) -> list[Any]:
    """The messages in short: role, and for calls and results their ids."""
    short: list[Any] = []
    for message in build_messages("", items):
        if "tool_calls" in message:
            short.append([entry["id"] for entry in message["tool_calls"]])
        elif message["role"] == "tool":
            short.append((message["tool_call_id"], message["content"]))
        else:
            short.append(message["role"])
    return short


def test_speech_is_its_transcript_and_silence_is_said_to_be_so() -> None:
    items = [
        MessageItem(role="user", content=[InputAudio(transcript="hello")]),
        MessageItem(role="assistant", content=[OutputAudio(transcript="hi"), OutputText(text="there")]),
        MessageItem(role="user", content=[InputAudio()]),
        MessageItem(role="assistant", content=[OutputAudio()]),
        MessageItem(role="system", content=[InputText(text="now")]),
    ]
    assert build_messages("Be kind.", items) == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "hello"},
        {"role": "assistant", "content": "hi\nthere"},
        {"role": "user", "content": UNHEARD},
        {"role": "system", "content": "now"},
    ]


def test_a_picture_without_detail_is_passed_through() -> None:
    items = [MessageItem(role="user", content=[InputImage(image_url="data:x")])]
    content = build_messages("", items)[0]["content"]
    assert content == [{"type": "image_url", "image_url": {"url": "data:x"}}]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([user("a"), call("1"), output("1", "x")], ["user", ["1"], ("1", "x")]),
        (
            [call("1"), call("2"), output("2", "y"), output("1", "x")],
            [["1", "2"], ("1", "x"), ("2", "y")],
        ),
        (
            [call("1"), output("1", "x"), call("2"), output("2", "y")],
            [["1"], ("1", "x"), ["2"], ("2", "y")],
        ),
        ([call("1"), user("wait"), output("1", "x")], [["1"], ("1", "x"), "user"]),
        ([output("1", "x"), call("1")], [["1"], ("1", "x")]),
        ([call("1"), user("wait")], [["1"], ("1", NO_RESULT), "user"]),
        ([call("1"), call("1"), output("1", "x"), output("1", "z")], [["1"], ("1", "z")]),
        ([output("9", "x")], ["user"]),
        ([FunctionCallItem(name="f", arguments="{}")], [["call_0_0"], ("call_0_0", NO_RESULT)]),
        (
            [McpCallItem(id="m", server_label="s", name="f", arguments="{}", output="x")],
            [["m"], ("m", "x")],
        ),
    ],
)
def test_every_call_is_followed_by_its_result(items: list[Item], expected: list[Any]) -> None:
    assert roles(items) == expected


def test_an_orphaned_result_is_not_lost() -> None:
    assert "sunny" in build_messages("", [output("9", "sunny")])[0]["content"]


@pytest.mark.parametrize(
    ("written", "sent"), [('{"a": 1}', '{"a": 1}'), ('{"a":', "{}"), ("7", "{}"), ("", "{}")]
)
def test_arguments_left_half_written_become_an_empty_object(written: str, sent: str) -> None:
    message = build_messages("", [call("1", written)])[0]
    assert message["tool_calls"][0]["function"]["arguments"] == sent


def test_tools_without_a_schema_take_an_object() -> None:
    request = ModelRequest(tools=(FunctionTool(name="f", description="d"),), tool_choice="none")
    function = {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}}
    assert build_tools(request) == {
        "tools": [{"type": "function", "function": function}],
        "tool_choice": "none",
    }


def test_without_tools_nothing_is_said_about_them() -> None:
    assert build_tools(ModelRequest(tool_choice="required", parallel_tool_calls=False)) == {}


def test_a_model_without_eyes_is_told_of_a_picture() -> None:
    picture = {"type": "image_url", "image_url": {"url": "data:"}}
    words = {"type": "text", "text": "What is this?"}
    messages: list[dict[str, Any]] = [
        {"role": "system", "content": "Hi"},
        {"role": "user", "content": [words, picture]},
    ]
    assert without_pictures(messages) == [
        messages[0],
        {"role": "user", "content": [words, {"type": "text", "text": PICTURE}]},
    ]
    call: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": []}
    assert without_pictures([call]) == [call]
