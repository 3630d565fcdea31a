"""Kokoro on a model that is made on the spot."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vivavoce.engines.base import Prewarmable, SpeechChunk, SpeechOptions, Synthesizer
from vivavoce.engines.tts.kokoro import KokoroSynthesizer, word_ends_ms
from vivavoce.errors import ConfigurationError, EngineError, MissingExtraError

pytest.importorskip("kokoro_onnx", reason="needs vivavoce[kokoro]")

Files = tuple[Path, Path, Path]


def speak(model: Path, voices: Path, text: str, **options: Any) -> list[SpeechChunk]:
    async def main() -> list[SpeechChunk]:
        synthesizer = KokoroSynthesizer(str(model), str(voices), workers=1)
        try:
            return [chunk async for chunk in synthesizer.synthesize(text, SpeechOptions(**options))]
        finally:
            await synthesizer.aclose()
            await synthesizer.aclose()

    return asyncio.run(main())


def seconds(chunks: list[SpeechChunk]) -> float:
    return sum(len(chunk.pcm) for chunk in chunks) / 2 / 24_000


def test_it_is_a_synthesizer(kokoro_files: Files) -> None:
    model, _, voices = kokoro_files
    synthesizer = KokoroSynthesizer(str(model), str(voices))
    assert isinstance(synthesizer, Synthesizer)
    assert isinstance(synthesizer, Prewarmable)
    assert synthesizer.voice_names[:4] == ("af_alloy", "am_adam", "bf_emma", "alloy")
    assert synthesizer.knows_voice("marin")
    assert not synthesizer.knows_voice("bob")
    asyncio.run(synthesizer.prewarm())
    asyncio.run(synthesizer.aclose())


@pytest.mark.parametrize("timed", [True, False])
def test_words_come_with_their_times(kokoro_files: Files, timed: bool) -> None:
    model, untimed, voices = kokoro_files
    (chunk,) = speak(model if timed else untimed, voices, "Hello little world.", voice="alloy")
    assert [word.end for word in chunk.words] == [5, 12, 19]
    ends = [word.end_ms for word in chunk.words]
    assert 0 < ends[0] < ends[1] < ends[2] <= seconds([chunk]) * 1000 + 1


@pytest.mark.parametrize("speed", [0.25, 0.5, 1.5])
def test_speed_changes_how_long_it_takes(kokoro_files: Files, speed: float) -> None:
    model, _, voices = kokoro_files
    usual, other = (seconds(speak(model, voices, "Hello there.", speed=each)) for each in (1.0, speed))
    assert other * speed == pytest.approx(usual, rel=0.3)  # the durations of phonemes are whole frames


def test_a_full_stop_is_followed_by_silence(kokoro_files: Files) -> None:
    model, _, voices = kokoro_files
    quiet = {}
    for text in ("Hello there.", "Hello there,", "Hello there"):
        (chunk,) = speak(model, voices, text)
        sound = np.flatnonzero(np.frombuffer(chunk.pcm, "<i2"))
        quiet[text[11:]] = (len(chunk.pcm) // 2 - sound[-1]) / 24_000
    assert quiet["."] == pytest.approx(0.25, abs=0.02)
    assert quiet[","] == pytest.approx(0.1, abs=0.02)
    assert quiet[""] < 0.02


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"voice": "bob"}, "no voice 'bob'; there are: af_alloy, am_adam"),
        ({"speed": 2.0}, "speed is 2.0; it must be from 0.25 to 1.5"),
    ],
)
def test_what_cannot_be_said_is_refused(kokoro_files: Files, options: dict[str, Any], message: str) -> None:
    model, _, voices = kokoro_files
    with pytest.raises(EngineError, match=message):
        speak(model, voices, "Hello.", **options)


def test_what_is_no_model_is_told(kokoro_files: Files, tmp_path: Path) -> None:
    model, _, voices = kokoro_files
    with pytest.raises(ConfigurationError, match="there is no file nowhere; Kokoro needs"):
        KokoroSynthesizer("nowhere", str(voices))
    with pytest.raises(ConfigurationError, match="is no file of Kokoro voices"):
        KokoroSynthesizer(str(model), str(model))
    with (tmp_path / "none.bin").open("wb") as file:
        np.savez(file)
    with pytest.raises(ConfigurationError, match="holds no voices"):
        KokoroSynthesizer(str(model), str(tmp_path / "none.bin"))
    with pytest.raises(EngineError, match=r"the Kokoro model voices\.bin cannot be loaded"):
        speak(voices, voices, "Hello.")


def test_a_model_that_fails_is_told(kokoro_files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **options: Any) -> None:
        raise RuntimeError("no breath")

    monkeypatch.setattr("kokoro_onnx.Kokoro.create_timed", fail)
    model, _, voices = kokoro_files
    with pytest.raises(EngineError, match="Kokoro failed to speak with af_alloy: no breath"):
        speak(model, voices, "Hello.")


def test_a_missing_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"vivavoce\[kokoro\]"):
        KokoroSynthesizer("a", "b")


def test_words_end_at_spaces() -> None:
    def sounds(text: str) -> list[Any]:
        return [SimpleNamespace(phoneme=sound, end=(place + 1) / 10) for place, sound in enumerate(text)]

    assert word_ends_ms(sounds("ab cd.")) == [200, 500]
    assert word_ends_ms(sounds("a, , b ")) == [100, 600]
    assert word_ends_ms([]) == []
