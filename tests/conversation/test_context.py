"""What the model is given to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.conversation.sessions import PNG

from vivavoce.conversation.effects import StartResponse
from vivavoce.protocol import MessageItem, OutputAudio, ResponseDone, to_builtins

if TYPE_CHECKING:
    from tests.conversation.conftest import Talk


def read(talk: Talk) -> list[str]:
    return [str(item.id) for item in talk.started.items]


def long_talk(talk: Talk, count: int = 10, tokens: int = 10) -> None:
    """Items of ten tokens each, and no instructions."""
    talk.update(instructions="")
    for index in range(count):
        talk.write("x" * (4 * tokens), previous_item_id=None if not index else f"item_{index}")


def test_the_model_reads_the_whole_conversation(talk: Talk) -> None:
    talk.write("One")
    talk.write("Two", previous_item_id="root")
    talk.ask()
    assert read(talk) == ["item_2", "item_1"]


@pytest.mark.parametrize(
    ("truncation", "first"),
    [
        ("auto", 6),
        ({"type": "retention_ratio", "retention_ratio": 0.6}, 8),
        (
            {
                "type": "retention_ratio",
                "retention_ratio": 1.0,
                "token_limits": {"post_instructions": 20},
            },
            9,
        ),
    ],
)
def test_the_oldest_items_are_left_out_and_stay_in_the_conversation(
    talk_with: type[Talk], truncation: Any, first: int
) -> None:
    talk = talk_with(context_tokens=50)
    talk.update(truncation=truncation)
    long_talk(talk)
    talk.ask()
    assert read(talk) == [f"item_{index}" for index in range(first, 11)]
    assert len(talk.server._items) == 10
    talk.text("Hi")
    talk.finish()
    usage = talk.last(ResponseDone).response.usage
    assert usage is not None
    assert usage.input_tokens == (11 - first) * 10


def test_disabled_truncation_fails_the_response(talk_with: type[Talk]) -> None:
    talk = talk_with(context_tokens=50)
    talk.update(truncation="disabled")
    long_talk(talk)
    assert talk.ask() == ["response.created", "response.done"]
    response = to_builtins(talk.last(ResponseDone))["response"]
    assert response["status"] == "failed"
    assert response["status_details"]["error"]["code"] == "context_length_exceeded"
    assert response["usage"]["total_tokens"] == 0
    assert talk.of(StartResponse) == []
    assert talk.write() == [*talk.ITEM]


def test_what_nobody_heard_and_half_a_call_are_not_read(talk: Talk) -> None:
    talk.write()
    talk.ask()
    talk.clause("Never heard.", 0)
    talk.call(arguments='{"ci')
    talk.send("response.cancel")
    talk.ask()
    spoken = [item for item in talk.started.items if isinstance(item, MessageItem)]
    assert read(talk) == ["item_1", "item_2"]  # without audio, the clause was written
    assert spoken[-1].content == [OutputAudio(transcript="Never heard.")]


def test_an_answer_truncated_to_nothing_is_not_read(talk: Talk) -> None:
    talk.ask()
    talk.clause("Hello there.", 300)
    talk.tick(1.0)
    talk.finish()
    talk.send("conversation.item.truncate", item_id="item_1", content_index=0, audio_end_ms=10)
    talk.ask()
    assert read(talk) == []


def test_an_item_in_progress_is_not_read(talk: Talk) -> None:
    talk.ask()
    talk.clause("Hello there.", 300)
    talk.ask(conversation="none")
    assert read(talk) == []


TEXT = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
SAID = {"type": "message", "role": "user", "content": [{"type": "input_audio", "transcript": "Hi"}]}


def test_an_input_replaces_the_conversation(talk: Talk) -> None:
    talk.write("In the conversation")
    talk.write("Not asked for")
    given = [
        {"type": "item_reference", "id": "item_1"},
        {**TEXT, "status": "in_progress"},
        {**SAID, "id": "s"},
    ]
    talk.ask(conversation="none", input=given)
    assert read(talk) == ["item_1", "item_3", "s"]
    assert len(talk.server._items) == 2


def test_an_empty_input_is_no_context(talk: Talk) -> None:
    talk.write()
    talk.ask(input=[])
    assert talk.started.items == ()


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"type": "item_reference", "id": "x"}, "response.input[1].id"),
        (
            {"type": "message", "role": "assistant", "content": [{"type": "input_text", "text": "Hi"}]},
            "response.input[1].content[0].type",
        ),
        (
            {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "AAAA"}]},
            "response.input[1].content[0].transcript",
        ),
    ],
)
def test_an_input_that_cannot_be_used(talk: Talk, item: dict[str, Any], param: str) -> None:
    assert talk.ask(conversation="none", input=[TEXT, item]) == ["error"]
    assert talk.complaint[:2] == ("invalid_value", param)


def test_function_calls_and_outputs_are_read(talk: Talk) -> None:
    talk.ask()
    talk.call()
    talk.finish()
    output = {"type": "function_call_output", "call_id": "call_look", "output": "1"}
    talk.send("conversation.item.create", item=output)
    talk.ask()
    assert [item.type for item in talk.started.items] == ["function_call", "function_call_output"]


def test_what_has_left_the_context_stays_out_of_it(talk_with: type[Talk]) -> None:
    talk = talk_with(context_tokens=100)
    talk.update(truncation={"type": "retention_ratio", "retention_ratio": 0.5}, instructions="")
    for _ in range(11):
        talk.write("x" * 40)
    talk.ask(conversation="none")
    beside = talk.started.items
    talk.finish()
    talk.update(truncation={"type": "retention_ratio", "retention_ratio": 0.8})
    talk.ask()
    kept = talk.started.items
    assert (len(beside), len(kept)) == (5, 8)  # what was beside the conversation left it as it was
    talk.finish()
    talk.write("x" * 40)
    talk.ask()
    read = talk.started.items
    assert (read[:8], len(read)) == (kept, 9)  # where a cache finds them
    talk.finish()
    first = {"type": "item_reference", "id": "item_1"}
    talk.ask(conversation="none", input=[first])
    assert [item.id for item in talk.started.items] == ["item_1"]
    talk.finish()
    assert talk.send("conversation.item.retrieve", item_id="item_1") == ["conversation.item.retrieved"]


def test_pictures_are_counted_in_a_context_of_ones_own_too(talk: Talk) -> None:
    picture = {"type": "input_image", "image_url": PNG, "detail": "low"}
    message = {"type": "message", "role": "user", "content": [picture]}
    talk.send("conversation.item.create", item=message)
    wishes: list[dict[str, Any]] = [
        {},
        {"input": [message]},
        {"input": [{"type": "item_reference", "id": "item_1"}]},
    ]
    for wish in wishes:
        talk.ask(conversation="none", **wish)
        talk.text("A cat.")
        talk.finish()
        usage = talk.last(ResponseDone).response.usage
        assert usage is not None
        assert usage.input_token_details.image_tokens == 85
    broken = {**message, "content": [{**picture, "image_url": "cat.png"}]}
    assert talk.ask(conversation="none", input=[message, broken]) == ["error"]
    assert talk.complaint[:2] == ("invalid_value", "response.input[1].content[0].image_url")
