"""Items in the spelling of `openai-agents`."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import TypeAdapter

from vivavoce.openai_agents.realtime.items import (
    AssistantMessageItem,
    RealtimeItem,
    RealtimeResponse,
    RealtimeToolCallItem,
    UserMessageItem,
    history_from,
    item_from,
)
from vivavoce.protocol import (
    FunctionCallItem,
    FunctionCallOutputItem,
    InputAudio,
    InputImage,
    InputText,
    Item,
    McpListToolsItem,
    MessageItem,
    OutputAudio,
    OutputText,
)

CALL = FunctionCallItem(id="item_4", call_id="call_1", name="look", arguments="{}")
ITEMS: dict[str, Item] = {
    "SystemMessageItem": MessageItem(id="item_1", role="system", content=(InputText(text="Be kind."),)),
    "UserMessageItem": MessageItem(
        id="item_2",
        role="user",
        content=(
            InputText(text="Hello"),
            InputAudio(audio=b"\0\0", transcript="there"),
            InputAudio(),
            InputImage(image_url="data:image/png;base64,AA==", detail="high"),
        ),
    ),
    "AssistantMessageItem": MessageItem(
        id="item_3",
        role="assistant",
        status="completed",
        content=(OutputText(text="Good"), OutputAudio(transcript="day.")),
    ),
    "RealtimeToolCallItem": CALL,
}


@pytest.mark.clients
@pytest.mark.parametrize("name", ITEMS)
def test_items_are_those_of_the_other_sdk(name: str) -> None:
    """Its own class reads each, finds every field that it has, and none that it has not."""
    items = pytest.importorskip("agents.realtime.items", reason="needs the package openai-agents")
    item = item_from(ITEMS[name])
    assert item is not None
    assert type(item).__name__ == name
    theirs = getattr(items, name).model_validate(item.model_dump())
    assert theirs.model_dump() == item.model_dump()
    assert theirs.__pydantic_extra__ == {}


@pytest.mark.parametrize("name", ITEMS)
def test_an_item_is_read_back_from_its_json_form(name: str) -> None:
    reader: TypeAdapter[Any] = TypeAdapter(RealtimeItem)
    item = item_from(ITEMS[name])
    assert item is not None
    assert reader.validate_json(item.model_dump_json()) == item


def test_parts_keep_what_they_hold() -> None:
    user, answer = item_from(ITEMS["UserMessageItem"]), item_from(ITEMS["AssistantMessageItem"])
    assert isinstance(user, UserMessageItem)
    assert isinstance(answer, AssistantMessageItem)
    assert [part.model_dump(exclude_none=True) for part in user.content] == [
        {"type": "input_text", "text": "Hello"},
        {"type": "input_audio", "audio": "AAA=", "transcript": "there"},
        {"type": "input_audio"},
        {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "high"},
    ]
    assert [part.type for part in answer.content] == ["text", "audio"]
    assert answer.status == "completed"
    assert RealtimeResponse(id="resp_1", output=[answer]).output == [answer]


def test_output_is_a_part_of_its_call() -> None:
    output = FunctionCallOutputItem(id="item_5", call_id="call_1", output="Nothing.")
    listed = McpListToolsItem(id="item_6", server_label="shop", tools=())
    [waiting] = history_from([CALL])
    [done] = history_from([CALL, output, listed])
    assert isinstance(waiting, RealtimeToolCallItem)
    assert isinstance(done, RealtimeToolCallItem)
    assert (waiting.status, waiting.output) == ("in_progress", None)
    assert (done.status, done.output) == ("completed", "Nothing.")


def test_a_message_without_a_status_has_none() -> None:
    item = item_from(MessageItem(role="assistant", content=()))
    assert isinstance(item, AssistantMessageItem)
    assert (item.item_id, item.status) == ("", None)
