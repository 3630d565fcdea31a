"""What the sound of an end says, on tones whose pitch and loudness are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engines.turn.prosody import NAMES, RATE, prosody_features


def voice(*hertz: float, fall_db: float = 0.0, ms: int = 800, pause_ms: int = 200, noise: float = 5) -> bytes:
    """A buzz with harmonics whose pitch goes through these heights, and a pause."""
    count = RATE * ms // 1000
    pitch = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(hertz)), hertz)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    buzz = sum(np.sin(phase * harmonic) / harmonic for harmonic in range(1, 8))
    loudness = 10 ** (-np.linspace(0, fall_db, count) / 20)
    whole = np.concatenate([2000 * buzz * loudness, np.zeros(RATE * pause_ms // 1000)])
    whole += np.random.default_rng(0).standard_normal(len(whole)) * noise
    return bytes(whole.astype("<i2").tobytes())


def heard(pcm: bytes) -> dict[str, float]:
    return dict(zip(NAMES, prosody_features(pcm), strict=True))


def test_a_falling_voice_ends_low() -> None:
    level, falling, rising = (heard(voice(*pitch)) for pitch in [(150, 150), (200, 100), (100, 200)])
    assert abs(level["final_pitch"]) < 0.1
    assert abs(level["pitch_slope"]) < 0.1
    assert falling["final_pitch"] < -0.5 < 0.5 < rising["final_pitch"]
    assert falling["pitch_slope"] < -0.3 < 0.3 < rising["pitch_slope"]
    assert level["pitch_span"] < 0.1 < falling["pitch_span"]


@pytest.mark.parametrize("hertz", [80.0, 120.0, 220.0, 380.0])
def test_every_voice_is_measured_by_its_own_height(hertz: float) -> None:
    features = heard(voice(hertz, hertz))
    assert features["no_pitch"] == 0
    assert abs(features["final_pitch"]) < 0.2
    assert features["final_voiced"] > 1


def test_a_voice_that_dies_away_is_told_from_one_that_breaks_off() -> None:
    steady, dying = heard(voice(150, 150)), heard(voice(150, 150, fall_db=20))
    assert dying["final_loudness"] < steady["final_loudness"] - 0.3
    assert dying["loudness_slope"] < steady["loudness_slope"]


def test_the_volume_does_not_matter() -> None:
    loud = voice(200, 100, noise=0)
    quiet = (np.frombuffer(loud, "<i2") // 4).astype("<i2").tobytes()
    assert heard(quiet) == pytest.approx(heard(loud), abs=0.1)


def test_noise_in_the_pause_is_not_taken_for_the_end_of_the_speech() -> None:
    clean, noisy = heard(voice(200, 100)), heard(voice(200, 100, noise=250))
    assert noisy["final_pitch"] == pytest.approx(clean["final_pitch"], abs=0.3)
    assert noisy["final_loudness"] == pytest.approx(clean["final_loudness"], abs=0.3)


def test_noise_has_no_pitch() -> None:
    hiss = np.random.default_rng(1).standard_normal(RATE) * 3000
    features = heard(hiss.astype("<i2").tobytes())
    assert (features["silent"], features["no_pitch"], features["final_voiced"]) == (0, 1, 0)


@pytest.mark.parametrize("pcm", [b"", bytes(100), bytes(16_000)])
def test_silence_is_told(pcm: bytes) -> None:
    assert heard(pcm) == dict.fromkeys(NAMES, 0.0) | {"silent": 1.0}


@given(st.binary(max_size=4000).map(lambda data: data[: len(data) // 2 * 2]))
def test_whatever_comes_is_measured(pcm: bytes) -> None:
    features = prosody_features(pcm)
    assert len(features) == len(NAMES)
    assert all(abs(feature) < 20 for feature in features)
