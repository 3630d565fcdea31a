"""Whole ratios of sample rates: the same voice, every chunk at once, nothing from outside the band."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vivavoce.audio.polyphase import RatioResampler
from vivavoce.errors import ConfigurationError

RATES = [(48000, 24000), (24000, 48000), (24000, 8000), (8000, 24000), (16000, 8000), (24000, 24000)]


def tone(rate: int, hertz: float, seconds: float = 0.5) -> bytes:
    return (
        (10000 * np.sin(2 * np.pi * hertz * np.arange(round(rate * seconds)) / rate)).astype("<i2").tobytes()
    )


def samples(pcm: bytes) -> NDArray[np.float64]:
    return np.frombuffer(pcm, "<i2").astype(np.float64)


@pytest.mark.parametrize(("source", "target"), RATES)
@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_a_tone_stays_what_it_is(source: int, target: int, share: float) -> None:
    hertz = share * min(source, target) / 2
    made = samples(RatioResampler(source, target).process(tone(source, hertz)))[500:]
    assert np.std(made) == pytest.approx(7071, rel=0.03)
    spectrum = np.abs(np.fft.rfft(made * np.hanning(len(made))))
    at = int(spectrum.argmax())
    assert at * target / len(made) == pytest.approx(hertz, abs=target / len(made))
    spectrum[max(0, at - 8) : at + 9] = 0
    assert spectrum.max() < 0.003 * 10000 * len(made) / 4


@pytest.mark.parametrize(("source", "target"), [(48000, 24000), (24000, 8000)])
@pytest.mark.parametrize("share", [1.1, 1.3, 1.9])
def test_what_the_lower_rate_cannot_hold_is_gone(source: int, target: int, share: float) -> None:
    made = samples(RatioResampler(source, target).process(tone(source, share * target / 2)))[500:]
    assert np.std(made) < 7071 * 0.005


@pytest.mark.parametrize(("source", "target"), RATES)
def test_every_chunk_comes_out_whole_and_soon(source: int, target: int) -> None:
    resampler = RatioResampler(source, target)
    quiet = resampler.process(bytes(source // 50 * 2))
    assert quiet == bytes(target // 50 * 2)
    click = np.zeros(source // 50, "<i2")
    click[0] = 20000
    made = samples(resampler.process(click.tobytes()))
    assert len(made) == target // 50
    assert np.abs(made).argmax() / target <= 12.5 / min(source, target)


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(RATES), st.lists(st.integers(0, 600), max_size=12))
def test_the_chunks_make_no_difference(rates: tuple[int, int], sizes: list[int]) -> None:
    noise = np.random.default_rng(1).integers(-20000, 20000, sum(sizes)).astype("<i2").tobytes()
    whole, parts = RatioResampler(*rates), RatioResampler(*rates)
    made, at = b"", 0
    for size in sizes:
        made += parts.process(noise[2 * at : 2 * (at + size)])
        at += size
    # Sums of another order differ in the last bit of float32, which may turn a rounding.
    once = samples(whole.process(noise))
    assert len(made) == 2 * len(once)
    assert np.abs(samples(made) - once).max(initial=0) <= 1
    assert len(once) == sum(sizes) * rates[1] // rates[0] or rates[0] > rates[1]


def test_the_loudest_sound_does_not_turn_over() -> None:
    square = np.repeat(np.tile(np.array([32767, -32768], "<i2"), 40), 60).tobytes()
    made = samples(RatioResampler(24000, 48000).process(square))
    assert np.abs(made).max() >= 32767
    assert np.corrcoef(made[24:], np.repeat(samples(square), 2)[:-24])[0, 1] > 0.95


def test_it_begins_anew() -> None:
    resampler = RatioResampler(48000, 24000)
    first = resampler.process(tone(48000, 300.0))
    resampler.reset()
    assert resampler.process(tone(48000, 300.0)) == first


@pytest.mark.parametrize("rates", [(48000, 32000), (0, 8000), (-8000, 8000), (22050, 24000)])
def test_other_ratios_are_refused(rates: tuple[int, int]) -> None:
    with pytest.raises(ConfigurationError, match="whole multiple"):
        RatioResampler(*rates)
