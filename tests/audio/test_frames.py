from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.audio.frames import FrameSplitter, duration_ms, ms_to_bytes, whole_samples
from vivavoce.errors import ConfigurationError

RATES = st.sampled_from([8000, 11025, 16000, 22050, 24000, 44100, 48000])


@pytest.mark.parametrize(
    ("nbytes", "rate", "width", "expected"),
    [
        (960, 24000, 2, 20),
        (959, 24000, 2, 19),
        (160, 8000, 1, 20),
        (47, 24000, 2, 0),
        (0, 16000, 2, 0),
        (2 * 22050, 22050, 2, 1000),
    ],
)
def test_duration_rounds_down(nbytes: int, rate: int, width: int, expected: int) -> None:
    assert duration_ms(nbytes, rate, width) == expected


@pytest.mark.parametrize(
    ("ms", "rate", "width", "expected"),
    [(20, 24000, 2, 960), (20, 8000, 1, 160), (1, 22050, 2, 44), (0, 16000, 2, 0)],
)
def test_milliseconds_become_whole_samples(ms: int, rate: int, width: int, expected: int) -> None:
    assert ms_to_bytes(ms, rate, width) == expected


@given(ms=st.integers(0, 10**7), rate=RATES, width=st.sampled_from([1, 2]))
def test_a_position_never_points_past_the_audio(ms: int, rate: int, width: int) -> None:
    nbytes = ms_to_bytes(ms, rate, width)
    assert nbytes % width == 0
    assert ms - 1 <= duration_ms(nbytes, rate, width) <= ms


@given(nbytes=st.integers(0, 10**9), rate=RATES, width=st.sampled_from([1, 2]))
def test_a_duration_never_needs_more_bytes_than_there_are(nbytes: int, rate: int, width: int) -> None:
    assert ms_to_bytes(duration_ms(nbytes, rate, width), rate, width) <= nbytes


@pytest.mark.parametrize(
    ("nbytes", "width", "expected"), [(5, 2, 4), (4, 2, 4), (7, 4, 4), (3, 1, 3), (1, 2, 0)]
)
def test_whole_samples(nbytes: int, width: int, expected: int) -> None:
    assert whole_samples(nbytes, width) == expected


@given(chunks=st.lists(st.binary(max_size=70)), size=st.integers(1, 40))
def test_splitting_loses_and_invents_nothing(chunks: list[bytes], size: int) -> None:
    splitter = FrameSplitter(size)
    frames: list[bytes] = []
    for chunk in chunks:
        frames += splitter.push(chunk)
        assert splitter.pending < size
    assert all(len(frame) == size for frame in frames)
    assert b"".join(frames) + splitter.flush() == b"".join(chunks)
    assert splitter.pending == 0


def test_flush_fills_the_last_frame_when_asked() -> None:
    splitter = FrameSplitter(4)
    assert splitter.push(b"abcdef") == [b"abcd"]
    assert splitter.pending == 2
    assert splitter.flush(b"\0") == b"ef\0\0"
    assert splitter.flush(b"\0") == b""
    assert splitter.push(b"wxyz") == [b"wxyz"]


def test_a_frame_needs_a_size() -> None:
    with pytest.raises(ConfigurationError, match="frame_bytes must be at least 1, got 0"):
        FrameSplitter(0)
