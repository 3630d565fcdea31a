"""The beta dialect over sockets: with its own client, and with those who announce it in other ways."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from vivavoce.engines.base import FunctionCallDelta
from vivavoce.engines.scripted import ScriptedModel, scripted_engines
from vivavoce.protocol import ConversationItemDone, InputAudioBufferCleared, MessageItem
from vivavoce.server.beta import BetaFrames, announces_beta

openai = pytest.importorskip("openai", reason="needs the package openai: pip install 'vivavoce[openai]'")

Serve = Callable[..., AbstractAsyncContextManager[str]]

MODEL = "gpt-4o-mini-realtime-preview"
ANNOUNCED: dict[str, Any] = {"additional_headers": {"OpenAI-Beta": "realtime=v1"}}
TOOL = {"type": "function", "name": "get_weather", "description": "", "parameters": {"type": "object"}}


def client_for(url: str) -> Any:
    base = url.removesuffix("/realtime")
    http = base.replace("ws://", "http://")
    return openai.AsyncOpenAI(api_key="sk-anything", base_url=http, websocket_base_url=base, max_retries=0)


async def until(connection: Any, last: str) -> list[Any]:
    """Every event up to the first of that type, each valid under the client's own strict types."""
    from openai.types.beta.realtime import RealtimeServerEvent
    from pydantic import TypeAdapter

    valid = TypeAdapter[Any](RealtimeServerEvent)
    events: list[Any] = []
    async with asyncio.timeout(10):
        while not events or events[-1].type != last:
            events.append(valid.validate_json(await connection.recv_bytes(), strict=True))
    return events


def types(events: list[Any]) -> list[str]:
    return [event.type for event in events]


def message(text: str) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def converse(serving: Serve, engines: Any, scene: Callable[[Any], Any], **options: Any) -> None:
    """Play a scene with the package's beta client."""

    async def scenario() -> None:
        async with (
            serving(engines=engines) as url,
            client_for(url) as client,
            client.beta.realtime.connect(model=MODEL, **options) as connection,
        ):
            await scene(connection)

    asyncio.run(scenario())


@pytest.mark.clients
def test_a_written_turn_with_a_temperature(serving: Serve) -> None:
    engines = scripted_engines(answers=[["It is sunny."]])
    assert isinstance(engines.llm, ScriptedModel)
    engines.llm.honours = frozenset({"temperature"})  # type: ignore[attr-defined] # as engines say it

    async def scene(connection: Any) -> None:
        created, conversation = await until(connection, "conversation.created")
        assert created.session.model == MODEL
        await connection.session.update(
            session={
                "modalities": ["text"],
                "instructions": "Be brief.",
                "voice": "alloy",
                "temperature": 0.8,
            }
        )
        (updated,) = await until(connection, "session.updated")
        assert (updated.session.modalities, updated.session.temperature) == (["text"], 0.8)
        await connection.conversation.item.create(item=message("Hello"))
        (item,) = await until(connection, "conversation.item.created")
        assert item.item.object == "realtime.item"
        await connection.response.create()
        events = await until(connection, "response.done")
        assert types(events) == [
            "response.created",
            "response.output_item.added",
            "conversation.item.created",
            "response.content_part.added",
            "response.text.delta",
            "response.text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.done",
        ]
        response = events[-1].response
        assert response.output[0].content[0].type == "text"
        assert response.output[0].content[0].text == "It is sunny."
        assert (response.temperature, response.modalities) == (0.8, ["text"])
        assert response.conversation_id == conversation.conversation.id

    converse(serving, engines, scene)
    (request,) = engines.llm.requests
    assert request.options is not None
    assert request.options.temperature == 0.8


@pytest.mark.clients
def test_a_model_without_a_temperature_shows_none(serving: Serve) -> None:
    engines = scripted_engines(answers=[["Hello."]])

    async def scene(connection: Any) -> None:
        await until(connection, "conversation.created")
        await connection.session.update(session={"temperature": 0.8, "modalities": ["text"]})
        (updated,) = await until(connection, "session.updated")
        assert updated.session.temperature is None
        await connection.response.create(response={"temperature": 0.9})
        assert (await until(connection, "response.done"))[-1].response.temperature is None

    converse(serving, engines, scene)
    assert isinstance(engines.llm, ScriptedModel)
    assert engines.llm.requests[0].options is None


