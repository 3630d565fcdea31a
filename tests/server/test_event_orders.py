"""The event orders of the Realtime API, as the unmodified `openai` client sees them over a socket.

Every frame is validated under the client's strict types. The engines are scripted, the server is real.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import numpy as np
import pytest

from vivavoce.engines.base import Engines, FunctionCallDelta
from vivavoce.engines.scripted import scripted_engines

openai = pytest.importorskip("openai", reason="needs the package openai: pip install 'vivavoce[openai]'")

Serve = Callable[..., AbstractAsyncContextManager[str]]
Scenario = Callable[["Peer"], Awaitable[None]]

pytestmark = pytest.mark.clients

TURN = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    "response.created",
]
ANSWER_BEGINS = ["response.output_item.added", "conversation.item.added", "response.content_part.added"]
AUDIO_ENDS = [
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]
TEXT_ENDS = [
    "response.output_text.done",
    "response.content_part.done",
    "conversation.item.done",
    "response.output_item.done",
    "response.done",
]


def tone(ms: int) -> bytes:
    """A tone: speech, to the scripted ears."""
    time = np.arange(24 * ms) / 24000
    return (np.sin(2 * np.pi * 300 * time) * 8000).astype("<i2").tobytes()


def quiet(ms: int) -> bytes:
    return b"\0" * (48 * ms)


class Peer:
    """The official client's connection, with what it received."""

    def __init__(self, connection: Any) -> None:
        from openai.types.realtime import RealtimeServerEvent
        from pydantic import TypeAdapter

        self.connection = connection
        self._valid = TypeAdapter[Any](RealtimeServerEvent)

    async def until(self, last: str) -> list[Any]:
        events: list[Any] = []
        async with asyncio.timeout(10):
            while not events or events[-1].type != last:
                events.append(self._valid.validate_json(await self.connection.recv_bytes()))
        return events

    async def speak(self, audio: bytes) -> None:
        for start in range(0, len(audio), 960):
            chunk = base64.b64encode(audio[start : start + 960]).decode()
            await self.connection.input_audio_buffer.append(audio=chunk)

    async def update(self, **session: Any) -> None:
        await self.connection.session.update(session={"type": "realtime", **session})
        await self.until("session.updated")


def order(events: list[Any]) -> list[str]:
    """The types in order, runs of deltas and of the same type as one."""
    types: list[str] = []
    for event in events:
        kind = "audio and transcript" if event.type in AUDIO_DELTAS else event.type
        if not types or types[-1] != kind:
            types.append(kind)
    return types


AUDIO_DELTAS = ("response.output_audio.delta", "response.output_audio_transcript.delta")


@asynccontextmanager
async def connected(serving: Serve, engines: Engines) -> AsyncIterator[Peer]:
    async with serving(engines=engines) as url:
        base_url = url.replace("ws://", "http://").removesuffix("/realtime")
        async with (
            openai.AsyncOpenAI(api_key="sk-anything", base_url=base_url, max_retries=0) as client,
            client.realtime.connect(model="gpt-realtime") as connection,
        ):
            peer = Peer(connection)
            assert order(await peer.until("session.created")) == ["session.created"]
            yield peer


@pytest.fixture
def play(serving: Serve) -> Callable[[Engines, Scenario], None]:
    def run(engines: Engines, scenario: Scenario) -> None:
        async def main() -> None:
            async with connected(serving, engines) as peer:
                await scenario(peer)

        asyncio.run(main())

    return run


Play = Callable[[Engines, Scenario], None]


def test_a_text_turn(play: Play) -> None:
    async def scenario(peer: Peer) -> None:
        await peer.update(output_modalities=["text"])
        content = [{"type": "input_text", "text": "Hello"}]
        await peer.connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": content}
        )
        await peer.connection.response.create()
        events = await peer.until("response.done")
        assert order(events) == [
            "conversation.item.added",
            "conversation.item.done",
            "response.created",
            *ANSWER_BEGINS,
            "response.output_text.delta",
            *TEXT_ENDS,
        ]
        assert events[-1].response.output[0].content[0].text == "Good morning."

    play(scripted_engines(answers=[["Good ", "morning."]]), scenario)


