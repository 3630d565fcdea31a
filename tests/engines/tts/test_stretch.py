"""Slower speech at the same pitch."""

from __future__ import annotations

import numpy as np
import pytest

from vivavoce.engines.tts.stretch import stretch

RATE = 24_000
TONE = (0.5 * np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE)).astype(np.float32)


@pytest.mark.parametrize("factor", [1.2, 1.5, 2.0, 0.8])
def test_the_length_changes_and_the_pitch_does_not(factor: float) -> None:
    slow = stretch(TONE, factor, RATE)
    assert len(slow) == int(RATE * factor)
    spectrum = np.abs(np.fft.rfft(slow))
    assert np.argmax(spectrum) / factor == pytest.approx(200, abs=2)
    middle = slow[RATE // 10 : -RATE // 10]
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.05)
    assert np.max(np.abs(np.diff(middle))) < 0.05  # no clicks


def test_what_needs_no_stretching_stays_as_it_is() -> None:
    assert stretch(TONE, 1.0, RATE) is TONE
    assert stretch(TONE[:100], 2.0, RATE).tolist() == TONE[:100].tolist()


def test_silence_stays_silent() -> None:
    assert not stretch(np.zeros(RATE, np.float32), 2.0, RATE).any()
