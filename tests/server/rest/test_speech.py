"""Speech over HTTP."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import pytest

from vivavoce.engines.base import EngineCost, SpeechOptions
from vivavoce.engines.scripted import ScriptedSynthesizer, scripted_engines
from vivavoce.server import Limits
from vivavoce.server.rest import speech
from vivavoce.testing import run

PATH = "/v1/audio/speech"
WISH = {"model": "tts-1", "voice": "echo", "input": "Good morning. How are you?", "response_format": "pcm"}
BYTES_PER_WORD = 2 * 24000 // 5


def test_the_words_are_spoken_clause_by_clause(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        engines = scripted_engines()
        home = house(engines)
        answer = await home.ask("POST", PATH, json=WISH)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "audio/pcm"
        assert len(answer.content) == 5 * BYTES_PER_WORD
        synthesizer = engines.synthesizer
        assert isinstance(synthesizer, ScriptedSynthesizer)
        assert synthesizer.spoken == [
            ("Good morning. ", SpeechOptions("echo")),
            ("How are you?", SpeechOptions("echo")),
        ]
        assert home.app.sessions == 0

    run(scenario())


def test_azures_way_is_open_too_and_a_voice_may_be_an_object(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        wish = {**WISH, "voice": {"id": "alloy"}, "response_format": "wav", "instructions": ""}
        answer = await house(scripted_engines()).ask(
            "POST", "/openai/deployments/mine/audio/speech?api-version=1", json=wish
        )
        assert answer.content.startswith(b"RIFF")

    run(scenario())


def test_audio_may_come_in_events(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        answer = await house(scripted_engines()).ask("POST", PATH, json={**WISH, "stream_format": "sse"})
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n\n") if line]
        *deltas, done = events
        assert done["type"] == "speech.audio.done"
        assert {event["type"] for event in deltas} == {"speech.audio.delta"}
        assert sum(len(base64.b64decode(event["audio"])) for event in deltas) == 5 * BYTES_PER_WORD

    run(scenario())


@pytest.mark.parametrize(
    ("wish", "code", "param"),
    [
        ({"input": None}, "missing_required_parameter", "input"),
        ({"input": " \n"}, "missing_required_parameter", "input"),
        ({"input": 5}, "invalid_type", "input"),
        ({"input": "x" * 4097}, "invalid_value", "input"),
        ({"voice": None}, "missing_required_parameter", "voice"),
        ({"voice": "nobody"}, "invalid_value", "voice"),
        ({"voice": ["echo"]}, "invalid_value", "voice"),
        ({"model": 5}, "invalid_type", "model"),
        ({"instructions": "Whisper."}, "invalid_value", "instructions"),
        ({"response_format": "midi"}, "invalid_value", "response_format"),
        ({"response_format": ["wav"]}, "invalid_value", "response_format"),
        ({"stream_format": "xml"}, "invalid_value", "stream_format"),
        ({"speed": 4.0}, "invalid_value", "speed"),
        ({"speed": True}, "invalid_value", "speed"),
        ({"speed": 0.2}, "invalid_value", "speed"),
        ({"temperature": 1}, "unknown_parameter", "temperature"),
    ],
)
def test_what_cannot_be_met_is_refused(
    house: Callable[..., Any], wish: dict[str, Any], code: str, param: str
) -> None:
    async def scenario() -> None:
        home = house(scripted_engines())
        assert await home.refused("POST", PATH, json={**WISH, **wish}) == (400, code, param)
        assert home.app.sessions == 0

    run(scenario())


def test_the_speech_of_any_other_engine_is_stretched(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        engines = scripted_engines()
        answer = await house(engines).ask("POST", PATH, json={**WISH, "speed": 0.5})
        assert len(answer.content) == pytest.approx(10 * BYTES_PER_WORD, rel=0.1)
        synthesizer: Any = engines.synthesizer
        assert {options.speed for _, options in synthesizer.spoken} == {1.0}

    run(scenario())


def test_an_engine_that_keeps_to_a_speed_is_told_it(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        engines = scripted_engines()
        synthesizer: Any = engines.synthesizer
        synthesizer.honours_speed = True
        answer = await house(engines).ask("POST", PATH, json={**WISH, "speed": 0.5})
        assert answer.status_code == 200
        assert {options.speed for _, options in synthesizer.spoken} == {0.5}

    run(scenario())


def test_without_pyav_compressed_forms_are_refused(
    house: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vivavoce.server.rest.encoders.find_spec", lambda _name: None)

    async def scenario() -> None:
        home = house(scripted_engines())
        refused = await home.refused("POST", PATH, json={**WISH, "response_format": "mp3"})
        assert refused == (400, "invalid_value", "response_format")
        wish = {name: value for name, value in WISH.items() if name != "response_format"}
        assert (await home.ask("POST", PATH, json=wish)).headers["content-type"] == "audio/wav"

    run(scenario())


def test_an_engine_that_fails_or_hangs_is_an_error_and_keeps_no_place(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        for synthesizer in (
            ScriptedSynthesizer(fails_on="Good"),
            ScriptedSynthesizer(delay=speech.CHUNK_TIMEOUT_S + 1),
        ):
            home = house(replace(scripted_engines(), synthesizer=synthesizer))
            assert await home.refused("POST", PATH, json=WISH) == (500, "engine_error", None)
            assert home.app.sessions == 0

    run(scenario())


def test_speech_takes_the_place_of_a_session(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(scripted_engines(speaking_delay=5), limits=Limits(max_sessions=1), api_keys=("sk-1",))
        async with asyncio.TaskGroup() as tasks:
            one = tasks.create_task(home.ask("POST", PATH, "sk-1", json=WISH))
            await asyncio.sleep(1)
            assert home.app.sessions == 1
            refused = await home.refused("POST", PATH, "sk-1", json=WISH)
            assert refused == (503, "session_limit_reached", None)
        assert one.result().status_code == 200
        assert await home.refused("POST", PATH, json=WISH) == (401, "invalid_api_key", None)

    run(scenario())


def test_a_key_speaks_as_much_as_it_may(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(scripted_engines(), api_keys=("sk-1",), limits=Limits(max_audio_s_per_key=60))
        long = {**WISH, "input": "word " * 150}
        assert (await home.ask("POST", PATH, "sk-1", json=long)).status_code == 200
        answer = await home.ask("POST", PATH, "sk-1", json=long)
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "rate_limit_exceeded")
        assert int(answer.headers["retry-after"]) > 0

    run(scenario())


class Upstream:
    """A model that hears and speaks itself."""

    cost = EngineCost()
    names: ClassVar[dict[str, Any]] = {"speech_model": "upstream"}


def test_a_model_without_engines_says_so(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(Upstream())
        answer = await home.ask("POST", PATH, json=WISH)
        assert (answer.status_code, answer.json()["error"]["code"]) == (501, "not_supported")
        assert answer.headers["x-should-retry"] == "false"

    run(scenario())


def test_a_server_that_drains_waits_for_speech(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(scripted_engines(speaking_delay=5))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(home.ask("POST", PATH, json=WISH))
            await asyncio.sleep(1)
            await home.app.drain(60)
            assert asyncio.get_running_loop().time() == pytest.approx(10.0, abs=0.1)
            assert home.app.sessions == 0

    run(scenario())
