"""The unmodified `openai-agents` as a client of this project's server."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from vivavoce.engines.base import Engines, FunctionCallDelta
from vivavoce.engines.scripted import scripted_engines
from vivavoce.server import ServerConfig, serve
from vivavoce.testing import run
from vivavoce.testing.tones import tone

realtime = pytest.importorskip("agents.realtime", reason="needs the package openai-agents")

pytestmark = pytest.mark.clients

Play = Callable[[Any, list[Any]], Awaitable[None]]
FRAME_MS = 20


@contextlib.asynccontextmanager
async def serving(engines: Engines) -> AsyncIterator[str]:
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        server = tasks.create_task(
            serve(replace(ServerConfig(), port=0), engines=engines, on_ready=ready.set_result)
        )
        try:
            yield await ready
        finally:
            server.cancel()


def perform(agent: Any, engines: Engines, play: Play, tracker: Any = None, **settings: Any) -> list[Any]:
    """Play with a session of the other SDK; return its events, none of which may be an error."""
    events: list[Any] = []

    async def read(session: Any) -> None:
        async for event in session:
            events.append(event)  # noqa: PERF401  # what was read so far is looked at meanwhile

    async def main() -> None:
        async with serving(engines) as url, asyncio.TaskGroup() as tasks:
            config = {"model_settings": {"model_name": "mine", "voice": "alloy", **settings}}
            runner = realtime.RealtimeRunner(agent, config=config)
            # The SDK names its model again in every session.update, so the URL must name the same.
            model_config = {"url": f"{url}?model=mine", "api_key": "sk-any"}
            if tracker is not None:
                model_config["playback_tracker"] = tracker
            async with await runner.run(model_config=model_config) as session:
                reading = tasks.create_task(read(session))
                await play(session, events)
            reading.cancel()

    run(main())
    problems = [event.error for event in events if event.type == "error"]
    assert problems == []
    received = [raw.data["type"] for raw in _raw(events)]
    assert received[:2] == ["session.created", "session.updated"]
    assert "error" not in received
    return events


def _raw(events: list[Any]) -> list[Any]:
    models = [event.data for event in events if event.type == "raw_model_event"]
    assert not [model for model in models if model.type == "exception"]
    return [model for model in models if model.type == "raw_server_event"]


def kinds(events: list[Any]) -> list[str]:
    quiet = {"raw_model_event", "history_added", "history_updated"}
    return [event.type for event in events if event.type not in quiet]


def said(events: list[Any]) -> list[str]:
    """Who said what, at the end."""
    history = [event.history for event in events if event.type == "history_updated"][-1]
    lines = []
    for item in history:
        if item.type == "message":
            words = [getattr(part, "transcript", None) or getattr(part, "text", "") for part in item.content]
            lines.append(f"{item.role}: {''.join(str(word) for word in words)}")
    return lines


async def wait(seconds: float) -> None:
    """Let time pass in a play."""
    await asyncio.sleep(seconds)


async def talk(session: Any, ms: int, *, loud: bool) -> None:
    """Speak, or be silent, at the speed of time."""
    frame = tone(FRAME_MS) if loud else bytes(FRAME_MS * 48)
    for _ in range(ms // FRAME_MS):
        await session.send_audio(frame)
        await asyncio.sleep(FRAME_MS / 1000)


def ada(**fields: Any) -> Any:
    return realtime.RealtimeAgent(name="Ada", instructions="Be kind.", **fields)


def test_a_written_turn() -> None:
    async def play(session: Any, _: list[Any]) -> None:
        await session.send_message("Hello?")
        await asyncio.sleep(2)

    engines = scripted_engines(answers=[["Good day to you."]])
    events = perform(ada(), engines, play, modalities=["text"])
    assert kinds(events) == ["agent_start", "agent_end"]
    assert said(events) == ["user: Hello?", "assistant: Good day to you."]


def test_a_spoken_turn_with_the_words_of_both_sides() -> None:
    async def play(session: Any, _: list[Any]) -> None:
        await talk(session, 800, loud=True)
        await talk(session, 3000, loud=False)

    engines = scripted_engines(hears=["hello there"], answers=[["Good day to you."]], word_ms=100)
    events = perform(
        ada(),
        engines,
        play,
        turn_detection={"type": "server_vad"},
        input_audio_transcription={"model": "any"},
    )
    spoken = kinds(events)
    assert spoken[0] == "agent_start"
    assert spoken[-2:] == ["audio_end", "agent_end"]
    assert sum(len(event.audio.data) for event in events if event.type == "audio") == 4 * 100 * 48
    assert said(events) == ["user: hello there", "assistant: Good day to you."]


def test_a_tool_call() -> None:
    import agents

    @agents.function_tool
    async def get_weather(city: str) -> str:
        """Get the weather."""
        return f"It is sunny in {city}."

    async def play(session: Any, _: list[Any]) -> None:
        await session.send_message("How is the weather?")
        await asyncio.sleep(3)

    call = FunctionCallDelta(0, "get_weather", '{"city": "Oslo"}')
    engines = scripted_engines(answers=[[call], ["It is sunny in Oslo."]])
    events = perform(ada(tools=[get_weather]), engines, play)
    assert [event.output for event in events if event.type == "tool_end"] == ["It is sunny in Oslo."]
    assert said(events) == ["user: How is the weather?", "assistant: It is sunny in Oslo."]


def test_a_handoff_and_back() -> None:
    desk = realtime.RealtimeAgent(name="Desk", instructions="Greet.")
    billing = realtime.RealtimeAgent(name="Billing", instructions="Talk about bills.", handoffs=[desk])
    desk.handoffs.append(billing)

    async def play(session: Any, _: list[Any]) -> None:
        for text in ("My bill is wrong.", "Who are you?", "Back, please."):
            await session.send_message(text)
            await asyncio.sleep(3)

    there, back = (FunctionCallDelta(0, f"transfer_to_{name}", "{}") for name in ("billing", "desk"))
    answers: list[list[Any]] = [[there], ["Billing here."], ["Still billing."], [back], ["Desk here."]]
    engines = scripted_engines(answers=answers)
    events = perform(desk, engines, play)
    moves = [(e.from_agent.name, e.to_agent.name) for e in events if e.type == "handoff"]
    assert moves == [("Desk", "Billing"), ("Billing", "Desk")]
    assert [line for line in said(events) if line.startswith("assistant")] == [
        "assistant: Billing here.",
        "assistant: Still billing.",
        "assistant: Desk here.",
    ]
    requests: Any = engines.llm
    assert [request.instructions for request in requests.requests] == [
        "Greet.",
        "Talk about bills.",
        "Talk about bills.",
        "Talk about bills.",
        "Greet.",
    ]


def test_a_barge_in_cuts_the_answer_on_the_server_where_the_ear_was() -> None:
    tracker = realtime.RealtimePlaybackTracker()

    async def play(session: Any, events: list[Any]) -> None:
        await session.send_message("Count.")
        await asyncio.sleep(1.0)
        first = next(event for event in events if event.type == "audio")
        tracker.on_play_ms(first.item_id, first.content_index, 850)
        await talk(session, 600, loud=True)
        await talk(session, 2000, loud=False)

    counting = "one two three four five six seven eight nine ten"
    engines = scripted_engines(hears=["stop"], answers=[[counting], ["Fine."]], word_ms=200)
    events = perform(ada(), engines, play, tracker, turn_detection={"type": "server_vad"})
    assert kinds(events).count("audio_interrupted") == 1
    cut = [raw.data for raw in _raw(events) if raw.data["type"] == "conversation.item.truncated"]
    assert [event["audio_end_ms"] for event in cut] == [850]
    requests: Any = engines.llm
    answers = [item for item in requests.requests[-1].items if getattr(item, "role", "") == "assistant"]
    assert [item.content[0].transcript for item in answers] == ["one two three four"]
