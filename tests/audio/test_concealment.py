"""Holes in speech: filled in tune, without steps, and not for long."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vivavoce.audio.concealment import Concealment
from vivavoce.errors import ConfigurationError

RATES = [8000, 16000, 24000]


def voice(rate: int, seconds: float, hertz: float, level: float = 6000.0) -> bytes:
    """A sound like a voice: a fundamental tone and five harmonics."""
    time = np.arange(round(rate * seconds)) / rate
    wave = sum(np.sin(2 * np.pi * hertz * n * time + n) / n for n in range(1, 7))
    return (np.asarray(wave) * level).astype("<i2").tobytes()


def samples(pcm: bytes) -> NDArray[np.float64]:
    return np.frombuffer(pcm, "<i2").astype(np.float64)


def with_hole(rate: int, pcm: bytes, begin: int, length: int) -> NDArray[np.float64]:
    """Speech of which so many 20 ms frames from this one on are missing."""
    frame = rate // 50
    concealment = Concealment(rate)
    made = []
    for number in range(len(pcm) // 2 // frame):
        if begin <= number < begin + length:
            made.append(concealment.fill(frame))
        else:
            made.append(concealment.heard(pcm[2 * frame * number : 2 * frame * (number + 1)]))
    return samples(b"".join(made))


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("hertz", [80.0, 127.0, 210.0, 330.0])
def test_a_lost_frame_of_a_voice_is_hardly_heard(rate: int, hertz: float) -> None:
    spoken = voice(rate, 0.4, hertz)
    made, true = with_hole(rate, spoken, 10, 1), samples(spoken)
    hole = slice(rate // 5, rate // 5 + rate // 50)
    error = np.std(made[hole] - true[hole]) / np.std(true[hole])
    assert error < 0.35
    after = slice(rate // 5 + rate // 50 + rate // 200, None)
    assert np.array_equal(made[after], true[after])


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("hertz", [80.0, 133.0, 250.0])
def test_there_is_no_click_at_either_end(rate: int, hertz: float) -> None:
    spoken = voice(rate, 0.4, hertz)
    usual = np.abs(np.diff(samples(spoken))).max()
    assert np.abs(np.diff(with_hole(rate, spoken, 10, 3))).max() < 1.25 * usual


def test_a_long_hole_fades_to_silence() -> None:
    made = with_hole(8000, voice(8000, 0.6, 140.0), 10, 10)
    loudness = [float(np.std(made[1600 + 80 * n : 1680 + 80 * n])) for n in range(20)]
    assert loudness[0] == pytest.approx(loudness[1], rel=0.2)
    assert all(late <= early * 1.1 + 1 for early, late in pairwise(loudness[1:]))
    assert max(loudness[8:]) == 0.0
    assert np.std(made[3200:]) > 1000.0


def test_what_hisses_goes_on_hissing() -> None:
    noise = np.random.default_rng(3).normal(0, 3000, 4000).astype("<i2").tobytes()
    made = with_hole(8000, noise, 10, 1)
    assert np.std(made[1600:1760]) == pytest.approx(3000, rel=0.25)


def test_before_anything_was_heard_there_is_silence() -> None:
    concealment = Concealment(8000)
    assert concealment.fill(160) == bytes(320)
    spoken = voice(8000, 0.02, 100.0)
    assert samples(concealment.heard(spoken))[40:] == pytest.approx(samples(spoken)[40:])


def test_pieces_of_a_hole_make_one_hole() -> None:
    spoken = voice(16000, 0.1, 150.0)
    whole, parts = Concealment(16000), Concealment(16000)
    whole.heard(spoken)
    parts.heard(spoken)
    assert whole.fill(900) == parts.fill(1) + parts.fill(0) + parts.fill(499) + parts.fill(400)
    assert whole.heard(b"") == b""
    assert whole.heard(spoken) == parts.heard(spoken)


def test_a_voice_too_deep_has_no_rate() -> None:
    with pytest.raises(ConfigurationError, match="at least 4000 Hz, got 50"):
        Concealment(50)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(RATES),
    st.lists(st.tuples(st.booleans(), st.integers(0, 700)), max_size=20),
    st.sampled_from([0, 1, 32767]),
)
def test_as_much_comes_out_as_is_asked_for(rate: int, parts: list[tuple[bool, int]], level: int) -> None:
    concealment = Concealment(rate)
    noise = np.random.default_rng(len(parts)).integers(-level, level + 1, 700).astype("<i2").tobytes()
    for lost, count in parts:
        made = concealment.fill(count) if lost else concealment.heard(noise[: 2 * count])
        assert len(made) == 2 * count
