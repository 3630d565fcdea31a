from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.observe.tracks import Track, TwoTracks

RATE = 100


def pcm(value: int, samples: int) -> bytes:
    return np.full(samples, value, "<i2").tobytes()


def sides(stereo: bytes) -> tuple[list[int], list[int]]:
    pairs = np.frombuffer(stereo, "<i2").reshape(-1, 2)
    return pairs[:, 0].tolist(), pairs[:, 1].tolist()


def spans(samples: list[int]) -> list[tuple[int, int, int]]:
    """Return ``(value, first, last + 1)`` of every run of equal samples that is not silence."""
    runs: list[tuple[int, int, int]] = []
    for index, value in enumerate(samples):
        if value and runs and runs[-1][0] == value and runs[-1][2] == index:
            runs[-1] = (value, runs[-1][1], index + 1)
        elif value:
            runs.append((value, index, index + 1))
    return runs


def test_the_agent_plays_from_its_arrival_on_without_a_gap() -> None:
    tracks = TwoTracks(RATE)
    tracks.agent(pcm(1, 50), 1.0)
    tracks.agent(pcm(2, 50), 1.1)  # faster than it is played
    tracks.agent(pcm(3, 10), 5.0)
    _, agent = sides(tracks.finish(6.0))
    assert spans(agent) == [(1, 100, 150), (2, 150, 200), (3, 500, 510)]
    assert len(agent) == 600


def test_an_interruption_ends_it_at_the_very_sample() -> None:
    tracks = TwoTracks(RATE)
    tracks.agent(pcm(1, 500), 1.0)
    tracks.interrupt(2.5)
    tracks.agent(pcm(2, 10), 3.0)
    assert spans(sides(tracks.finish(4.0))[1]) == [(1, 100, 250), (2, 300, 310)]


def test_the_person_is_where_they_spoke() -> None:
    tracks = TwoTracks(RATE)
    for frame in range(1, 11):
        tracks.person(pcm(1, 2), frame * 0.02)
    tracks.person(pcm(2, 2), 3.0)  # they were muted meanwhile
    assert spans(sides(tracks.finish(3.5))[0]) == [(1, 0, 20), (2, 298, 300)]


def test_pieces_that_come_a_little_late_close_up() -> None:
    tracks = TwoTracks(RATE, late_s=0.25)
    tracks.person(pcm(1, 2), 0.02)
    tracks.person(pcm(2, 2), 0.2)
    tracks.person(pcm(3, 2), 0.21)
    assert spans(sides(tracks.finish(1.0))[0]) == [(1, 0, 2), (2, 2, 4), (3, 4, 6)]


def test_a_file_that_is_sent_at_once_is_kept_whole() -> None:
    tracks = TwoTracks(RATE)
    for _ in range(10):
        tracks.person(pcm(1, 100), 0.0)
    assert spans(sides(tracks.finish(0.5))[0]) == [(1, 0, 1000)]


def test_what_is_taken_early_is_the_same_as_what_is_taken_at_once() -> None:
    def play(tracks: TwoTracks, step: bool) -> bytes:
        out = b""
        for tick in range(1, 200):
            now = tick / 10
            tracks.person(pcm(tick, 10), now)
            if tick % 30 == 0:
                tracks.agent(pcm(1000 + tick, 250), now)
            if tick % 70 == 0:
                tracks.interrupt(now)
            out += tracks.take(now) if step else b""
        return out + tracks.finish(20.0)

    assert play(TwoTracks(RATE), step=True) == play(TwoTracks(RATE), step=False)


def test_memory_is_bounded_and_what_is_lost_is_counted() -> None:
    tracks = TwoTracks(RATE, ahead_s=1.0)
    tracks.agent(pcm(1, 150), 0.0)
    assert tracks.dropped_samples == 50
    tracks.agent(pcm(2, 10), 5.0)  # nothing was taken since: no room so far ahead
    assert tracks.dropped_samples == 60
    tracks.take(5.0)
    tracks.agent(pcm(3, 10), 5.0)
    assert tracks.dropped_samples == 60


@given(
    st.lists(
        st.tuples(st.sampled_from(["place", "cut", "take"]), st.integers(0, 60), st.integers(0, 20)),
        max_size=40,
    )
)
def test_a_track_gives_every_sample_once_and_in_order(steps: list[tuple[str, int, int]]) -> None:
    track, taken = Track(limit=50), b""
    for verb, at, samples in steps:
        if verb == "place":
            track.place(at, pcm(7, samples))
        elif verb == "cut":
            track.cut(at)
        else:
            taken += track.take(at)
            assert track.position >= at
        assert len(taken) == track.position * 2
        assert track.position <= track.end <= track.position + 50


@pytest.mark.parametrize("at", [0, 5])
def test_nothing_changes_before_the_position(at: int) -> None:
    track = Track(limit=50)
    track.place(0, pcm(1, 10))
    track.take(10)
    track.cut(at)
    track.place(at, pcm(2, 5))
    assert np.frombuffer(track.take(20), "<i2").tolist() == [2] * 5 + [0] * 5
