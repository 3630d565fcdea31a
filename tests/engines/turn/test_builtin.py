"""The built-in model, on speech that it has not learnt from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soxr

from vivavoce.audio.wav import read_wav
from vivavoce.engines.turn.base import TurnSoFar
from vivavoce.engines.turn.builtin import NAMES, WEIGHTS, BuiltinTurnEnd, builtin_model, features
from vivavoce.engines.turn.prosody import RATE
from vivavoce.testing import run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray


def completeness(transcript: str, language: str | None = None) -> float:
    return run(BuiltinTurnEnd().completeness(TurnSoFar(b"", transcript, language)))


def test_there_is_a_weight_for_everything_it_goes_by() -> None:
    assert list(json.loads(WEIGHTS.read_text())) == list(NAMES)
    assert len(features(TurnSoFar(b""))) == len(NAMES) == len(builtin_model().weights)


@pytest.mark.parametrize(
    ("finished", "unfinished"),
    [
        ("What time is it in London", "What time is it in"),
        ("I want to book a table", "I want to book a"),
        ("Please call my brother tonight", "Please call"),
        ("I would like a coffee please", "I would like a coffee and um"),
        ("Close the door", "If the door is open"),
    ],
)
def test_complete_words_are_more_complete(finished: str, unfinished: str) -> None:
    assert completeness(finished) > completeness(unfinished) + 0.1


def test_an_article_at_the_end_is_no_end() -> None:
    assert completeness("I put it on the") < 0.1


def test_words_of_other_languages_are_not_read() -> None:
    assert completeness("so wie die", "de") == completeness("", "de") == completeness("")
    assert completeness("I put it on the", "en-GB") == completeness("I put it on the")


def test_the_answer_is_the_same_every_time() -> None:
    pcm = (np.sin(np.arange(16_000) / 8) * 5000).astype("<i2").tobytes()
    assert builtin_model().completeness(TurnSoFar(pcm)) == builtin_model().completeness(TurnSoFar(pcm))


def test_speech_that_breaks_off_sounds_unfinished(speech_clip: Callable[..., Path]) -> None:
    def sounds(samples: NDArray[np.int16], share: float) -> float:
        loud = np.flatnonzero(np.abs(samples) > 300)
        said = samples[: round(int(loud[-1]) * share)]
        heard = np.concatenate([said, np.zeros(RATE // 5, np.int16)])
        newest = heard[-round(BuiltinTurnEnd.window_s * RATE) :]
        return builtin_model().completeness(TurnSoFar(newest.astype("<i2").tobytes()))

    whole, broken_off = [], []
    for voice in ("slt", "rms", "awb"):
        for text in ("I lost my key in the park.", "Could we meet on Tuesday?", "Book me a haircut."):
            wav = read_wav(speech_clip(text, voice))
            samples = soxr.resample(np.frombuffer(wav.pcm, "<i2"), wav.rate, RATE)
            whole.append(sounds(samples, 1.0))
            broken_off += [sounds(samples, share) for share in (0.3, 0.5, 0.7)]
    assert np.mean(whole) > np.mean(broken_off) + 0.1
