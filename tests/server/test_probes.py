"""One event or field at a time, right and wrong: each gets its answer, and none ends the session.

All probes of one kind run on one connection, in turn, so what one of them breaks the next one notices.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

Serve = Callable[..., AbstractAsyncContextManager[str]]

USER = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)
TOOL = {"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}}


def session(**fields: Any) -> dict[str, Any]:
    return {"type": "session.update", "session": {"type": "realtime", **fields}}


def listen(**fields: Any) -> dict[str, Any]:
    return session(audio={"input": fields})


def speak(**fields: Any) -> dict[str, Any]:
    return session(audio={"output": fields})


def item(fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": fields, **more}


def message(role: str, *content: dict[str, Any]) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": list(content)}


def respond(**fields: Any) -> dict[str, Any]:
    return {"type": "response.create", "response": {"output_modalities": ["text"], **fields}}


ACCEPTED = {
    "instructions": (session(instructions="Be brief."), "session.updated"),
    "cleared-instructions": (session(instructions=""), "session.updated"),
    "other-model": (session(model="another"), "session.updated"),
    "text": (session(output_modalities=["text"]), "session.updated"),
    "tools": (session(tools=[TOOL]), "session.updated"),
    "tool-choice": (session(tool_choice={"type": "function", "name": "f"}), "session.updated"),
    "max-tokens": (session(max_output_tokens=100), "session.updated"),
    "parallel-tool-calls": (session(parallel_tool_calls=False), "session.updated"),
    "truncation": (
        session(truncation={"type": "retention_ratio", "retention_ratio": 0.8}),
        "session.updated",
    ),
    "push-to-talk": (listen(turn_detection=None), "session.updated"),
    "vad": (listen(turn_detection={"type": "server_vad", "threshold": 0.6}), "session.updated"),
    "semantic-vad": (listen(turn_detection={"type": "semantic_vad", "eagerness": "high"}), "session.updated"),
    "ulaw-in": (listen(format={"type": "audio/pcmu"}), "session.updated"),
    "transcription": (listen(transcription={"model": "whisper-1", "language": "en"}), "session.updated"),
    "no-transcription": (listen(transcription=None), "session.updated"),
    "alaw-out": (speak(format={"type": "audio/pcma"}), "session.updated"),
    "voice": (speak(voice="alloy"), "session.updated"),
    "speed": (speak(speed=1.25), "session.updated"),
    "no-noise-reduction": (listen(noise_reduction=None), "session.updated"),
    "no-include": (session(include=None), "session.updated"),
    "clear": ({"type": "input_audio_buffer.clear"}, "input_audio_buffer.cleared"),
    "system-item": (item(message("system", {"type": "input_text", "text": "s"})), "conversation.item.done"),
    "assistant-item": (
        item(message("assistant", {"type": "output_text", "text": "s"})),
        "conversation.item.done",
    ),
    "image-item": (
        item(message("user", {"type": "input_image", "image_url": PIXEL})),
        "conversation.item.done",
    ),
    "root": (item(USER, previous_item_id="root"), "conversation.item.done"),
    "own-id": (item({**USER, "id": "mine"}), "conversation.item.done"),
    "retrieve": ({"type": "conversation.item.retrieve", "item_id": "mine"}, "conversation.item.retrieved"),
    "delete": ({"type": "conversation.item.delete", "item_id": "mine"}, "conversation.item.deleted"),
    "response": (respond(), "response.done"),
    "metadata": (respond(metadata={"topic": "a"}), "response.done"),
    "out-of-band": (respond(conversation="none", input=[USER]), "response.done"),
    "no-context": (respond(conversation="none", input=[]), "response.done"),
}

REFUSED = {
    "not-json": ("{", "invalid_json", None),
    "not-an-object": ("[]", "invalid_event", None),
    "no-type": ("{}", "invalid_event", None),
    "binary": (b"\0\1", "invalid_event", None),
    "unknown-event": ({"type": "no.such"}, "invalid_value", "type"),
    "unknown-field": ({"type": "response.cancel", "why": 1}, "unknown_parameter", "why"),
    "beta-session": (session(modalities=["text"]), "unknown_parameter", "session.modalities"),
    "no-session-type": (
        {"type": "session.update", "session": {"instructions": "x"}},
        "missing_required_parameter",
        "session.type",
    ),
    "other-session-type": (
        {"type": "session.update", "session": {"type": "transcription"}},
        "invalid_value",
        "session.type",
    ),
    "bad-threshold": (
        listen(turn_detection={"type": "server_vad", "threshold": 2}),
        "invalid_value",
        "session.audio.input.turn_detection.threshold",
    ),
    "bad-idle": (
        listen(turn_detection={"type": "server_vad", "idle_timeout_ms": 1}),
        "invalid_value",
        "session.audio.input.turn_detection.idle_timeout_ms",
    ),
    "bad-detection": (
        listen(turn_detection={"type": "bogus"}),
        "invalid_value",
        "session.audio.input.turn_detection.type",
    ),
    "bad-speed": (speak(speed=9), "invalid_value", "session.audio.output.speed"),
    "bad-type": (session(instructions=5), "invalid_type", "session.instructions"),
    "bad-base64": ({"type": "input_audio_buffer.append", "audio": "%%"}, "invalid_value", "audio"),
    "no-audio": ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio"),
    "empty-commit": ({"type": "input_audio_buffer.commit"}, "input_audio_buffer_commit_empty", None),
    "output-clear": ({"type": "output_audio_buffer.clear"}, "invalid_value", "type"),
    "nothing-to-cancel": ({"type": "response.cancel"}, "response_cancel_not_active", None),
    "no-text": (
        item(message("user", {"type": "input_text"})),
        "missing_required_parameter",
        "item.content[0].text",
    ),
    "wrong-content": (
        item(message("assistant", {"type": "input_text", "text": "x"})),
        "invalid_value",
        "item.content[0].type",
    ),
    "unknown-previous": (item(USER, previous_item_id="nobody"), "invalid_value", "previous_item_id"),
    "retrieve-nobody": (
        {"type": "conversation.item.retrieve", "item_id": "nobody"},
        "item_retrieve_invalid_item_id",
        "item_id",
    ),
    "delete-nobody": (
        {"type": "conversation.item.delete", "item_id": "nobody"},
        "item_delete_invalid_item_id",
        "item_id",
    ),
    "truncate-nobody": (
        {"type": "conversation.item.truncate", "item_id": "nobody", "content_index": 0, "audio_end_ms": 1},
        "item_truncate_invalid_item_id",
        "item_id",
    ),
    "unknown-reference": (
        respond(conversation="none", input=[{"type": "item_reference", "id": "nobody"}]),
        "invalid_value",
        "response.input[0].id",
    ),
    "long-metadata": (respond(metadata={"k" * 65: "v"}), "invalid_value", "response.metadata"),
    "long-padding": (
        listen(turn_detection={"type": "server_vad", "prefix_padding_ms": 5001}),
        "invalid_value",
        "session.audio.input.turn_detection.prefix_padding_ms",
    ),
    "prompt": (session(prompt={"id": "p"}), "prompt_not_found", "session.prompt.id"),
    "response-prompt": (respond(prompt={"id": "p"}), "prompt_not_found", "response.prompt.id"),
    "noise-reduction": (
        listen(noise_reduction={"type": "near_field"}),
        "invalid_value",
        "session.audio.input.noise_reduction",
    ),
    "reasoning": (session(reasoning={"effort": "low"}), "invalid_value", "session.reasoning.effort"),
    "include": (
        session(include=["item.input_audio_transcription.logprobs"]),
        "invalid_value",
        "session.include[0]",
    ),
    "transcription-prompt": (
        listen(transcription={"model": "whisper-1", "prompt": "Names"}),
        "invalid_value",
        "session.audio.input.transcription.prompt",
    ),
    "image-of-nothing": (
        item(message("user", {"type": "input_image", "image_url": "data:image/png;base64,aGk="})),
        "invalid_value",
        "item.content[0].image_url",
    ),
    "output-of-no-call": (
        item({"type": "function_call_output", "call_id": "nobody", "output": "{}"}),
        "invalid_tool_call_id",
        "item.call_id",
    ),
    "choice-of-no-tool": (
        session(tool_choice={"type": "function", "name": "nothing"}),
        "invalid_value",
        "session.tool_choice",
    ),
    "choice-of-no-tool-of-the-response": (
        respond(tool_choice={"type": "function", "name": "f"}, tools=[]),
        "invalid_value",
        "response.tool_choice",
    ),
    "choice-of-mcp": (
        session(tool_choice={"type": "mcp", "server_label": "l"}),
        "invalid_value",
        "session.tool_choice.server_label",
    ),
    "twice-the-tool": (session(tools=[TOOL, TOOL]), "invalid_value", "session.tools[1].name"),
}


async def answer_to(connection: ClientConnection, frame: Any, last: str) -> dict[str, Any]:
    """Send a frame and return the first event of the wanted type, or an error if that comes first."""
    if isinstance(frame, dict):
        frame = json.dumps({"event_id": "probe", **frame})
    await connection.send(frame)
    async with asyncio.timeout(10):
        while True:
            event: dict[str, Any] = json.loads(await connection.recv())
            if event["type"] in (last, "error"):
                return event


def test_what_is_right_is_done(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving() as url, connect(url + "?model=gpt-realtime") as connection:
            for name, (frame, last) in ACCEPTED.items():
                event = await answer_to(connection, frame, last)
                assert event["type"] == last, (name, event)

    asyncio.run(scenario())


def test_what_is_wrong_is_told_and_the_session_goes_on(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving() as url, connect(url + "?model=gpt-realtime") as connection:
            before = json.loads(await connection.recv())["session"]
            await answer_to(connection, session(), "session.updated")  # and so speaks the GA dialect
            for name, (frame, code, param) in REFUSED.items():
                event = await answer_to(connection, frame, "error")
                told = event["error"]
                assert (told["code"], told["param"]) == (code, param), (name, told)
                assert told["message"], name
                if isinstance(frame, dict):
                    assert told["event_id"] == "probe", name
            after = await answer_to(connection, session(), "session.updated")
            assert after["session"] == before, "a refused update changed something"
            event = await answer_to(connection, respond(), "response.done")
            assert event["response"]["status"] == "completed"

    asyncio.run(scenario())


def test_an_update_shows_the_whole_session_with_what_it_changed(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving() as url, connect(url + "?model=gpt-realtime") as connection:
            detection = {"type": "server_vad", "silence_duration_ms": 300}
            event = await answer_to(connection, listen(turn_detection=detection), "session.updated")
            shown = event["session"]["audio"]["input"]["turn_detection"]
            assert shown == {
                "type": "server_vad",
                "threshold": 0.5,
                "prefix_padding_ms": 300,
                "silence_duration_ms": 300,
                "idle_timeout_ms": None,
                "create_response": True,
                "interrupt_response": True,
            }
            event = await answer_to(connection, speak(speed=0.5), "session.updated")
            assert event["session"]["audio"]["input"]["turn_detection"] == shown
            assert event["session"]["audio"]["output"]["speed"] == 0.5

    asyncio.run(scenario())


@pytest.mark.parametrize("first", [True, False])
def test_nothing_of_one_client_reaches_the_next(serving: Serve, *, first: bool) -> None:
    async def scenario() -> None:
        async with serving() as url:
            if first:
                async with connect(url + "?model=a") as connection:
                    await answer_to(connection, session(instructions="A's", tools=[TOOL]), "session.updated")
                    await answer_to(connection, item(USER), "conversation.item.done")
            async with connect(url + "?model=b") as connection:
                created = json.loads(await connection.recv())["session"]
                assert (created["model"], created["tools"]) == ("b", [])
                assert created["instructions"] != "A's"

    asyncio.run(scenario())
