"""Sessions over calls to this project's own server, and over calls to a server that does what it is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.connections.rtc_server import LOOPBACK, RtcServer

from vivavoce import RealtimeAgent, RealtimeRunner, RealtimeSession, WebRTCRealtimeModel, function_tool
from vivavoce.audio.resample import Resampler
from vivavoce.audio.wav import read_wav
from vivavoce.conversation.client_history import text_of
from vivavoce.engines.base import Engines, FunctionCallDelta, TranscriptionOptions
from vivavoce.engines.registry import EngineChoice
from vivavoce.engines.scripted import Step, scripted_engines
from vivavoce.engines.stt.pocketsphinx import PocketsphinxTranscriber
from vivavoce.protocol import MessageItem
from vivavoce.server import ServerConfig, serve
from vivavoce.testing import run
from vivavoce.testing.words import word_error_rate
from vivavoce.webrtc.seams import protocols

Scene = Callable[[RealtimeSession, "Ear"], Coroutine[Any, Any, None]]

COUNTING = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
FRAME = 960


@function_tool
async def get_weather(city: str) -> str:
    """Get the weather."""
    return f"The weather in {city} is warm and dry today."


AGENT = RealtimeAgent[Any]("Ada", "Be kind.", tools=[get_weather])
CONFIG: dict[str, Any] = {"model_settings": {"input_audio_transcription": {"model": "any"}}}


class Ear:
    """Reads a session's events all the time, and keeps them with the time of each."""

    def __init__(self) -> None:
        self.events: list[tuple[float, Any]] = []
        self.over = False
        self._news = asyncio.Event()

    async def listen(self, session: RealtimeSession) -> None:
        async for event in session:
            self.events.append((asyncio.get_running_loop().time(), event))
            self._news.set()
        self.over = True
        self._news.set()

    @property
    def kinds(self) -> list[str]:
        return [str(event.type) for _, event in self.events]

    def all(self, kind: str) -> list[Any]:
        return [event for _, event in self.events if event.type == kind]

    async def hears(self, kind: str, count: int = 1) -> Any:
        await self.until(lambda: len(self.all(kind)) >= count)
        return self.all(kind)[count - 1]

    async def until(self, found: Callable[[], bool]) -> None:
        async with asyncio.timeout(15):
            while not found():
                self._news.clear()
                await self._news.wait()

    @property
    def sound(self) -> bytes:
        return b"".join(event.audio.data for event in self.all("audio"))


def speech(seconds: float) -> bytes:
    wave = np.sin(np.arange(round(seconds * 24_000)) * 2 * np.pi * 440 / 24_000)
    return (wave * 12_000).astype("<i2").tobytes()


