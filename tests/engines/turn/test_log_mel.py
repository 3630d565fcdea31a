"""Whisper's spectrogram, on tones whose place in it is known, and beside another implementation."""

from __future__ import annotations

import numpy as np
import pytest

from vivavoce.engines.turn.log_mel import BANDS, RATE, log_mel


def tone(hertz: float, seconds: float = 1.0) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    time = np.arange(round(RATE * seconds)) / RATE
    return (np.sin(2 * np.pi * hertz * time) * 0.5).astype(np.float32)


def test_there_is_a_column_for_every_hundredth_of_a_second() -> None:
    spectrogram = log_mel(tone(440, 8.0))
    assert spectrogram.shape == (BANDS, 800)
    assert spectrogram.dtype == np.float32


@pytest.mark.parametrize(("hertz", "band"), [(110, 2), (440, 11), (1000, 26), (4000, 62)])
def test_a_tone_stands_where_slaney_puts_it(hertz: float, band: int) -> None:
    loudest = log_mel(tone(hertz))[:, 10:-10].argmax(axis=0)
    assert set(loudest.tolist()) <= {band - 1, band, band + 1}


def test_what_is_eighty_decibels_down_is_all_the_same() -> None:
    spectrogram = log_mel(np.concatenate([tone(440), np.zeros(RATE, np.float32)]))
    assert spectrogram[:, -20:].min() == spectrogram[:, -20:].max() == spectrogram.min()
    assert spectrogram.max() - spectrogram.min() == pytest.approx(2.0)


def test_it_is_what_faster_whisper_computes() -> None:
    extractor = pytest.importorskip("faster_whisper.feature_extractor", reason="needs faster-whisper")
    samples = np.random.default_rng(0).standard_normal(RATE * 8).astype(np.float32) * 0.1
    other = extractor.FeatureExtractor()(samples, padding=0)[:, :800]
    assert np.abs(log_mel(samples) - other).max() < 1e-5