@pytest.mark.clients
def test_a_spoken_turn_with_turn_detection_and_transcription(serving: Serve) -> None:
    loud = base64.b64encode(b"\x00\x30\x00\xd0" * 1200).decode()
    quiet = base64.b64encode(bytes(4800)).decode()

    async def scene(connection: Any) -> None:
        await until(connection, "conversation.created")
        await connection.session.update(
            session={
                "modalities": ["text", "audio"],
                "input_audio_format": "pcm16",
                "output_audio_format": "g711_ulaw",
                "input_audio_transcription": {"model": "whisper-1"},
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 200,
                },
            }
        )
        (updated,) = await until(connection, "session.updated")
        assert updated.session.output_audio_format == "g711_ulaw"
        assert updated.session.input_audio_transcription.model == "whisper-1"
        for piece in [loud] * 10 + [quiet] * 10:
            await connection.input_audio_buffer.append(audio=piece)
        said = types(await until(connection, "response.done"))
        assert said[:4] == [
            "input_audio_buffer.speech_started",
            "input_audio_buffer.speech_stopped",
            "input_audio_buffer.committed",
            "conversation.item.created",
        ]
        assert "conversation.item.input_audio_transcription.completed" in said
        assert said.count("conversation.item.created") == 2
        assert said.index("response.audio_transcript.delta") < said.index("response.audio.delta")
        assert [kind for kind in said if kind.startswith("response.") and not kind.endswith("delta")] == [
            "response.created",
            "response.output_item.added",
            "response.content_part.added",
            "response.audio.done",
            "response.audio_transcript.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.done",
        ]

    converse(serving, scripted_engines(hears=["hello"], answers=[["Hi there."]]), scene)


@pytest.mark.clients
def test_a_function_call_and_its_output(serving: Serve) -> None:
    call = FunctionCallDelta(0, "get_weather", '{"city":"Oslo"}')

    async def scene(connection: Any) -> None:
        await until(connection, "conversation.created")
        await connection.session.update(
            session={"modalities": ["text"], "tools": [TOOL], "tool_choice": "get_weather"}
        )
        (updated,) = await until(connection, "session.updated")
        assert updated.session.tool_choice == "get_weather"
        await connection.conversation.item.create(item=message("What is the weather in Oslo?"))
        await connection.response.create()
        events = await until(connection, "response.done")
        (asked,) = events[-1].response.output
        assert (asked.type, asked.name) == ("function_call", "get_weather")
        assert json.loads(asked.arguments) == {"city": "Oslo"}
        assert "response.function_call_arguments.done" in types(events)
        await connection.conversation.item.create(
            item={"type": "function_call_output", "call_id": asked.call_id, "output": "sunny"}
        )
        await connection.response.create(response={"tool_choice": "none"})
        events = await until(connection, "response.done")
        assert events[-1].response.output[0].content[0].text == "It is sunny."

    converse(serving, scripted_engines(answers=[[call], ["It is sunny."]]), scene)


@pytest.mark.clients
def test_a_response_beside_the_conversation(serving: Serve) -> None:
    async def scene(connection: Any) -> None:
        await until(connection, "conversation.created")
        await connection.response.create(
            response={
                "conversation": "none",
                "modalities": ["text"],
                "metadata": {"topic": "a"},
                "max_response_output_tokens": "inf",
                "input": [
                    {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "Yes?"}]},
                    message("Hi"),
                ],
            }
        )
        events = await until(connection, "response.done")
        response = events[-1].response
        assert (response.status, response.conversation_id) == ("completed", None)
        assert response.metadata == {"topic": "a"}
        assert "conversation.item.created" not in types(events)

    converse(serving, scripted_engines(answers=[["Hello."]]), scene)


