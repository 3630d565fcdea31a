"""Speech at another pace: as long as it should be, at the same pitch, whatever the pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vivavoce.audio.stretch import TimeStretch
from vivavoce.errors import AudioFormatError

RATES = st.sampled_from([8000, 16000, 22050, 24000])
SPEEDS = st.floats(0.25, 1.5)


def tone(rate: int, seconds: float, hertz: float, level: float = 8000.0) -> bytes:
    """A voice-like sound: a tone and its octave."""
    time = np.arange(round(rate * seconds)) / rate
    wave = np.sin(2 * np.pi * hertz * time) + 0.5 * np.sin(4 * np.pi * hertz * time)
    return (wave * level).astype("<i2").tobytes()


def stretched(pcm: bytes, rate: int, speed: float, piece: int = 1 << 20) -> bytes:
    stretch = TimeStretch(rate, speed)
    made = [stretch.process(pcm[at : at + piece]) for at in range(0, len(pcm), piece)]
    return b"".join(made) + stretch.flush()


def samples(pcm: bytes) -> NDArray[np.float64]:
    return np.frombuffer(pcm, "<i2").astype(np.float64)


def pitch(pcm: bytes, rate: int) -> float:
    """The frequency that is loudest."""
    wave = samples(pcm)
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave))))
    return float(np.fft.rfftfreq(len(wave), 1 / rate)[spectrum.argmax()])


@settings(max_examples=40, deadline=None)
@given(RATES, SPEEDS, st.floats(80.0, 400.0))
def test_length_and_pitch(rate: int, speed: float, hertz: float) -> None:
    spoken = tone(rate, 1.0, hertz)
    made = stretched(spoken, rate, speed)
    assert abs(len(made) / len(spoken) * speed - 1) < 0.001
    assert pitch(made, rate) == pytest.approx(hertz, rel=0.03)


@settings(max_examples=40, deadline=None)
@given(RATES, SPEEDS, st.integers(1, 5000), st.integers(0, 9000))
def test_the_pieces_make_no_difference(rate: int, speed: float, piece: int, size: int) -> None:
    noise = np.random.default_rng(size).integers(-9000, 9000, size).astype("<i2").tobytes()
    whole = stretched(noise, rate, speed)
    assert stretched(noise, rate, speed, piece) == whole
    assert abs(len(whole) // 2 - size / speed) <= 1


@pytest.mark.parametrize("speed", [0.25, 0.5, 0.8, 1.25, 1.5])
def test_a_tone_stays_as_even_as_it_was(speed: float) -> None:
    made = samples(stretched(tone(24000, 2.0, 140.0), 24000, speed))[1200:-1200]
    loudness = [float(np.std(part)) for part in np.array_split(made, 40)]
    assert max(loudness) < 1.1 * min(loudness)


def test_at_its_own_pace_sound_hardly_changes() -> None:
    spoken = tone(16000, 1.0, 150.0)
    difference = samples(stretched(spoken, 16000, 1.0)) - samples(spoken)
    assert np.abs(difference[:-800]).max() < 200


def test_the_loudest_sound_does_not_turn_over() -> None:
    loud = tone(8000, 0.5, 200.0, 21_000.0)
    assert np.abs(np.diff(samples(stretched(loud, 8000, 0.7)))).max() < 32_768


def test_a_stretcher_begins_anew_after_the_end() -> None:
    stretch = TimeStretch(8000, 0.8)
    spoken = tone(8000, 0.3, 200.0)
    first = stretch.process(spoken) + stretch.flush()
    assert stretch.process(b"\1") == stretch.flush() == b""
    assert stretch.process(spoken) + stretch.flush() == first


def test_what_is_long_is_not_kept() -> None:
    stretch = TimeStretch(8000, 1.25)
    for _ in range(50):
        stretch.process(tone(8000, 0.2, 200.0))
        assert len(stretch._input) < 8000 * 0.3


@pytest.mark.parametrize("speed", [0.24, 2.01, 0.0, -1.0, float("nan")])
def test_a_pace_has_bounds(speed: float) -> None:
    with pytest.raises(AudioFormatError, match="speed must be between"):
        TimeStretch(8000, speed)
