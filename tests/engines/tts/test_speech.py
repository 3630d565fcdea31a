"""Speech from an endpoint, against a real server."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.audio.wav import encode_wav
from vivavoce.engines.base import Prewarmable, SpeechChunk, SpeechOptions, Synthesizer
from vivavoce.engines.tts.speech import OLDER_VOICES, SpeechEndpoint
from vivavoce.engines.voices import API_VOICES
from vivavoce.errors import ConfigurationError, EngineError

Server = Any
SECOND = bytes(48_000)
URL = "http://127.0.0.1:9/v1"


def speak(
    http_server: Server, *answers: Any, text: str = "one two", voice: str = "alloy", **options: Any
) -> tuple[list[SpeechChunk], list[Any]]:
    async def main() -> tuple[list[SpeechChunk], list[Any]]:
        async with http_server(*answers) as server:
            speech = SpeechEndpoint(server.url, **options)
            try:
                spoken = speech.synthesize(text, SpeechOptions(voice, speed=1.25))
                return [chunk async for chunk in spoken], server.asked
            finally:
                await speech.aclose()

    return asyncio.run(main())


def test_it_is_a_synthesizer() -> None:
    speech = SpeechEndpoint(URL)
    assert isinstance(speech, Synthesizer)
    assert isinstance(speech, Prewarmable)
    assert speech.sample_rate == 24_000
    assert set(speech.voice_names) == set(API_VOICES)
    asyncio.run(speech.aclose())


def test_audio_is_passed_on_as_it_arrives_with_estimated_words(http_server: Server, answer: Any) -> None:
    chunks, asked = speak(http_server, answer([SECOND, SECOND[:-1], b"\0" + SECOND]), model="m", api_key="k")
    assert b"".join(chunk.pcm for chunk in chunks) == SECOND * 3
    words = [word for chunk in chunks for word in chunk.words]
    assert [word.end for word in words] == [3, 7]
    assert words[-1].end_ms == 3000
    assert asked[0].path == "/v1/audio/speech"
    assert asked[0].json == {
        "model": "m",
        "input": "one two",
        "voice": "alloy",
        "response_format": "pcm",
        "speed": 1.25,
    }


def test_words_are_known_before_the_clause_is_complete(http_server: Server, answer: Any) -> None:
    """Somebody who interrupts now has heard them."""

    async def main() -> list[int]:
        async with http_server(answer([SECOND], ending="stall")) as server:
            speech = SpeechEndpoint(server.url)
            spoken = speech.synthesize("one two three four", SpeechOptions())
            chunk = await anext(spoken)
            await spoken.aclose()
            await speech.aclose()
            return [word.end for word in chunk.words]

    assert asyncio.run(main()) == [3, 7, 13]


def test_a_voice_that_a_model_does_not_have_is_another(http_server: Server, answer: Any) -> None:
    _, asked = speak(http_server, answer([SECOND]), voice="marin")
    assert asked[0].json["voice"] in OLDER_VOICES
    _, asked = speak(http_server, answer([SECOND]), voice="marin", model="gpt-4o-mini-tts")
    assert asked[0].json["voice"] == "marin"


def test_voices_of_the_server_stand_in_for_those_of_the_api(http_server: Server, answer: Any) -> None:
    options: Any = {"voices": ("af_heart", "am_adam"), "extra": {"lang_code": "a"}}
    _, asked = speak(http_server, answer([SECOND]), voice="ash", **options)
    assert asked[0].json["voice"] == "am_adam"
    assert asked[0].json["lang_code"] == "a"
    _, asked = speak(http_server, answer([SECOND]), voice="af_heart", **options)
    assert asked[0].json["voice"] == "af_heart"


@pytest.mark.parametrize(
    ("options", "speed"), [({"model": "gpt-4o-mini-tts"}, None), ({"extra": {"speed": 1.1}}, 1.1), ({}, 1.25)]
)
def test_a_speed_is_asked_for_where_it_is_kept_to(
    http_server: Server, answer: Any, options: Any, speed: float | None
) -> None:
    _, asked = speak(http_server, answer([SECOND]), **options)
    assert asked[0].json.get("speed") == speed
    speech = SpeechEndpoint(URL, **options)
    assert speech.honours_speed is (speed == 1.25)
    asyncio.run(speech.aclose())


def test_an_unknown_voice_is_refused_with_those_that_there_are(http_server: Server, answer: Any) -> None:
    with pytest.raises(EngineError, match="no voice 'bob'; there are: amy, alloy, ash"):
        speak(http_server, answer([SECOND]), voice="bob", voices=("amy",))
    speech = SpeechEndpoint(URL, voices=("amy",))
    assert [name for name in ("amy", "alloy", "bob") if speech.knows_voice(name)] == ["amy", "alloy"]
    asyncio.run(speech.aclose())


def test_a_wav_file_is_unpacked(http_server: Server, answer: Any) -> None:
    file = encode_wav(SECOND, 24_000)
    chunks, asked = speak(http_server, answer([file[:30], file[30:]], kind="audio/wav"), format="wav")
    assert b"".join(chunk.pcm for chunk in chunks) == SECOND
    assert asked[0].json["response_format"] == "wav"


def test_a_clause_without_words_is_not_sent(http_server: Server, answer: Any) -> None:
    chunks, asked = speak(http_server, answer([SECOND]), text=" \n")
    assert chunks == asked == []


def test_what_is_no_audio_is_told(http_server: Server, answer: Any) -> None:
    with pytest.raises(EngineError, match="sent application/json, which is no audio: no model"):
        speak(http_server, answer.json({"error": {"message": "no model"}}))
    with pytest.raises(EngineError, match="sent no audio"):
        speak(http_server, answer([]))


def test_an_answer_that_breaks_off_fails_after_what_came(http_server: Server, answer: Any) -> None:
    with pytest.raises(EngineError, match="failed"):
        speak(http_server, answer([SECOND], ending="cut"))


def test_closing_the_speech_hangs_up(http_server: Server, answer: Any) -> None:
    async def main() -> None:
        async with http_server(answer([SECOND], ending="stall")) as server:
            speech = SpeechEndpoint(server.url)
            spoken = speech.synthesize("hello", SpeechOptions())
            assert (await anext(spoken)).pcm
            await spoken.aclose()
            await server.hung_up.wait()
            await speech.aclose()

    asyncio.run(main())


def test_the_pace_of_a_voice_is_learnt(http_server: Server, answer: Any) -> None:
    async def main() -> None:
        async with http_server(answer([SECOND] * 9)) as server:
            speech = SpeechEndpoint(server.url)

            async def second_word_ms() -> int:
                options = SpeechOptions("alloy")
                chunks = [chunk async for chunk in speech.synthesize("one two three", options)]
                return [word for chunk in chunks for word in chunk.words][1].end_ms

            first = await second_word_ms()
            for speed in range(300):
                speech._pace("ash", 1 + speed / 1000)
            assert len(speech._paces) <= 256
            for _ in range(8):
                await second_word_ms()
            assert await second_word_ms() > 2 * first
            await speech.aclose()

    asyncio.run(main())


def test_a_wrong_address_shows_early(http_server: Server, answer: Any) -> None:
    async def main() -> None:
        async with http_server(answer.json({}, 401)) as server:
            speech = SpeechEndpoint(server.url)
            with pytest.raises(EngineError, match="answered 401"):
                await speech.prewarm()
            await speech.aclose()

    asyncio.run(main())


def test_a_rate_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="sample_rate is 24"):
        SpeechEndpoint(URL, sample_rate=24)
