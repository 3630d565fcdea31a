"""The names that a ported program does not find at the front door: items, events and sessions."""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import Any

import pytest

from vivavoce import RealtimeAgent
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
    SessionUpdate,
    to_builtins,
)
from vivavoce.testing import ScriptedRealtimeModel, failed, local_test_model, run

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
def test_items_are_those_of_the_other_sdk(face: ModuleType, name: str) -> None:
    """Its own class reads each, finds every field that it has, and none that it has not."""
    items = pytest.importorskip("agents.realtime.items", reason="needs the package openai-agents")
    item = face.items.item_from(ITEMS[name])
    assert type(item).__name__ == name
    dumped = item.model_dump()
    theirs = getattr(items, name).model_validate(dumped)
    assert theirs.model_dump() == dumped
    assert theirs.__pydantic_extra__ == {}


@pytest.mark.clients
def test_events_are_those_of_the_other_sdk(face: ModuleType) -> None:
    events = pytest.importorskip("agents.realtime.events", reason="needs the package openai-agents")
    theirs = {event.type for event in events.RealtimeSessionEvent.__args__}
    assert theirs == face.events.SESSION_EVENTS


def test_output_is_a_part_of_its_call(face: ModuleType) -> None:
    output = FunctionCallOutputItem(id="item_5", call_id="call_1", output="Nothing.")
    listed = McpListToolsItem(id="item_6", server_label="shop", tools=())
    [waiting] = face.items.history_from([CALL])
    [done] = face.items.history_from([CALL, output, listed])
    assert (waiting.status, waiting.output) == ("in_progress", None)
    assert (done.status, done.output) == ("completed", "Nothing.")


def converse(face: ModuleType, model: Any, seconds: float = 3, **options: Any) -> tuple[list[Any], Any]:
    """Ask a question in writing, and return all events and the session."""

    async def main() -> tuple[list[Any], Any]:
        runner = face.RealtimeRunner(RealtimeAgent(name="Ada"), model=model, **options)
        session = await runner.run(context="mine")
        async with session:
            await session.send_message("Hello?")
            await asyncio.sleep(seconds)
        return [event async for event in session], session

    return run(main())


def test_only_events_of_the_other_sdk_are_told(face: ModuleType) -> None:
    events, session = converse(face, local_test_model(["Good day."]))
    kinds = [event.type for event in events]
    assert set(kinds) <= face.events.SESSION_EVENTS
    assert kinds.count("agent_start") == kinds.count("agent_end") == kinds.count("audio_end") == 1
    assert {event.info.context.context for event in events} == {"mine"}
    assert session.current_agent.name == "Ada"
    [last] = [event for event in events if event.type == "history_updated"][-1:]
    assert [(item.role, item.content[0].type) for item in last.history] == [
        ("user", "input_text"),
        ("assistant", "audio"),
    ]


def test_usage_is_told_and_added_up(face: ModuleType) -> None:
    events, _ = converse(face, local_test_model(["Good day."]))
    [used] = [event for event in events if getattr(event, "data", None) and event.data.type == "usage"]
    assert used.data.usage.requests == used.info.context.usage.requests == 1
    assert used.data.usage.total_tokens == used.info.context.usage.total_tokens


def test_raw_events_are_json(face: ModuleType) -> None:
    events, _ = converse(face, local_test_model(["Good day."]))
    raw = [
        event.data.data
        for event in events
        if event.type == "raw_model_event" and event.data.type == "raw_server_event"
    ]
    assert raw[0]["type"] == "session.created"
    done = next(event for event in raw if event["type"] == "response.done")
    assert done["response"]["status"] == "completed"


def test_failure_is_an_event(face: ModuleType) -> None:
    events, _ = converse(face, ScriptedRealtimeModel([failed("out of order")]))
    assert [event.error.message for event in events if event.type == "error"] == ["out of order"]


@pytest.mark.parametrize(
    ("settings", "model"),
    [
        (None, "gpt-4o-mini-transcribe"),
        ({}, "gpt-4o-mini-transcribe"),
        ({"input_audio_transcription": {"model": "whisper-1"}}, "whisper-1"),
        ({"audio": {"input": {"transcription": {"model": "whisper-1"}}}}, "whisper-1"),
        ({"input_audio_transcription": None}, None),
    ],
)
def test_speech_is_written_down_unless_settings_say_otherwise(
    face: ModuleType, settings: dict[str, Any] | None, model: str | None
) -> None:
    server = ScriptedRealtimeModel(["Good day."])
    converse(face, server, config={"model_settings": settings})
    [update] = [event for event in server.sent_events if isinstance(event, SessionUpdate)]
    transcription = to_builtins(update)["session"]["audio"]["input"]["transcription"]
    assert (transcription and transcription["model"]) == model


def test_raw_message_is_sent(face: ModuleType) -> None:
    server = ScriptedRealtimeModel([])

    async def main() -> None:
        session = await face.RealtimeRunner(RealtimeAgent(name="Ada"), model=server).run()
        async with session:
            heard: list[Any] = []
            session.model.add_listener(heard.append)
            audio = {"audio": "AAAA"}
            for message in (
                {"type": "input_audio_buffer.append", "other_data": audio},
                {"type": "input_audio_buffer.clear"},
            ):
                await session.model.send_event(face.RealtimeModelSendRawMessage(message=message))
            await asyncio.sleep(0.1)
            assert [event.type for event in server.sent_events][-2:] == [
                "input_audio_buffer.append",
                "input_audio_buffer.clear",
            ]

    run(main())
