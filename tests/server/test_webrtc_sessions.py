"""What a WebRTC call has of all that sessions have: secrets, settings, tools, sidebands, recordings."""

from __future__ import annotations

import asyncio
import json
import wave
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soxr
from tests.browser.flite import FliteSynthesizer
from tests.server.rtc_caller import HERE, RATE, calling, emptied, hosting, tone
from tests.server.test_webrtc import talker
from websockets.asyncio.client import connect

from vivavoce.audio.wav import read_wav
from vivavoce.engines.base import FunctionCallDelta, TranscriptionOptions
from vivavoce.engines.registry import EngineChoice, build_local_engines
from vivavoce.engines.scripted import ScriptedModel, scripted_engines
from vivavoce.engines.stt.pocketsphinx import PocketsphinxTranscriber
from vivavoce.server import Limits, ServerConfig
from vivavoce.server.config import GuardrailSpec
from vivavoce.server.metrics import MetricsPolicy
from vivavoce.server.recording import RecordingPolicy
from vivavoce.testing.words import word_error_rate

KEYED = ServerConfig(api_keys=("sk-1", "sk-2"), webrtc=HERE)
ANSWER = "I can get the weather of today and tell a story."
TEXT = {"type": "realtime", "output_modalities": ["text"]}
BRIEF = {"type": "realtime", "instructions": "Be brief.", "audio": {"output": {"speed": 1.25}}}


async def secret(url: str, session: dict[str, Any], key: str = "sk-1") -> str:
    """A client secret for these settings."""
    base = url.replace("ws://", "http://")
    async with httpx.AsyncClient() as client:
        made = await client.post(
            f"{base}/client_secrets", headers={"authorization": f"Bearer {key}"}, json={"session": session}
        )
    value: str = made.json()["value"]
    return value


def test_a_secret_brings_its_settings_and_its_key_finds_the_call() -> None:
    async def scenario() -> None:
        async with hosting(KEYED, talker("Hello.")) as (url, app):
            token = await secret(url, BRIEF)
            async with calling(url, key=token, path="/v1/realtime/calls?model=gpt-realtime") as caller:
                session = caller.events[0]["session"]
                assert (session["instructions"], session["model"]) == ("Be brief.", "gpt-realtime")
                assert session["audio"]["output"]["speed"] == 1.25
                find = app._sessions.calls.find
                names = {name: find(caller.call_id, name) is not None for name in (*_names(app), None)}
                assert list(names.values()) == [True, False, False]

    asyncio.run(scenario())


def _names(app: Any) -> list[str]:
    return [key.name for key in app.keys]


@pytest.mark.parametrize("with_secret", [True, False])
def test_a_form_brings_settings_of_its_own(with_secret: bool) -> None:
    async def scenario() -> None:
        async with hosting(KEYED) as (url, _app):
            key = await secret(url, BRIEF) if with_secret else "sk-1"
            form = {"type": "realtime", "model": "gpt-realtime", "output_modalities": ["text"]}
            async with calling(url, key=key, session=form) as caller:
                session = caller.events[0]["session"]
                assert (session["output_modalities"], session["model"]) == (["text"], "gpt-realtime")
                assert (session["instructions"] == "Be brief.") == with_secret

    asyncio.run(scenario())


def test_a_call_may_be_for_transcripts_only() -> None:
    async def scenario() -> None:
        async with (
            hosting(engines=talker(hears=("Good day.",))) as (url, _app),
            calling(url, path="/v1/realtime/calls?intent=transcription") as caller,
        ):
            assert caller.events[0]["session"]["type"] == "transcription"
            hearing = {"transcription": {"model": "whisper-1"}, "turn_detection": {"type": "server_vad"}}
            caller.send("session.update", session={"type": "transcription", "audio": {"input": hearing}})
            await caller.event("session.updated")
            caller.say(tone(0.4))
            done = await caller.event("conversation.item.input_audio_transcription.completed")
            assert done["transcript"] == "Good day."

    asyncio.run(scenario())


def test_tools_are_called_over_the_data_channel() -> None:
    async def scenario() -> None:
        call = FunctionCallDelta(0, "get_weather", '{"city":"Oslo"}')
        engines = scripted_engines(answers=[[call], ["It rains."]], word_ms=100)
        async with hosting(engines=engines) as (url, _app), calling(url) as caller:
            tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object"}}
            caller.send("session.update", session={"type": "realtime", "tools": [tool]})
            await caller.event("session.updated")
            caller.write("How is the weather in Oslo?")
            asked = await caller.event("response.function_call_arguments.done")
            assert (asked["name"], asked["arguments"]) == ("get_weather", '{"city":"Oslo"}')
            await caller.event("response.done")
            output = {"type": "function_call_output", "call_id": asked["call_id"], "output": "rain"}
            caller.send("conversation.item.create", item=output)
            caller.send("response.create")
            await caller.event("output_audio_buffer.stopped")
            assert caller.of("response.output_audio_transcript.done")[0]["transcript"] == "It rains."
            # The first response said nothing aloud, so nothing was played of it.
            assert len(caller.of("output_audio_buffer.started")) == 1

    asyncio.run(scenario())


