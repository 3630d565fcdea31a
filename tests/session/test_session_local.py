"""A session with the local model on scripted engines, on the virtual clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from vivavoce.agents import RealtimeAgent, function_tool
from vivavoce.connections.memory import LocalRealtimeModel
from vivavoce.conversation.client_history import text_of
from vivavoce.engines.base import FunctionCallDelta
from vivavoce.engines.scripted import scripted_engines
from vivavoce.protocol import MessageItem
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.testing import run

if TYPE_CHECKING:
    pass

Perform = Callable[..., None]
ADA = RealtimeAgent[Any]("Ada", "Be kind.", voice="alloy")


def words(session: RealtimeSession) -> list[str]:
    return [
        " ".join(text_of(part) for part in item.content)
        for item in session.history
        if isinstance(item, MessageItem)
    ]


@function_tool
def get_weather(city: str) -> str:
    """Get the weather."""
    return f"It is sunny in {city}."


async def talk(session: RealtimeSession, ms: int, *, loud: bool) -> None:
    """Speak, or be silent, in real time."""
    samples = np.arange(480) / 24000
    frame = (np.sin(2 * np.pi * 400 * samples) * (8000 if loud else 0)).astype("<i2").tobytes()
    for _ in range(ms // 20):
        await session.send_audio(frame)
        await asyncio.sleep(0.02)


def local_session(engines: Any, **config: Any) -> Any:
    agent = RealtimeAgent[Any]("Ada", "Be kind.", tools=[get_weather])
    runner = RealtimeRunner(agent, model=LocalRealtimeModel(engines), config={"model_settings": config})
    return runner.run()


async def until(session: RealtimeSession, kind: str, count: int = 1) -> list[Any]:
    events: list[Any] = []
    async for event in session:
        events.append(event)
        if [str(seen.type) for seen in events].count(kind) == count:
            break
    return events


def test_a_written_question_a_tool_and_a_spoken_answer() -> None:
    call = FunctionCallDelta(0, "get_weather", '{"city": "Oslo"}')
    engines = scripted_engines(answers=[[call], ["It is sunny in Oslo."]])

    async def main() -> None:
        async with await local_session(engines) as session:
            await session.send_message("What is the weather in Oslo?")
            events = await until(session, "agent_end", 2)
            kinds = [event.type for event in events]
            assert kinds.count("tool_start") == kinds.count("tool_end") == 1
            spoken = [event.transcript for event in events if event.type == "response.audio_transcript.done"]
            assert spoken == ["It is sunny in Oslo."]
            audio = sum(len(event.audio.data) for event in events if event.type == "audio")
            assert audio == 5 * 200 * 48
            assert [item.type for item in session.history] == [
                "message",
                "function_call",
                "function_call_output",
                "message",
            ]
            assert session.usage.requests == 2

    run(main())


def test_a_tool_runs_while_what_was_said_before_it_is_still_spoken() -> None:
    call = FunctionCallDelta(0, "get_weather", '{"city": "Oslo"}')
    engines = scripted_engines(answers=[["Let me look that up for you. ", call], ["It is sunny."]])

    async def main() -> None:
        async with await local_session(engines) as session:
            await session.send_message("What is the weather in Oslo?")
            kinds = [event.type for event in await until(session, "agent_end", 2)]
            assert kinds.index("tool_end") < kinds.index("agent_end")
            assert words(session)[1:] == ["Let me look that up for you.", "It is sunny."]
            assert [item.type for item in session.history] == [
                "message",
                "message",
                "function_call",
                "function_call_output",
                "message",
            ]

    run(main())


def test_a_spoken_turn_with_the_words_of_both_sides() -> None:
    engines = scripted_engines(hears=["hello there"], answers=[["Good day."]])

    async def main() -> None:
        async with await local_session(engines, input_audio_transcription={"model": "any"}) as session:
            await talk(session, 800, loud=True)
            await talk(session, 800, loud=False)
            await until(session, "agent_end")
            assert words(session) == ["hello there", "Good day."]

    run(main())


def test_what_was_not_heard_was_not_said() -> None:
    engines = scripted_engines(
        hears=["stop"], answers=[["One two three four five six seven eight nine ten."], ["Yes?"]]
    )

    async def main() -> None:
        async with await local_session(engines) as session:
            await session.send_message("count")
            await until(session, "audio")
            await asyncio.sleep(0.7)
            await talk(session, 600, loud=True)
            events = await until(session, "audio_interrupted")
            heard_ms = events[-1].heard_ms
            await asyncio.sleep(1)
            kept = words(session)[1]
            assert kept
            assert len(kept.split()) == heard_ms // 200
            assert "One two three four five six seven eight nine ten.".startswith(kept)

    run(main())


def test_the_quickstart_of_the_agents_sdk() -> None:
    """The program that everybody starts with prints both sides, each once."""
    printed: list[str] = []
    engines = scripted_engines(hears=["hello"], answers=[["Good day."]])
    agent = RealtimeAgent[Any](name="Assistant", instructions="You are a helpful voice assistant.")
    runner = RealtimeRunner(
        starting_agent=agent,
        model=LocalRealtimeModel(engines),
        config={
            "model_settings": {
                "model_name": "gpt-4o-realtime-preview",
                "voice": "alloy",
                "modalities": ["text", "audio"],
                "input_audio_transcription": {"model": "whisper-1"},
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 200,
                },
            }
        },
    )

    async def main() -> None:
        session = await runner.run()
        async with session:

            async def listen() -> None:
                event: Any
                async for event in session:
                    if event.type == "response.audio_transcript.done":
                        printed.append(f"Assistant: {event.transcript}")
                    elif event.type == "conversation.item.input_audio_transcription.completed":
                        printed.append(f"User: {event.transcript}")
                    elif event.type == "error":
                        printed.append(f"Error: {event.error}")

            task = asyncio.ensure_future(listen())
            await talk(session, 600, loud=True)
            await talk(session, 1500, loud=False)
        await task

    run(main())
    assert sorted(printed) == ["Assistant: Good day.", "User: hello"]
