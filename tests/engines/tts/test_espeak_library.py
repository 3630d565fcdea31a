"""libespeak-ng itself, through ctypes."""

from __future__ import annotations

import importlib.util
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from vivavoce.engines.tts.espeak_library import (
    NORMAL_RATE,
    EspeakLibrary,
    Mark,
    MarkKind,
    espeak_library,
)
from vivavoce.errors import EngineError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif(
        importlib.util.find_spec("espeakng_loader") is None, reason="needs espeakng-loader: vivavoce[local]"
    ),
]


def speak(text: str, voice: str = "English (America)", **wishes: bool) -> tuple[bytes, list[Mark]]:
    pcm = bytearray()
    marks: list[Mark] = []

    def listen(more: bytes, more_marks: Sequence[Mark]) -> bool:
        pcm.extend(more)
        marks.extend(more_marks)
        return True

    end_pause = wishes.get("end_pause", False)
    espeak_library().speak(text, voice, NORMAL_RATE, listen, end_pause=end_pause)
    return bytes(pcm), marks


def test_marks_name_the_words_and_the_pauses() -> None:
    pcm, marks = speak("One, two")
    words = [mark.position for mark in marks if mark.kind is MarkKind.WORD]
    assert words == [0, 5]
    assert [mark.sample for mark in marks] == sorted(mark.sample for mark in marks)
    assert marks[-1].sample <= len(pcm) // 2
    first_pause = next(mark for mark in marks if mark.kind is MarkKind.PAUSE)
    assert 0 < first_pause.sample < marks[-1].sample


def test_phonemes_in_brackets_and_markup_are_plain_text() -> None:
    plain, _ = speak("hello")
    assert len(speak("[[h@loU]]")[0]) > 1.5 * len(plain)
    assert len(speak("<b>hello</b>")[0]) > 1.5 * len(plain)


def test_an_end_pause_is_silence_after_the_same_speech() -> None:
    plain, _ = speak("One.")
    paused, _ = speak("One.", end_pause=True)
    added_ms = (len(paused) - len(plain)) / 2 / espeak_library().sample_rate * 1000
    assert 150 < added_ms < 400
    assert np.abs(np.frombuffer(paused[len(plain) + 2000 :], "<i2")).max() < 50


def test_a_listener_that_has_enough_stops_the_library_and_the_next_one_hears_all() -> None:
    calls = 0

    def enough(_pcm: bytes, _marks: Sequence[Mark]) -> bool:
        nonlocal calls
        calls += 1
        return calls < 3

    whole, _ = speak("hello there")
    espeak_library().speak("hello there " * 50, "English (America)", NORMAL_RATE, enough, end_pause=False)
    assert calls == 3
    assert len(speak("hello there")[0]) == pytest.approx(len(whole), rel=0.05)


def test_callers_on_many_threads_do_not_mix() -> None:
    alone = {text: len(speak(text)[0]) for text in ("one", "one two three four five", "a longer one, really")}
    with ThreadPoolExecutor(4) as threads:
        together = list(threads.map(lambda text: (text, len(speak(text)[0])), list(alone) * 8))
    for text, length in together:
        assert length == pytest.approx(alone[text], rel=0.05)


def test_every_voice_it_lists_can_be_set() -> None:
    library = espeak_library()
    assert {"en", "en-us", "en-gb", "de", "no", "zh", "German"} <= library.voices.keys()
    for code in ("en-gb", "de", "no", "zh"):
        assert speak("2", library.voices[code])[0]
    assert {"f1", "m1"} <= library.variants


def test_a_stretcher_slows_down_and_keeps_the_pitch() -> None:
    library = espeak_library()
    tone = (8000 * np.sin(2 * np.pi * 200 * np.arange(library.sample_rate) / library.sample_rate)).astype(
        "<i2"
    )
    stretcher = library.stretcher(0.5)
    slow = np.frombuffer(stretcher.write(tone.tobytes()) + stretcher.flush(), "<i2")
    stretcher.close()
    stretcher.close()
    assert len(slow) == pytest.approx(2 * len(tone), rel=0.02)
    middle = slow[5000:-5000].astype(float)
    loudest = np.argmax(np.abs(np.fft.rfft(middle))) * library.sample_rate / len(middle)
    assert loudest == pytest.approx(200, abs=3)


def test_an_unknown_voice_is_an_error() -> None:
    with pytest.raises(EngineError, match="set the voice 'Klingonese'"):
        speak("hi", "Klingonese")


def test_a_library_that_does_not_load_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="does not load"):
        EspeakLibrary(tmp_path / "libespeak-ng.so", tmp_path)


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r"vivavoce\[local\]"):
        espeak_library.__wrapped__()