def test_what_is_wrong_is_answered_and_the_call_goes_on() -> None:
    async def scenario() -> None:
        async with hosting() as (url, _app), calling(url) as caller:
            assert caller.peer.send("no JSON")
            caller.send("no.such.event", event_id="mine")
            await caller.event("error", 2)
            codes = [error["error"]["code"] for error in caller.of("error")]
            assert codes[0] == "invalid_json"
            assert caller.of("error")[1]["error"]["event_id"] == "mine"
            caller.send("session.update", session=TEXT)
            await caller.event("session.updated")

    asyncio.run(scenario())


def test_a_sideband_sees_everything_but_sound_and_steers_the_call() -> None:
    async def scenario() -> None:
        async with hosting(KEYED, talker("Good day to you.")) as (url, _app):
            token = await secret(url, BRIEF)
            headers = {"Authorization": "Bearer sk-1"}
            async with (
                calling(url, key=token) as caller,
                connect(f"{url}?call_id={caller.call_id}", additional_headers=headers) as side,
            ):
                update = {"type": "realtime", "instructions": "Speak of the sea."}
                await side.send(json.dumps({"type": "session.update", "session": update}))
                updated = await caller.event("session.updated")
                assert updated["session"]["instructions"] == "Speak of the sea."
                caller.write("Hello?")
                await caller.event("output_audio_buffer.stopped")
                seen: list[str] = []
                while not seen or seen[-1] != "output_audio_buffer.stopped":
                    async with asyncio.timeout(10):
                        seen.append(json.loads(await side.recv())["type"])
                assert seen == caller.types[1:]

    asyncio.run(scenario())


def test_an_event_that_is_too_long_for_a_client_is_named() -> None:
    async def scenario() -> None:
        async with (
            hosting() as (url, _app),
            calling(url) as caller,
            connect(f"{url}?call_id={caller.call_id}") as side,
        ):
            # A browser's data channel takes 256 KiB, and each of these is two bytes.
            update = {"type": "realtime", "instructions": "é" * 200_000}
            await side.send(json.dumps({"type": "session.update", "session": update}))
            error = (await caller.event("error"))["error"]
            assert error["code"] == "event_too_large"
            assert "'session.updated'" in error["message"]
            updated = json.loads(await side.recv())
            assert len(updated["session"]["instructions"]) == 200_000

    asyncio.run(scenario())


def test_guardrails_keep_words_from_being_spoken() -> None:
    async def scenario() -> None:
        words = GuardrailSpec("words", {"words": ["swordfish"]})
        config = ServerConfig(webrtc=HERE, guardrails=(words,))
        answer = "The secret word is swordfish, and that is all that there is to say of it."
        async with hosting(config, talker(answer)) as (url, _app), calling(url) as caller:
            caller.write("What is it?")
            done = await caller.event("response.done")
            assert done["response"]["status_details"]["reason"] == "content_filter"
            assert "swordfish" not in json.dumps(caller.events)

    asyncio.run(scenario())


def test_a_sideband_may_stop_what_is_being_said() -> None:
    async def scenario() -> None:
        words = "This goes on and on and on until somebody stops it."
        async with (
            hosting(engines=talker(words)) as (url, _app),
            calling(url) as caller,
            connect(f"{url}?call_id={caller.call_id}", max_queue=None) as side,
        ):
            caller.write("Go on.")
            await caller.until(lambda: caller.voiced_ms >= 300)
            await side.send('{"type": "response.cancel"}')
            await side.send('{"type": "output_audio_buffer.clear"}')
            await caller.event("output_audio_buffer.cleared")
            cut = await caller.event("conversation.item.truncated")
            assert 200 <= cut["audio_end_ms"] <= 900

    asyncio.run(scenario())


