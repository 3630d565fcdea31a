"""Names of voices."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest

from vivavoce.engines.base import Prewarmable, SpeechChunk, SpeechOptions, Synthesizer
from vivavoce.engines.bench import BenchSynthesizer
from vivavoce.engines.voices import API_VOICES, MappedVoices, stand_ins, unknown_voice
from vivavoce.errors import ConfigurationError
from vivavoce.testing import run


class Choir:
    """Two voices; remembers who was asked to sing."""

    sample_rate = 24_000
    voice_names = ("amy", "joe")
    honours_speed = True

    def __init__(self) -> None:
        self.sung: list[SpeechOptions] = []
        self.events: list[str] = []

    def knows_voice(self, voice: str) -> bool:
        return voice in self.voice_names

    async def synthesize(self, text: str, options: SpeechOptions) -> AsyncGenerator[SpeechChunk, None]:
        self.sung.append(options)
        try:
            yield SpeechChunk(b"\0\0")
            yield SpeechChunk(b"\1\0")
        finally:
            self.events.append("stopped")

    async def prewarm(self) -> None:
        self.events.append("warm")

    async def aclose(self) -> None:
        self.events.append("closed")


def test_every_voice_of_the_api_has_a_stand_in() -> None:
    voices = stand_ins(("amy", "echo", "joe"))
    assert set(voices) == set(API_VOICES)
    assert voices["echo"] == "echo"
    assert set(voices.values()) == {"amy", "echo", "joe"}
    assert stand_ins(("bf_alloy", "af_alloy", "am_echo"))["alloy"] == "bf_alloy"
    assert stand_ins(("bf_alloy", "af_alloy", "am_echo"))["echo"] == "am_echo"
    assert stand_ins(("amy",)) == dict.fromkeys(API_VOICES, "amy")


def test_an_unknown_voice_is_told_with_those_that_there_are() -> None:
    assert str(unknown_voice("bob", ["amy", "joe"])) == "there is no voice 'bob'; there are: amy, joe"


def test_a_name_stands_for_another_voice_and_the_rest_keep_theirs() -> None:
    choir = Choir()
    voices = MappedVoices(choir, {"alloy": "joe", "amy": "joe"})
    assert isinstance(voices, Synthesizer)
    assert isinstance(voices, Prewarmable)
    assert voices.honours_speed
    assert not MappedVoices(BenchSynthesizer(), {}).honours_speed
    assert voices.voice_names == ("alloy", "amy", "joe")
    assert [name for name in ("alloy", "amy", "joe", "ash") if voices.knows_voice(name)] == [
        "alloy",
        "amy",
        "joe",
    ]

    async def main() -> list[bytes]:
        await voices.prewarm()
        pcm = [
            chunk.pcm
            for name in ("alloy", "amy", "joe")
            async for chunk in voices.synthesize("la", SpeechOptions(name, speed=1.25))
        ]
        await voices.aclose()
        return pcm

    assert run(main()) == [b"\0\0", b"\1\0"] * 3
    assert choir.sung == [SpeechOptions("joe", speed=1.25)] * 3
    assert choir.events == ["warm", *["stopped"] * 3, "closed"]


def test_closing_the_speech_stops_the_one_who_speaks() -> None:
    choir = Choir()

    async def main() -> None:
        speech = MappedVoices(choir, {}).synthesize("la", SpeechOptions("amy"))
        await anext(speech)
        await speech.aclose()

    run(main())
    assert choir.events == ["stopped"]


def test_a_synthesizer_that_cannot_be_warmed_stays_cold() -> None:
    run(MappedVoices(BenchSynthesizer(), {}).prewarm())


def test_a_name_for_a_voice_that_there_is_not_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"the voice 'alloy' is to be 'bob', .*; it has: amy, joe"):
        MappedVoices(Choir(), {"alloy": "bob"})
