"""Where somebody spoke, on tones in noise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engines.stt.speech_span import BYTES_PER_MS, LEAD_MS, TAIL_MS, SpeechSpan


def sound(ms: int, level: float) -> bytes:
    """A tone of 500 Hz with this amplitude, of 32768."""
    time = np.arange(ms * 16) / 16_000
    return np.round(level * np.sin(2 * np.pi * 500 * time)).astype("<i2").tobytes()


def listen(*pieces: bytes, block_ms: int = 100) -> SpeechSpan:
    span = SpeechSpan()
    pcm = b"".join(pieces)
    for start in range(0, len(pcm), block_ms * BYTES_PER_MS):
        span.add(pcm[start : start + block_ms * BYTES_PER_MS])
    return span


def bounds_ms(span: SpeechSpan) -> tuple[int, int]:
    start, end = span.bounds
    return start // BYTES_PER_MS, end // BYTES_PER_MS


@pytest.mark.parametrize("pcm", [b"", bytes(2), bytes(32_000), sound(1000, 12)])
def test_silence_has_no_speech(pcm: bytes) -> None:
    span = listen(pcm)
    assert span.bounds == (0, 0)
    assert span.speech() == b""
    assert not span.settled
    assert span.pause_ms == span.milliseconds == len(pcm) // BYTES_PER_MS


def test_the_part_is_the_speech_and_a_little_silence_on_both_sides() -> None:
    pieces = sound(1000, 5), sound(600, 5000), sound(1000, 5)
    span = listen(*pieces)
    assert bounds_ms(span) == (1000 - LEAD_MS, 1600 + TAIL_MS)
    start, end = span.bounds
    assert span.speech() == b"".join(pieces)[start:end]
    assert span.pause_ms == 1000
    assert span.settled


def test_speech_at_the_edges_keeps_what_there_is() -> None:
    span = listen(sound(600, 5000), sound(100, 5))
    assert bounds_ms(span) == (0, 700)
    assert not span.settled


def test_background_25_db_below_the_speech_is_a_pause_whatever_the_volume() -> None:
    for volume in (0.1, 1.0, 6.0):
        span = listen(sound(1000, 200 * volume), sound(600, 5000 * volume), sound(500, 200 * volume))
        assert bounds_ms(span) == (700, 1850)


def test_a_click_does_not_make_the_speech_a_pause() -> None:
    span = listen(sound(50, 30_000), sound(400, 0), sound(600, 500), sound(500, 0))
    assert bounds_ms(span)[1] == 1050 + TAIL_MS


@given(tail_ms=st.integers(TAIL_MS, 2000), block_ms=st.integers(1, 30).map(lambda tens: 10 * tens))
def test_more_silence_moves_nothing(tail_ms: int, block_ms: int) -> None:
    speech = sound(400, 5) + sound(600, 5000)
    assert bounds_ms(listen(speech, bytes(tail_ms * BYTES_PER_MS), block_ms=block_ms)) == (100, 1250)