def test_azure_and_the_beta_have_their_own_ways_in() -> None:
    async def scenario() -> None:
        async with hosting(engines=talker("Hello.", "Hello.")) as (url, _app):
            path = "/openai/v1/realtime/calls?webrtcfilter=on"
            async with calling(url, path=path) as caller:
                assert caller.location == f"/openai/v1/realtime/calls/{caller.call_id}"
            async with calling(url, path="/v1/realtime?model=gpt-4o-realtime-preview") as caller:
                assert caller.location == f"/v1/realtime/calls/{caller.call_id}"
                assert caller.events[0]["session"]["modalities"] == ["text", "audio"]
                caller.send("session.update", session={"instructions": "Be brief."})
                caller.write("Hello?")
                await caller.event("output_audio_buffer.stopped")
                assert "response.audio_transcript.done" in caller.types

    asyncio.run(scenario())


def test_a_key_without_audio_left_is_told_once_and_not_heard() -> None:
    async def scenario() -> None:
        config = ServerConfig(api_keys=("sk-1",), webrtc=HERE, limits=Limits(max_audio_s_per_key=0.5))
        async with hosting(config, talker("Yes?")) as (url, _app), calling(url, key="sk-1") as caller:
            caller.say(tone(2.5))
            error = await caller.event("error")
            assert error["error"]["code"] == "rate_limit_exceeded"
            caller.write("Hello?")
            await caller.event("output_audio_buffer.stopped")
            assert len(caller.of("error")) == 1

    asyncio.run(scenario())


def test_a_call_is_recorded_both_ways_and_counted(tmp_path: Path) -> None:
    async def scenario() -> str:
        policy = RecordingPolicy(tmp_path, "all")
        config = ServerConfig(webrtc=HERE, recording=policy, metrics=MetricsPolicy(open=True))
        async with hosting(config, talker("Good day to you.")) as (url, app):
            async with calling(url) as caller:
                caller.say(tone(0.5))
                await caller.event("output_audio_buffer.stopped")
                session: str = caller.events[0]["session"]["id"]
                page = app.instruments.page().decode()
                counted = 'sessions_started_total{kind="realtime",transport="webrtc"} 1.0'
                assert f"vivavoce_{counted}" in page
            await emptied(app)
        return session

    session = asyncio.run(scenario())
    (sound,) = tmp_path.rglob("*.wav")
    assert session in str(sound)
    rate, samples = _samples(sound)
    assert samples.shape[1] == 2
    for voice, seconds in ((samples[:, 0], 0.5), (samples[:, 1], 0.8)):
        pieces = np.abs(voice[: len(voice) // 240 * 240].reshape(-1, 240)).max(axis=1)
        assert np.sum(pieces > 500) * 240 / rate == pytest.approx(seconds, abs=0.08)
    events = "".join(path.read_text() for path in tmp_path.rglob("*.jsonl"))
    assert "output_audio_buffer.started" in events


def _samples(path: Path) -> tuple[int, Any]:
    with wave.open(str(path)) as recording:
        pcm = recording.readframes(recording.getnframes())
        channels, rate = recording.getnchannels(), recording.getframerate()
    return rate, np.frombuffer(pcm, "<i2").astype(np.int32).reshape(-1, channels)


@pytest.mark.local
def test_a_spoken_question_gets_a_spoken_answer(speech_clip: Callable[..., Path]) -> None:
    """With the engines of this machine, through Opus both ways, and a voice that can be transcribed."""

    async def scenario() -> None:
        local = build_local_engines(EngineChoice())
        engines = replace(local, synthesizer=FliteSynthesizer(), llm=ScriptedModel([[ANSWER]]))
        try:
            await engines.prewarm()
            async with hosting(engines=engines) as (url, _app), calling(url) as caller:
                transcription = {"model": "whisper-1"}
                caller.send(
                    "session.update",
                    session={"type": "realtime", "audio": {"input": {"transcription": transcription}}},
                )
                caller.say(read_wav(speech_clip("what can you do")).pcm)
                heard = await caller.event("conversation.item.input_audio_transcription.completed")
                assert word_error_rate("what can you do", heard["transcript"]) <= 0.25
                await caller.event("output_audio_buffer.stopped")
                assert word_error_rate(ANSWER, await _heard(bytes(caller.pcm))) <= 0.35
        finally:
            await engines.aclose()

    asyncio.run(scenario())


async def _heard(pcm: bytes) -> str:
    """What pocketsphinx hears."""
    transcriber = PocketsphinxTranscriber(workers=1)
    try:
        samples = soxr.resample(np.frombuffer(pcm, "<i2"), RATE, transcriber.sample_rate)
        stream = transcriber.open(TranscriptionOptions(), lambda _text: None)
        stream.feed(samples.astype("<i2").tobytes() + bytes(transcriber.sample_rate))
        return (await stream.finish()).text
    finally:
        await transcriber.aclose()