def voiced_ms(pcm: bytes) -> int:
    samples = np.frombuffer(pcm, "<i2")
    pieces = samples[: len(samples) // 480 * 480].reshape(-1, 480).astype(np.int32)
    return int(20 * np.sum(np.abs(pieces).max(axis=1) > 500))


def said(session: RealtimeSession, role: str = "assistant") -> list[str]:
    return [
        " ".join(map(text_of, item.content)).strip()
        for item in session.history
        if isinstance(item, MessageItem) and item.role == role
    ]


@contextlib.asynccontextmanager
async def serving(engines: Engines | None) -> AsyncIterator[str]:
    """This project's server, on this event loop."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    config = replace(ServerConfig(), port=0, webrtc=LOOPBACK, engines=EngineChoice("embedded"))
    async with asyncio.TaskGroup() as tasks:
        server = tasks.create_task(serve(config, engines=engines, on_ready=ready.set_result))
        try:
            yield await ready
        finally:
            server.cancel()


@contextlib.asynccontextmanager
async def talking(url: str, config: Any = None) -> AsyncIterator[tuple[RealtimeSession, Ear]]:
    model = WebRTCRealtimeModel(url, rtc=LOOPBACK)
    runner = RealtimeRunner(AGENT, model=model, config={**CONFIG, **(config or {})})
    async with await runner.run() as session, asyncio.TaskGroup() as tasks:
        ear = Ear()
        listening = tasks.create_task(ear.listen(session))
        yield session, ear
        listening.cancel()


def with_server(scene: Scene, *answers: Sequence[Step], word_ms: int = 100, hears: int = 4) -> None:
    engines = scripted_engines(hears=["Hello there."] * hears, answers=answers, word_ms=word_ms)

    async def main() -> None:
        async with serving(engines) as url, talking(url) as (session, ear):
            await scene(session, ear)

    run(main())


def with_script(
    scene: Callable[[RealtimeSession, Ear, RtcServer], Coroutine[Any, Any, None]], **config: Any
) -> None:
    async def main() -> None:
        async with RtcServer().open() as server, talking(server.url, config) as (session, ear):
            await scene(session, ear, server)

    run(main())


def test_a_spoken_turn() -> None:
    async def scene(session: RealtimeSession, ear: Ear) -> None:
        await session.send_audio(speech(0.5) + bytes(48_000))
        await ear.hears("audio_end")
        assert voiced_ms(ear.sound) == pytest.approx(800, abs=60)
        assert said(session, "user") == ["Hello there."]
        assert said(session) == ["Good day to you, my very dear friend."]
        first = next(at for at, event in ear.events if event.type == "audio")
        last = next(at for at, event in ear.events if event.type == "audio_end")
        assert last - first == pytest.approx(0.8, abs=0.25)  # as it was spoken: in real time
        kinds = ear.kinds
        assert kinds.index("agent_start") < kinds.index("audio") < kinds.index("audio_end")
        assert {event.audio.response_id for event in ear.all("audio")} == {
            ear.all("audio")[0].audio.response_id
        }

    with_server(scene, ["Good day to you, my very dear friend."])


def test_a_message_a_tool_and_an_answer() -> None:
    async def scene(session: RealtimeSession, ear: Ear) -> None:
        await session.send_message("How is the weather?")
        assert (await ear.hears("tool_end")).output == "The weather in Oslo is warm and dry today."
        await ear.hears("audio_end")
        assert said(session) == ["It is sunny."]
        assert voiced_ms(ear.sound) == pytest.approx(300, abs=60)

    call = FunctionCallDelta(0, "get_weather", '{"city": "Oslo"}')
    with_server(scene, [call], ["It is sunny."])


def test_a_tool_does_not_wait_until_the_words_before_it_were_heard() -> None:
    async def scene(session: RealtimeSession, ear: Ear) -> None:
        await session.send_message("How is the weather?")
        await ear.hears("audio_end", 2)
        kinds = ear.kinds
        assert kinds.index("tool_end") < kinds.index("audio_end")
        ids = [event.audio.response_id for event in ear.all("audio")]
        assert len(set(ids)) == 2
        assert ids == sorted(ids, key=ids.index)  # one after the other
        assert voiced_ms(ear.sound) == pytest.approx(1400, abs=100)

    call = FunctionCallDelta(0, "get_weather", '{"city": "Oslo"}')
    with_server(scene, ["I am going to have a look out of the window.", call], ["It is sunny."])


def heard_words(ear: Ear, word_ms: int) -> float:
    return voiced_ms(ear.sound) / word_ms


def test_the_user_interrupts_by_speaking() -> None:
    async def scene(session: RealtimeSession, ear: Ear) -> None:
        await session.send_message("Count.")
        await ear.until(lambda: voiced_ms(ear.sound) >= 500)
        await session.send_audio(speech(0.5) + bytes(48_000))
        await ear.hears("audio_interrupted")
        heard = heard_words(ear, 100)
        # The exact words come from the server, which played them.
        await ear.hears("audio", len(ear.all("audio")) + 1)
        cut = ear.kinds.index("audio_interrupted")
        answer = next(i for i, kind in enumerate(ear.kinds) if kind == "audio" and i > cut)
        first, second = ear.all("audio")[0].audio.response_id, ear.events[answer][1].audio.response_id
        assert first != second  # nothing of the old answer comes after the interruption
        assert len(said(session)[0].split()) == pytest.approx(heard, abs=1.5)
        assert said(session)[0] == COUNTING[: len(said(session)[0])]

    with_server(scene, [COUNTING], ["What is it?"])


def test_the_application_interrupts() -> None:
    async def scene(session: RealtimeSession, ear: Ear) -> None:
        await session.send_message("Count.")
        await ear.until(lambda: voiced_ms(ear.sound) >= 500)
        await session.interrupt()
        await ear.hears("audio_interrupted")
        pieces, heard = len(ear.all("audio")), heard_words(ear, 100)
        await session.send_message("And now?")
        await ear.hears("audio", pieces + 1)
        assert ear.all("audio")[pieces].audio.response_id != ear.all("audio")[0].audio.response_id
        assert len(said(session)[0].split()) == pytest.approx(heard, abs=1.5)

    with_server(scene, [COUNTING], ["What is it?"])


def test_an_answer_that_has_hardly_begun_can_be_interrupted() -> None:
    async def scene(session: RealtimeSession, ear: Ear) -> None:
        await session.send_message("Count.")
        await ear.hears("agent_start")
        await session.interrupt()
        pieces = len(ear.all("audio"))
        await session.send_message("And now?")
        await ear.hears("audio_end")
        assert len({event.audio.response_id for event in ear.all("audio")[pieces:]}) == 1
        await ear.until(lambda: said(session)[-1:] == ["What is it?"])

    with_server(scene, [COUNTING], ["What is it?"])


def test_a_session_is_closed_within_a_second_whatever_it_does() -> None:
    async def scene(session: RealtimeSession, ear: Ear) -> None:
        await session.send_message("Count.")
        await ear.hears("audio")
        began = asyncio.get_running_loop().time()
        await session.close()
        assert asyncio.get_running_loop().time() - began < 1

    with_server(scene, [COUNTING])


def test_a_server_that_hangs_up_ends_the_session() -> None:
    async def scene(_session: RealtimeSession, ear: Ear, server: RtcServer) -> None:
        await server.caller.peer.aclose()
        await ear.until(lambda: ear.over)
        assert ear.all("error") == []
        assert len(server.calls) == 1

    with_script(scene)


def vanish(server: RtcServer) -> None:
    """Take the network away from the server: it says no more."""
    wiring = server.caller.peer._wiring
    assert wiring is not None
    for protocol in protocols(wiring.link):
        protocol.transport.abort()


def test_a_session_goes_on_when_its_server_vanishes() -> None:
    async def scene(session: RealtimeSession, ear: Ear, server: RtcServer) -> None:
        await session.send_message("Hello.", respond=False)
        await server.caller.event("conversation.item.create")
        vanish(server)
        await ear.hears("reconnected")
        assert "nothing was heard of the peer" in str(ear.all("connection_lost")[0].error)
        assert len(server.calls) == 2
        again = await server.caller.event("conversation.item.create")
        assert again["item"]["content"][0]["text"] == "Hello."
        server.caller.say(speech(0.2), "resp_2")
        await ear.hears("audio_end")
        assert voiced_ms(ear.sound) == pytest.approx(200, abs=60)

    with_script(scene)


def test_speech_that_nobody_heard_is_said_again_and_a_microphone_goes_on() -> None:
    async def scene(session: RealtimeSession, ear: Ear, server: RtcServer) -> None:
        await session.send_audio(speech(0.6))
        await server.caller.until(lambda: voiced_ms(bytes(server.caller.voice)) >= 600)
        vanish(server)
        await ear.hears("reconnecting")
        for _ in range(10):
            await session.send_audio(speech(0.1))
        await ear.hears("reconnected")
        await server.caller.until(lambda: voiced_ms(bytes(server.caller.voice)) >= 1500)

    with_script(scene)


def test_without_reconnecting_a_server_that_vanishes_ends_the_session() -> None:
    async def scene(_session: RealtimeSession, ear: Ear, server: RtcServer) -> None:
        vanish(server)
        await ear.until(lambda: ear.over)
        assert "nothing was heard of the peer" in str(ear.all("error")[0].error)

    with_script(scene, reconnect=False)


@pytest.mark.local
def test_a_spoken_question_is_answered_by_engines_that_hear_and_speak(
    speech_clip: Callable[..., Path],
) -> None:
    question = sound_of(speech_clip("what is the weather in london"))

    async def main() -> None:
        async with serving(None) as url, talking(url) as (session, ear):
            await session.send_audio(question + bytes(48_000))
            await ear.hears("tool_end")
            await ear.hears("audio_end")
            assert said(session, "user") == ["what is the weather in london"]
            assert said(session) == ["The weather in London is warm and dry today."]
            assert voiced_ms(ear.sound) > 1000

    asyncio.run(main())


@pytest.mark.local
def test_what_is_said_either_way_can_be_understood(speech_clip: Callable[..., Path]) -> None:
    question, answer = "what is the weather in london", "please leave a message after the tone"

    heard: list[bytes] = []

    async def scene(session: RealtimeSession, ear: Ear, server: RtcServer) -> None:
        server.caller.say(sound_of(speech_clip(answer)), words=answer)
        await session.send_audio(sound_of(speech_clip(question)))
        await session.commit()
        await server.caller.event("input_audio_buffer.commit")
        await ear.hears("audio_end")
        heard.extend([bytes(server.caller.voice), ear.sound])

    with_script(scene)
    texts = asyncio.run(understood(*heard))
    assert word_error_rate(question, texts[0]) <= 0.35, texts
    assert word_error_rate(answer, texts[1]) <= 0.35, texts


def sound_of(clip: Path) -> bytes:
    return read_wav(clip).pcm


async def understood(*sounds: bytes) -> list[str]:
    texts = []
    transcriber = PocketsphinxTranscriber()
    try:
        for pcm in sounds:
            stream = transcriber.open(TranscriptionOptions(), lambda _: None)
            stream.feed(Resampler(24_000, transcriber.sample_rate).process(pcm + bytes(24_000)))
            texts.append((await stream.finish()).text.lower())
    finally:
        await transcriber.aclose()
    return texts
