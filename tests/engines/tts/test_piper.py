"""Piper voices that are made on the spot."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vivavoce.engines.base import Prewarmable, SpeechChunk, SpeechOptions, Synthesizer
from vivavoce.engines.tts import piper
from vivavoce.engines.tts.piper import PiperSynthesizer, word_ends
from vivavoce.errors import ConfigurationError, EngineError, MissingExtraError

pytest.importorskip("piper", reason="needs piper-tts")


def speak(place: Path, text: str, **options: Any) -> list[SpeechChunk]:
    async def main() -> list[SpeechChunk]:
        synthesizer = PiperSynthesizer(str(place), workers=1)
        try:
            return [chunk async for chunk in synthesizer.synthesize(text, SpeechOptions(**options))]
        finally:
            await synthesizer.aclose()
            await synthesizer.aclose()

    return asyncio.run(main())


def size(chunks: list[SpeechChunk]) -> int:
    return sum(len(chunk.pcm) for chunk in chunks)


def test_it_is_a_synthesizer(piper_voices: Path) -> None:
    synthesizer = PiperSynthesizer(str(piper_voices))
    assert isinstance(synthesizer, Synthesizer)
    assert isinstance(synthesizer, Prewarmable)
    assert synthesizer.sample_rate == 22_050
    assert synthesizer.voice_names[:4] == ("amy", "choir", "choir:high", "choir:low")
    assert synthesizer.knows_voice("marin")
    assert not synthesizer.knows_voice("bob")
    asyncio.run(synthesizer.prewarm())
    asyncio.run(synthesizer.aclose())


def test_words_come_with_the_times_of_their_phonemes(piper_voices: Path) -> None:
    first, second = speak(piper_voices / "amy.onnx", "Hello little world. Good bye now.", voice="amy")
    assert [word.end for word in first.words] == [5, 12, 19]
    ends = [word.end_ms for word in first.words]
    total = len(first.pcm) / 2 / 22.05
    assert 0 < ends[0] < ends[1] < ends[2] <= total + 1
    assert second.words[0].end_ms > total
    assert [word.end for word in second.words] == [24, 28, 33]


def test_speed_changes_how_long_it_takes(piper_voices: Path) -> None:
    slow, usual = (size(speak(piper_voices, "Hello there.", voice="amy", speed=s)) for s in (0.25, 1.0))
    assert slow == pytest.approx(4 * usual, rel=0.05)


def test_voices_of_another_rate_are_converted(piper_voices: Path) -> None:
    low, amy = (size(speak(piper_voices, "Hello there.", voice=voice)) for voice in ("choir:low", "amy"))
    assert low == pytest.approx(amy * 22_050 / 16_000, rel=0.01)


def test_a_name_of_the_api_speaks(piper_voices: Path) -> None:
    assert size(speak(piper_voices, "Hello there.", voice="cedar"))


def test_brackets_are_no_phonemes(piper_voices: Path) -> None:
    assert size(speak(piper_voices, "Say [[xyz]] please.", voice="amy"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"voice": "bob"}, "no voice 'bob'; there are: amy, choir, choir:high"),
        ({"speed": 2.0}, "speed is 2.0; it must be from 0.25 to 1.5"),
    ],
)
def test_what_cannot_be_said_is_refused(piper_voices: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(EngineError, match=message):
        speak(piper_voices, "Hello.", **options)


def test_old_voices_make_room(piper_voices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(piper, "MAX_LOADED", 1)
    synthesizer = PiperSynthesizer(str(piper_voices))
    first = synthesizer._load("amy")
    assert synthesizer._load("amy") is first
    synthesizer._load("choir")
    assert synthesizer._load("amy") is not first
    asyncio.run(synthesizer.aclose())


def test_what_is_no_voice_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"there is no Piper voice at .*nowhere"):
        PiperSynthesizer(str(tmp_path / "nowhere"))
    voice = tmp_path / "bad.onnx"
    voice.write_bytes(b"no network")
    with pytest.raises(ConfigurationError, match=r"bad\.onnx\.json of a Piper voice cannot be read: FileNot"):
        PiperSynthesizer(str(voice))
    Path(f"{voice}.json").write_text('{"num_speakers": 1, "audio": {"sample_rate": 22050}}')
    synthesizer = PiperSynthesizer(str(voice))
    with pytest.raises(EngineError, match=r"the Piper voice bad\.onnx cannot be loaded"):
        asyncio.run(synthesizer.prewarm())
    asyncio.run(synthesizer.aclose())


def test_a_voice_that_fails_is_named(piper_voices: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise RuntimeError("no breath")

    monkeypatch.setattr("piper.PiperVoice.synthesize", fail)
    with pytest.raises(EngineError, match="the Piper voice amy failed: no breath"):
        speak(piper_voices, "Hello.", voice="amy")


def test_a_missing_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"vivavoce\[piper\]"):
        PiperSynthesizer("x.onnx")


def test_words_end_at_spaces() -> None:
    def sounds(text: str) -> list[Any]:
        return [SimpleNamespace(phoneme=character, num_samples=10) for character in text]

    assert word_ends(sounds("^ab cd.$")) == [30, 80]
    assert word_ends(sounds("^a , b ")) == [20, 60]
    assert word_ends([]) == []