@pytest.mark.clients
def test_a_transcription_session(serving: Serve) -> None:
    async def scene(connection: Any) -> None:
        await until(connection, "conversation.created")
        await connection.transcription_session.update(
            session={
                "input_audio_format": "pcm16",
                "input_audio_transcription": {"model": "gpt-4o-transcribe"},
                "turn_detection": None,
            }
        )
        (updated,) = await until(connection, "transcription_session.updated")
        assert updated.session.input_audio_transcription.model == "gpt-4o-transcribe"
        await connection.input_audio_buffer.append(audio=base64.b64encode(bytes(9600)).decode())
        await connection.input_audio_buffer.commit()
        events = await until(connection, "conversation.item.input_audio_transcription.completed")
        assert events[-1].transcript == "good morning"

    converse(
        serving, scripted_engines(hears=["good morning"]), scene, extra_query={"intent": "transcription"}
    )


@pytest.mark.clients
def test_an_error_names_the_fields_of_the_beta(serving: Serve) -> None:
    async def scene(connection: Any) -> None:
        await until(connection, "conversation.created")
        await connection.session.update(session={"speed": 9.0}, event_id="mine")
        (error,) = await until(connection, "error")
        assert (error.error.param, error.error.event_id) == ("session.speed", "mine")
        await connection.send({"type": "session.update", "session": {"type": "realtime"}})
        (error,) = await until(connection, "error")
        assert (error.error.code, error.error.param) == ("unknown_parameter", "session.type")

    converse(serving, scripted_engines(), scene)


async def first(peer: ClientConnection, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            event: dict[str, Any] = json.loads(await peer.recv())
            if event["type"] == kind:
                return event


def test_a_browser_announces_it_as_a_subprotocol(serving: Serve) -> None:
    offered = [Subprotocol("realtime"), Subprotocol("openai-beta.realtime-v1")]

    async def scenario() -> None:
        async with serving() as url, connect(f"{url}?model={MODEL}", subprotocols=offered) as peer:
            assert peer.subprotocol == "realtime"
            assert (await first(peer, "session.created"))["session"]["modalities"] == ["text", "audio"]
            assert (await first(peer, "conversation.created"))["conversation"]["id"].startswith("conv_")

    asyncio.run(scenario())


def test_who_announces_nothing_is_known_by_a_flat_first_update(serving: Serve) -> None:
    flat = {"type": "session.update", "session": {"modalities": ["text"], "voice": "alloy"}}

    async def scenario() -> None:
        async with serving() as url, connect(f"{url}?model={MODEL}") as peer:
            assert (await first(peer, "session.created"))["session"]["type"] == "realtime"
            silence = base64.b64encode(bytes(480)).decode()
            await peer.send(json.dumps({"type": "input_audio_buffer.append", "audio": silence}))
            await peer.send(json.dumps(flat))
            assert (await first(peer, "session.updated"))["session"]["modalities"] == ["text"]
            await peer.send(json.dumps({"type": "response.create"}))
            assert (await first(peer, "response.text.delta"))["delta"]
            assert (await first(peer, "response.done"))["response"]["modalities"] == ["text"]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("scope", "beta"),
    [
        ({}, False),
        ({"headers": [(b"openai-beta", b"realtime=v1")]}, True),
        ({"headers": [(b"openai-beta", b"assistants=v2, realtime=v1")]}, True),
        ({"headers": [(b"openai-beta", b"assistants=v2")]}, False),
        ({"headers": [(b"x-other", b"realtime=v1")]}, False),
        ({"subprotocols": ["realtime", "openai-beta.realtime-v1"]}, True),
        ({"subprotocols": ["realtime"]}, False),
    ],
)
def test_the_handshake_says_so(scope: Any, beta: bool) -> None:
    assert announces_beta(scope) is beta


def test_an_event_becomes_as_many_frames_as_the_beta_needs() -> None:
    frames = BetaFrames()
    (frame,) = frames(InputAudioBufferCleared(event_id="é"))
    assert frame == '{"type":"input_audio_buffer.cleared","event_id":"é"}'
    item = MessageItem(id="item_1", role="user", content=[])
    assert frames(ConversationItemDone(event_id="e", item=item)) == []