def test_a_spoken_turn_with_server_vad(play: Play) -> None:
    async def scenario(peer: Peer) -> None:
        await peer.update(audio={"input": {"transcription": {"model": "any"}}})
        await peer.speak(quiet(400) + tone(600) + quiet(700))
        events = await peer.until("response.done")
        heard = [event for event in events if "input_audio_transcription" in event.type]
        others = [event for event in events if "input_audio_transcription" not in event.type]
        assert order(others) == [*TURN, *ANSWER_BEGINS, "audio and transcript", *AUDIO_ENDS]
        assert heard[-1].type == "conversation.item.input_audio_transcription.completed"
        assert heard[-1].transcript == "how are you"
        deltas = [event.delta for event in heard[:-1]]
        assert "".join(deltas) == "how are you"
        started = events[0]
        first_voiced_chunk_ms = 400 // 32 * 32
        assert started.audio_start_ms == first_voiced_chunk_ms - 300  # prefix_padding_ms
        said = [e.delta for e in events if e.type == "response.output_audio_transcript.delta"]
        assert "".join(said) == events[-1].response.output[0].content[0].transcript == "Fine, thanks."
        audio = [e.delta for e in events if e.type == "response.output_audio.delta"]
        assert len(b"".join(base64.b64decode(delta) for delta in audio)) == 2 * 200 * 48

    play(scripted_engines(hears=["how are you"], answers=[["Fine, thanks."]]), scenario)


def test_push_to_talk(play: Play) -> None:
    async def scenario(peer: Peer) -> None:
        await peer.update(audio={"input": {"turn_detection": None}})
        await peer.connection.input_audio_buffer.clear()
        await peer.speak(tone(400))
        await peer.connection.input_audio_buffer.commit()
        await peer.connection.response.create()
        events = await peer.until("response.done")
        assert order(events) == [
            "input_audio_buffer.cleared",
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "response.created",
            *ANSWER_BEGINS,
            "audio and transcript",
            *AUDIO_ENDS,
        ]
        assert events[-1].response.status == "completed"

    play(scripted_engines(hears=["hello"], answers=[["Hello."]]), scenario)


def test_a_function_call(play: Play) -> None:
    async def scenario(peer: Peer) -> None:
        tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
        await peer.update(tools=[tool], output_modalities=["text"])
        await peer.connection.response.create()
        events = await peer.until("response.done")
        assert order(events) == [
            "response.created",
            "response.output_item.added",
            "conversation.item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "conversation.item.done",
            "response.output_item.done",
            "response.done",
        ]
        call = events[-1].response.output[0]
        assert (call.name, call.arguments) == ("get_weather", '{"city":"Oslo"}')
        output = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
        await peer.connection.conversation.item.create(item=output)
        await peer.connection.response.create()
        events = await peer.until("response.done")
        assert events[-1].response.output[0].content[0].text == "It is sunny."

    pieces = [
        FunctionCallDelta(0, name="get_weather", arguments='{"city":'),
        FunctionCallDelta(0, arguments='"Oslo"}'),
    ]
    play(scripted_engines(answers=[pieces, ["It is sunny."]]), scenario)


def test_a_barge_in_cancels_the_response_and_keeps_the_words_that_were_heard(play: Play) -> None:
    async def scenario(peer: Peer) -> None:
        await peer.connection.response.create()
        await peer.until("response.output_audio.delta")
        await peer.speak(quiet(200) + tone(300))
        events = await peer.until("response.done")
        cut = next(i for i, e in enumerate(events) if e.type == "input_audio_buffer.speech_started")
        assert [event.type for event in events[cut + 1 :]] == AUDIO_ENDS
        response = events[-1].response
        assert (response.status, response.status_details.type) == ("cancelled", "cancelled")
        assert response.status_details.reason == "turn_detected"
        item = response.output[0]
        assert item.status == "incomplete"

        await peer.connection.conversation.item.truncate(item_id=item.id, content_index=0, audio_end_ms=450)
        await peer.connection.conversation.item.retrieve(item_id=item.id)
        truncated, retrieved = await peer.until("conversation.item.retrieved")
        assert truncated.audio_end_ms == 450
        part = retrieved.item.content[0]
        assert part.transcript == "one two"
        assert len(base64.b64decode(part.audio)) == 450 * 48

        await peer.speak(quiet(700))
        events = await peer.until("response.done")
        assert order(events)[:5] == TURN[1:]
        assert events[-1].response.status == "completed"

    play(
        scripted_engines(hears=["stop"], answers=[["one two three four five six seven"], ["Yes?"]]), scenario
    )
