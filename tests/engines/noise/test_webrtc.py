"""WebRTC's noise suppression, measured on noise and tones."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import numpy as np
import pytest

from vivavoce.engines.noise.base import NoiseKind, NoiseReducer
from vivavoce.engines.noise.webrtc import WebRtcNoiseReducer
from vivavoce.errors import EngineError, MissingExtraError

if TYPE_CHECKING:
    from numpy.typing import NDArray

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif(
        importlib.util.find_spec("pywebrtc_audio") is None, reason="needs pywebrtc-audio: vivavoce[noise]"
    ),
]


def hiss(rate: int, seconds: float = 3.0, level: float = 300) -> NDArray[np.int16]:
    noise = np.random.default_rng(0).standard_normal(round(rate * seconds)) * level
    return noise.astype("<i2")


def filtered(
    samples: NDArray[np.int16], rate: int, kind: NoiseKind = "near_field", strength: float = 1.0
) -> NDArray[np.float64]:
    stream = WebRtcNoiseReducer().open(kind, strength, rate)
    size = rate // 100
    frames = [samples[start : start + size].tobytes() for start in range(0, len(samples), size)]
    heard = b"".join(stream.process(frame) for frame in frames)
    stream.close()
    stream.close()
    assert len(heard) == len(samples) * 2
    return np.frombuffer(heard, "<i2").astype(np.float64)


def db(samples: NDArray[np.floating] | NDArray[np.int16]) -> float:
    return float(20 * np.log10(samples[len(samples) // 2 :].astype(np.float64).std()))


@pytest.mark.parametrize("rate", [8000, 24000])
@pytest.mark.parametrize("kind", ["near_field", "far_field"])
def test_noise_becomes_quieter(rate: int, kind: NoiseKind) -> None:
    assert db(filtered(hiss(rate), rate, kind)) < db(hiss(rate)) - 4


def test_strength_goes_from_nothing_to_all() -> None:
    levels = [db(filtered(hiss(8000), 8000, strength=strength)) for strength in (0.0, 0.5, 1.0)]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] == pytest.approx(db(hiss(8000)), abs=0.1)
    assert levels[2] < levels[1] - 2


@pytest.mark.parametrize("rate", [8000, 24000])
def test_without_strength_the_audio_is_a_few_milliseconds_late_and_else_the_same(rate: int) -> None:
    samples = hiss(rate)
    heard = filtered(samples, rate, strength=0.0)
    late = int(np.flatnonzero(heard)[0])
    assert 5 <= late * 1000 / rate <= 10
    assert np.array_equal(heard[late:], samples[: len(samples) - late])


def test_a_mix_is_no_comb_filter() -> None:
    rate = 24000
    time = np.arange(rate * 2) / rate
    voice = (np.sin(2 * np.pi * 1200 * time) * (np.sin(2 * np.pi * 3 * time) > 0) * 8000).astype("<i2")
    levels = [db(filtered(voice, rate, strength=strength)) for strength in (0.0, 0.5, 1.0)]
    assert levels[1] == pytest.approx((levels[0] + levels[2]) / 2, abs=0.7)  # else they would cancel out


def test_a_quiet_voice_across_the_room_is_raised() -> None:
    rate = 24000
    time = np.arange(rate * 6) / rate
    pitch = 2 * np.pi * 130 * time + 3 * np.sin(2 * np.pi * 2 * time)
    buzz = sum(np.sin(pitch * harmonic) / harmonic for harmonic in range(1, 20))
    voice = (buzz * (np.sin(2 * np.pi * 2.5 * time) > -0.3) * 250).astype("<i2")
    assert db(filtered(voice, rate, "far_field")) > db(filtered(voice, rate, "near_field"))


def test_the_same_audio_gives_the_same_bytes() -> None:
    assert np.array_equal(filtered(hiss(8000), 8000), filtered(hiss(8000), 8000))


@pytest.mark.parametrize(
    ("kind", "rate"), [("outer_space", 8000), ("near_field", 7999), ("near_field", 4000)]
)
def test_what_it_cannot_do_is_refused(kind: NoiseKind, rate: int) -> None:
    with pytest.raises(EngineError, match=r"noise reduction .*(unknown|cannot work)"):
        WebRtcNoiseReducer().open(kind, 1.0, rate)


def test_a_frame_of_another_length_is_refused() -> None:
    with pytest.raises(EngineError, match="a frame has 80 samples, got 81"):
        WebRtcNoiseReducer().open("near_field", 1.0, 8000).process(bytes(162))


def test_it_fits_the_port() -> None:
    assert isinstance(WebRtcNoiseReducer(), NoiseReducer)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"vivavoce\[noise\]"):
        WebRtcNoiseReducer()
