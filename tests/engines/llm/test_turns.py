from __future__ import annotations

from collections.abc import Sequence

from vivavoce.engines.llm import turns
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputImage,
    InputText,
    Item,
    McpCallItem,
    McpListToolsItem,
    MessageItem,
    OutputAudio,
    OutputText,
)

USER = MessageItem(
    role="user", content=[InputText(text="hello "), InputAudio(transcript="there"), InputAudio()]
)
ASSISTANT = MessageItem(role="assistant", content=[OutputAudio(transcript="hi"), OutputText(text="you")])
CALL = FunctionCallItem(name="f", arguments='{"a": 1}', call_id="1")
OUTPUT = FunctionCallOutputItem(call_id="1", output="x")


def test_texts_and_transcripts_are_what_a_message_says() -> None:
    assert turns.text_of(USER) == "hello there"
    assert turns.text_of(ASSISTANT) == "hi you"
    assert not turns.has_picture(USER)
    assert turns.has_picture(MessageItem(role="user", content=[InputImage(image_url="data:x")]))


def test_system_messages_and_lists_of_tools_are_left_out() -> None:
    items: list[Item] = [
        MessageItem(role="system", content=[InputText(text="x")]),
        McpListToolsItem(server_label="s", tools=[]),
        USER,
        ASSISTANT,
    ]
    talk = turns.relevant(items)
    assert talk == [USER, ASSISTANT]
    assert turns.last_user(talk) == 0
    assert turns.last_user([ASSISTANT]) == -1
    assert turns.last_assistant_text(talk) == "hi you"
    assert turns.last_assistant_text([USER]) == ""
    assert turns.assistant_count(talk) == 1


def test_an_order_stands_until_somebody_speaks() -> None:
    order = MessageItem(role="system", content=[InputText(text="Decline.")])
    assert turns.last_order([USER, order]) == "Decline."
    assert turns.last_order([order, USER]) == ""
    assert turns.last_order([USER, CALL]) == ""
    assert turns.last_order([]) == ""


def test_outputs_are_fresh_until_somebody_speaks() -> None:
    mcp = McpCallItem(id="m", server_label="s", name="g", arguments="{}", output="y")
    orphan = FunctionCallOutputItem(call_id="9", output="z")
    assert turns.fresh_outputs([USER, CALL, OUTPUT, mcp, orphan]) == [("f", "x"), ("g", "y"), ("", "z")]
    assert turns.fresh_outputs([USER, CALL, OUTPUT, ASSISTANT]) == []


def test_calls_since_an_item_have_their_arguments_as_objects() -> None:
    broken = FunctionCallItem(name="g", arguments="{", call_id="2")
    assert turns.calls_since([CALL, USER, CALL, broken], 1) == [("f", {"a": 1}), ("g", "{")]


def never(items: Sequence[Item], text: str) -> bool:
    assert turns.is_user(items[-1])
    assert text == "hi you"
    return False


def always(items: Sequence[Item], text: str) -> bool:
    return not never(items, text)


def test_an_answer_begun_before_a_question_goes_before_it() -> None:
    assert turns.in_time([USER, ASSISTANT], never) == [ASSISTANT, USER]
    assert turns.in_time([CALL, USER, USER, ASSISTANT], never) == [CALL, ASSISTANT, USER, USER]
    assert turns.in_time([USER, ASSISTANT, ASSISTANT], never) == [ASSISTANT, ASSISTANT, USER]
    assert turns.in_time([USER, ASSISTANT, USER], never) == [ASSISTANT, USER, USER]


def test_what_may_be_an_answer_stays_behind_its_question() -> None:
    assert turns.in_time([USER, ASSISTANT], always) == [USER, ASSISTANT]
    order = MessageItem(role="system", content=[InputText(text="Decline.")])
    spoken = MessageItem(role="user", content=[InputAudio(transcript="hello")])
    talks: list[list[Item]] = [
        [USER, order, ASSISTANT],
        [USER, ASSISTANT, order, USER],
        [USER, ASSISTANT, CALL, OUTPUT],
        [spoken, ASSISTANT, USER],
        [USER, ASSISTANT, *[CALL] * 12],
        [ASSISTANT],
        [],
    ]
    for items in talks:
        assert turns.in_time(items, never) == items


def test_messages_wait_until_somebody_else_speaks() -> None:
    other = MessageItem(role="user", content=[InputText(text="and?")])
    assert turns.waiting([USER, ASSISTANT, USER, other]) == [USER, other]
    assert turns.waiting([USER, ASSISTANT]) == []
    assert turns.waiting_before([ASSISTANT, USER, other], other) == [USER]
    assert turns.waiting_before([ASSISTANT, USER, other], USER) == []
    assert turns.is_written(other)
    assert not turns.is_written(MessageItem(role="user", content=[InputAudio(transcript="hello")]))
