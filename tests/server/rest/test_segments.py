"""Cutting a recording where nobody speaks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.server.rest.segments import MAX_SEGMENT_S, PADDING_S, Segment, cut

CHUNK = 0.1


def said(*lengths: float) -> list[float]:
    """Silence, speech, silence … of these lengths, in seconds."""
    return [float(index % 2) for index, length in enumerate(lengths) for _ in range(round(length / CHUNK))]


def shown(segments: list[Segment]) -> list[tuple[float, float]]:
    return [(round(segment.start, 3), round(segment.end, 3)) for segment in segments]


def test_silence_has_no_segments() -> None:
    assert cut(said(5), CHUNK, 5.0) == []
    assert cut([], CHUNK, 0.0) == []


def test_a_long_pause_ends_a_segment_and_a_short_one_does_not() -> None:
    segments = cut(said(1, 2, 0.4, 1, 1, 0.5), CHUNK, 5.9)
    assert shown(segments) == [(0.8, 4.6), (5.2, 5.9)]
    assert segments[0].no_speech == pytest.approx(4 / 34)
    assert segments[1].no_speech == 0.0


def test_speech_from_the_first_to_the_last_moment_is_one_segment() -> None:
    assert shown(cut(said(0, 3), CHUNK, 3.0)) == [(0.0, 3.0)]


def test_speech_without_a_pause_is_cut_where_it_is_faintest() -> None:
    chunks = said(0, 40)
    chunks[220] = 0.6
    segments = cut(chunks, CHUNK, 40.0)
    assert shown(segments) == [(0.0, 22.0), (22.0, 40.0)]


def test_a_cut_in_a_short_silence_leaves_no_empty_segment() -> None:
    chunks = said(0, 24.6, 10)
    assert shown(cut(chunks, CHUNK, 34.6)) == [(0.0, 24.6)]


@given(
    st.lists(st.floats(0, 1), max_size=900),
    st.sampled_from([0.032, 0.1, 0.5]),
)
def test_segments_are_in_order_and_hold_all_speech(probabilities: list[float], chunk: float) -> None:
    total = len(probabilities) * chunk
    segments = cut(probabilities, chunk, total)
    before = 0.0
    for segment in segments:
        assert before - 1e-9 <= segment.start < segment.end <= total + 1e-9
        assert segment.end - segment.start <= MAX_SEGMENT_S + 2 * PADDING_S + chunk
        assert 0.0 <= segment.no_speech <= 1.0
        before = segment.end
    for index, probability in enumerate(probabilities):
        if probability >= 0.5:
            middle = (index + 0.5) * chunk
            assert any(segment.start <= middle <= segment.end for segment in segments)
