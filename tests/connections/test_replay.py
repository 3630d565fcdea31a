"""Sessions that are recorded with the local model on scripted engines, and replayed without it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vivavoce.agents import RealtimeAgent, function_tool
from vivavoce.audio.wav import read_wav
from vivavoce.connections.memory import LocalRealtimeModel
from vivavoce.connections.replay import ReplayRealtimeModel
from vivavoce.conversation.client_history import text_of
from vivavoce.engines.base import FunctionCallDelta
from vivavoce.engines.scripted import scripted_engines
from vivavoce.errors import ConfigurationError, ConnectionLostError
from vivavoce.observe.recorder import SessionRecorder
from vivavoce.observe.recording import RecordedEvent, Recording, read_recording
from vivavoce.protocol import MessageItem, ResponseCreate
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.testing import run

LONG = "One two three four five six seven eight nine ten."


def agent(weather: str = "sunny", takes: float = 0.5, instructions: str = "Be kind.") -> RealtimeAgent[Any]:
    async def get_weather(city: str) -> str:
        """Get the weather."""
        await asyncio.sleep(takes)
        return f"It is {weather} in {city}."

    return RealtimeAgent("Ada", instructions, tools=[function_tool(get_weather)])


def words(session: RealtimeSession) -> list[str]:
    return [
        " ".join(text_of(part) for part in item.content)
        for item in session.history
        if isinstance(item, MessageItem)
    ]


async def talk(session: RealtimeSession, ms: int, *, loud: bool) -> None:
    """Speak, or be silent, in real time."""
    frame = (np.sin(2 * np.pi * 400 * np.arange(480) / 24000) * (8000 if loud else 0)).astype("<i2").tobytes()
    for _ in range(ms // 20):
        await session.send_audio(frame)
        await asyncio.sleep(0.02)


async def until(session: RealtimeSession, kind: str) -> None:
    async for event in session:
        if event.type == kind:
            return


class Recorded:
    """A recorded call.

    Attributes:
        events: path of its events.
        history: what was said in it.
        wav: path of its sound.
    """

    def __init__(self, folder: Path, *, audio: bool = False) -> None:
        self.recorder = SessionRecorder(folder / "call", audio=audio)
        self.events, self.wav = self.recorder.events_path, self.recorder.wav_path
        self.history: list[str] = []

    def make(self, script: Any, engines: Any) -> Recorded:
        async def main() -> None:
            config = {"model_settings": {"input_audio_transcription": {"model": "any"}}}
            runner = RealtimeRunner(agent(), model=LocalRealtimeModel(engines), config=config)
            async with self.recorder, await runner.run(observers=[self.recorder]) as session:
                await script(session)
                self.history = words(session)

        run(main())
        return self


CONFIG = {"model_settings": {"input_audio_transcription": {"model": "any"}}}


@pytest.fixture
def weather_call(tmp_path: Path) -> Recorded:
    """A written question, a tool, a spoken answer, and an interruption."""
    engines = scripted_engines(
        hears=["stop please"],
        answers=[[FunctionCallDelta(0, "get_weather", '{"city": "Oslo"}')], [LONG], ["Yes?"]],
    )

    async def script(session: RealtimeSession) -> None:
        await session.send_message("What is the weather in Oslo?")
        await until(session, "audio")
        await asyncio.sleep(0.7)
        await talk(session, 600, loud=True)
        await talk(session, 800, loud=False)
        await until(session, "playback_ended")

    return Recorded(tmp_path).make(script, engines)


class Replayed:
    """What came of a replay."""

    def __init__(self, model: ReplayRealtimeModel) -> None:
        self.model = model
        self.history: list[str] = []
        self.seconds = 0.0

    @property
    def differences(self) -> list[str]:
        return [str(one) for one in self.model.differences]


def replay(who: RealtimeAgent[Any], recording: Path | Recording, **options: Any) -> Replayed:
    replayed = Replayed(ReplayRealtimeModel(recording, **options))

    async def main() -> None:
        model = replayed.model
        runner = RealtimeRunner(who, model=model, config=CONFIG)
        async with await runner.run(model_config=model.model_config) as session:
            await model.finished()
            replayed.history = words(session)
            replayed.seconds = asyncio.get_running_loop().time()

    run(main())
    return replayed


def test_the_recording_holds_the_call(weather_call: Recorded) -> None:
    recording = read_recording(weather_call.events)
    told = [event.type for event in recording.events if event.sender == "session"]
    assert {"tool_start", "tool_end", "audio_interrupted", "agent_end"} <= set(told)
    sent = [event.type for event in recording.events if event.sender == "client"]
    assert sent[0] == "session.update"
    assert "conversation.item.truncate" in sent
    wav = read_wav(weather_call.wav)
    assert wav.rate == 24000
    assert wav.duration_ms == pytest.approx(recording.seconds * 1000, abs=300)
    interrupted = next(event for event in recording.events if event.type == "audio_interrupted")
    first = next(event for event in recording.events if event.type == "response.output_audio.delta")
    agent_side = np.abs(np.frombuffer(wav.channel(1), "<i2").astype(int))
    assert agent_side[: int(first.at * 24000)].max() == 0
    heard = np.nonzero(agent_side)[0] / 24000
    assert heard[0] == pytest.approx(first.at, abs=0.05)
    spoken = heard[heard < interrupted.at + 0.1]
    assert spoken[-1] == pytest.approx(interrupted.at, abs=0.05), "what was not heard is not there"


@pytest.mark.parametrize("speed", [math.inf, 1.0, 4.0])
def test_the_same_agent_does_the_same_at_any_speed(weather_call: Recorded, speed: float) -> None:
    replayed = replay(agent(), weather_call.events, speed=speed)
    assert replayed.differences == []
    assert replayed.history == weather_call.history, "as much was heard as then"
    assert len(weather_call.history) == 4
    length = read_recording(weather_call.events).seconds
    if speed == 1.0:
        assert replayed.seconds == pytest.approx(length, abs=1.5)
    else:
        assert replayed.seconds < length


def test_tools_run_again_and_are_waited_for(weather_call: Recorded) -> None:
    slow = replay(agent(takes=20.0), weather_call.events, speed=math.inf)
    assert slow.differences == []
    assert slow.seconds > 20


def test_what_the_agent_does_otherwise_is_told(weather_call: Recorded) -> None:
    other = agent("foggy", instructions="Be brief.")
    assert [text.split(": ", 1)[1] for text in replay(other, weather_call.events).differences] == [
        "session.update instructions: recorded 'Be kind.', now 'Be brief.'",
        "function_call_output "
        + next(
            event.event["item"]["call_id"]
            for event in read_recording(weather_call.events).events
            if event.sender == "client"
            and event.type == "conversation.item.create"
            and "output" in event.event["item"]
        )
        + ": recorded 'It is sunny in Oslo.', now 'It is foggy in Oslo.'",
    ]
    ignore = ["session.update", "function_call_output"]
    assert replay(other, weather_call.events, ignore=ignore).differences == []


def test_what_never_comes_is_given_up(weather_call: Recorded) -> None:
    hanging = replay(agent(takes=1000.0), weather_call.events, speed=math.inf, patience_s=5.0)
    assert [text.rsplit(", ", 1)[1] for text in hanging.differences] == ["but it did not come"] * 2
    assert 10 <= hanging.seconds < 20
    assert hanging.history == weather_call.history


def test_recorded_audio_is_delivered_as_it_was(tmp_path: Path) -> None:
    engines = scripted_engines(answers=[["Good day."]])

    async def script(session: RealtimeSession) -> None:
        await session.send_message("hello")
        await until(session, "playback_ended")

    recorded = Recorded(tmp_path, audio=True).make(script, engines)
    model = ReplayRealtimeModel(recorded.events, speed=math.inf)
    heard = bytearray()

    async def main() -> None:
        runner = RealtimeRunner(agent(), model=model, config=CONFIG)
        session = await runner.run(model_config=model.model_config)
        session.on("audio", lambda event: heard.extend(event.audio.data))
        async with session:
            await model.finished()

    run(main())
    recorded_side = read_wav(recorded.wav).channel(1)
    assert len(heard) == 2 * 200 * 48
    assert bytes(heard) in recorded_side


def test_what_the_person_did_can_be_done_again(tmp_path: Path) -> None:
    engines = scripted_engines(answers=[[LONG]])

    async def script(session: RealtimeSession) -> None:
        await session.send_message("count")
        await until(session, "audio")
        await asyncio.sleep(0.7)
        await session.interrupt()
        await asyncio.sleep(1)

    recorded = Recorded(tmp_path).make(script, engines)
    did: list[str] = []
    model = ReplayRealtimeModel(recorded.events, speed=math.inf)

    async def main() -> list[str]:
        runner = RealtimeRunner(agent(), model=model, config=CONFIG)
        session = await runner.run(model_config=model.model_config)

        async def again(form: Mapping[str, Any]) -> None:
            did.append(form["type"])
            if form["type"] in {"conversation.item.truncate", "response.cancel"}:
                await session.interrupt()

        model.on_person = again
        async with session:
            await model.finished()
            return words(session)

    assert run(main()) == recorded.history
    assert recorded.history[1] != LONG
    assert "conversation.item.create" in did
    assert "input_audio_buffer.append" not in did
    assert model.differences == []


CREATED = {"type": "session.created", "event_id": "e", "session": {"type": "realtime"}}
SHORT = Recording((RecordedEvent(5.0, "server", CREATED),))


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"speed": 0}, "speed is 0"),
        ({"speed": math.nan}, "speed is nan"),
        ({"patience_s": -1}, "patience_s is -1"),
        ({"patience_s": math.inf}, "patience_s is inf"),
        ({"ignore": ["all"]}, "cannot ignore all"),
    ],
)
def test_wrong_arguments_are_refused(options: Any, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        ReplayRealtimeModel(SHORT, **options)


def test_a_replay_is_for_one_session_and_closes_at_any_time() -> None:
    async def main() -> list[str]:
        heard: list[str] = []
        model = ReplayRealtimeModel(SHORT)
        model.add_listener(lambda event: heard.append(getattr(event, "status", str(event.type))))
        with pytest.raises(ConnectionLostError, match=r"cannot send response.create"):
            await model.send_event(ResponseCreate())
        await model.connect({})
        await model.finished()
        with pytest.raises(ConfigurationError, match="a replay is for one session"):
            await model.connect({})
        await model.close()
        await model.close()
        unused = ReplayRealtimeModel(SHORT)
        await unused.close()
        await unused.finished()
        return heard

    assert run(main()) == ["connecting", "connected", "session.created", "disconnected"]


def test_closing_ends_a_replay_that_waits() -> None:
    late = Recording((*SHORT.events, RecordedEvent(500.0, "server", CREATED)))

    async def main() -> float:
        model = ReplayRealtimeModel(late)
        await model.connect({})
        await asyncio.sleep(1)
        await model.close()
        return asyncio.get_running_loop().time()

    assert run(main()) < 2
