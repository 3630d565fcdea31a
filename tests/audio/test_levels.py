from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.audio.levels import SILENCE_DBFS, peak, peak_dbfs, rms_dbfs, voiced_spans
from vivavoce.errors import ConfigurationError


def tone(amplitude: float, ms: int, rate: int = 16000) -> bytes:
    time = np.arange(rate * ms // 1000) / rate
    return (amplitude * np.sin(2 * np.pi * 500 * time)).astype("<i2").tobytes()


def quiet(ms: int, rate: int = 16000) -> bytes:
    return bytes(2 * (rate * ms // 1000))


def test_full_scale_square_wave_is_zero_dbfs() -> None:
    assert rms_dbfs(b"\x00\x80" * 100) == 0.0
    assert peak_dbfs(b"\x00\x80") == 0.0
    assert peak(b"\x00\x80") == 32768


def test_sine_is_three_decibels_below_its_peak() -> None:
    pcm = tone(16384, 1000)
    assert peak_dbfs(pcm) == pytest.approx(-6.02, abs=0.01)
    assert rms_dbfs(pcm) == pytest.approx(-9.03, abs=0.01)


@pytest.mark.parametrize("pcm", [b"", b"\1", bytes(320)])
def test_nothing_and_silence_have_the_lowest_level(pcm: bytes) -> None:
    assert rms_dbfs(pcm) == SILENCE_DBFS
    assert peak_dbfs(pcm) == SILENCE_DBFS
    assert peak(pcm) == 0


@given(pcm=st.binary(min_size=2, max_size=600))
def test_levels_stay_in_range(pcm: bytes) -> None:
    assert SILENCE_DBFS <= rms_dbfs(pcm) <= peak_dbfs(pcm) + 1e-9 <= 1e-9


def test_spans_are_where_it_is_loud() -> None:
    pcm = quiet(100) + tone(8000, 300) + quiet(500) + tone(8000, 200)
    assert voiced_spans(pcm, 16000) == [(100, 400), (900, 1100)]


def test_short_gaps_do_not_split_a_span() -> None:
    pcm = tone(8000, 100) + quiet(180) + tone(8000, 100) + quiet(200) + tone(8000, 100)
    assert voiced_spans(pcm, 16000) == [(0, 380), (580, 680)]
    assert voiced_spans(pcm, 16000, join_ms=0) == [(0, 100), (280, 380), (580, 680)]


def test_last_frame_may_be_shorter_and_half_a_sample_is_ignored() -> None:
    assert voiced_spans(tone(8000, 30) + b"\7", 16000) == [(0, 30)]


def test_threshold_decides() -> None:
    pcm = tone(100, 100)  # about -53 dBFS
    assert voiced_spans(pcm, 16000) == []
    assert voiced_spans(pcm, 16000, -60.0) == [(0, 100)]


def test_no_audio_has_no_spans() -> None:
    assert voiced_spans(b"", 16000) == []


def test_a_frame_must_hold_a_sample() -> None:
    with pytest.raises(ConfigurationError, match="frame_ms=0 at 16000 Hz"):
        voiced_spans(quiet(20), 16000, frame_ms=0)
