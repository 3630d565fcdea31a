"""The thread's side of faster-whisper, on a model that is made on the spot."""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

import pytest

from vivavoce.engines.base import TranscriptionOptions
from vivavoce.engines.stt.growing_window import HeardWord
from vivavoce.engines.stt.whisper_model import Heard, WhisperEars, WhisperSettings, logprobs_of
from vivavoce.errors import EngineError

AUDIO = bytes(64_000)


def ears(model: Path | str) -> WhisperEars:
    return WhisperEars(WhisperSettings(str(model), "cpu", "default", 2, 1, 1))


@pytest.fixture(scope="module")
def loaded(tiny_whisper: Path) -> WhisperEars:
    model = ears(tiny_whisper)
    assert model.languages == ()
    model.load()
    return model


def hear(model: WhisperEars, *, last: bool = True, context: str = "", **wishes: Any) -> Heard:
    options = TranscriptionOptions(**wishes)
    return model.hear(AUDIO, options, context, last=last, stop=threading.Event())


def test_a_window_becomes_words(loaded: WhisperEars) -> None:
    heard = hear(loaded, last=False)
    assert heard.text == " Hello world."
    assert [word.text for word in heard.words] == [" Hello", " world."]
    assert 0 < heard.words[0].end_s <= heard.words[1].end_s <= 2
    assert heard.words[0].probability > 0.9
    assert heard.language == "en"


def test_times_of_the_last_decode_are_made_when_they_are_asked_for(loaded: WhisperEars) -> None:
    assert hear(loaded).words == ()
    assert len(hear(loaded, logprobs=True).words) == 2


def test_prompt_and_keywords_reach_the_model(loaded: WhisperEars) -> None:
    assert hear(loaded, prompt="ab").text != " Hello world."
    assert hear(loaded, keywords=("Oslo",)).text != " Hello world."
    assert hear(loaded, context="Before.").text != " Hello world."


@pytest.mark.parametrize(
    ("wishes", "language"),
    [
        ({"language": "de"}, "de"),
        ({"language": "de-AT"}, "de"),
        ({"languages": ("fr",)}, "fr"),
        ({"languages": ("fr", "de")}, "de"),  # the likelier of the two
        ({"languages": ("klingon",)}, "en"),  # what the model finds
        ({}, "en"),
    ],
)
def test_languages(loaded: WhisperEars, wishes: dict[str, Any], language: str) -> None:
    assert hear(loaded, **wishes).language == language
    assert "de" in loaded.languages


def test_a_stop_ends_it_between_two_stretches(loaded: WhisperEars) -> None:
    stop = threading.Event()
    minute = bytes(60 * 32_000)
    whole = loaded.hear(minute, TranscriptionOptions(), "", last=False, stop=stop)
    stop.set()
    cut = loaded.hear(minute, TranscriptionOptions(), "", last=False, stop=stop)
    assert 0 < len(cut.text) < len(whole.text)


def test_probabilities_are_told_as_logarithms() -> None:
    first, second = logprobs_of([HeardWord(" ä", 1.0, 0.5), HeardWord("b", 1.0, 0.0)])
    assert (first.token, first.logprob, first.bytes) == (" ä", math.log(0.5), [32, 0xC3, 0xA4])
    assert second.logprob < -20


def test_weights_that_are_none_are_told(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper", reason="needs vivavoce[whisper]")
    with pytest.raises(EngineError, match=r"cannot be loaded .no weights in CTranslate2's form"):
        ears(tmp_path).load()
    with pytest.raises(EngineError, match=r"'no-such-size' cannot be loaded .no folder of weights there"):
        ears("no-such-size").load()
