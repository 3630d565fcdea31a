from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation.playback import TRACKS, Cut, Playback, RealtimePlaybackTracker, duration_ms
from vivavoce.protocol import PcmaFormat, PcmFormat, PcmuFormat

SECOND = 48_000  # bytes of PCM16 at 24 kHz


@pytest.mark.parametrize(
    ("size", "audio_format", "ms"),
    [
        (48_000, PcmFormat(), 1000.0),
        (960, PcmFormat(), 20.0),
        (8000, PcmuFormat(), 1000.0),
        (80, PcmaFormat(), 10.0),
    ],
)
def test_bytes_last_as_long_as_their_format_says(size: int, audio_format: PcmFormat, ms: float) -> None:
    assert duration_ms(size, audio_format) == ms


def cuts(playback: Playback, now: float) -> list[tuple[str, int]]:
    return [(cut.item_id, cut.heard_ms) for cut in playback.interrupt(now)]


def test_the_clock_plays_in_real_time_from_arrival() -> None:
    playback = Playback()
    playback.receive("a", 0, 2 * SECOND, now=10.0)
    assert playback.playing(10.0)
    assert playback.interrupt(10.75) == [Cut("a", 0, 750, 2000, finished=False)]
    assert not playback.playing(10.75)


def test_of_two_queued_items_the_heard_one_is_cut_where_the_ear_is_and_the_next_at_nothing() -> None:
    playback = Playback()
    for item in ("a", "b"):
        playback.receive(item, 0, SECOND, now=0.0)
        playback.finish(item)
    assert cuts(playback, 0.6) == [("a", 600), ("b", 0)]


def test_an_item_heard_to_its_end_is_not_cut() -> None:
    playback = Playback()
    for item in ("a", "b"):
        playback.receive(item, 0, SECOND, now=0.0)
        playback.finish(item, 0)
    assert cuts(playback, 1.5) == [("b", 500)]


def test_a_gap_in_the_network_is_not_heard() -> None:
    playback = Playback()
    playback.receive("a", 0, SECOND, now=0.0)
    playback.receive("a", 0, SECOND, now=5.0)
    assert cuts(playback, 5.25) == [("a", 1250)]


def test_between_two_chunks_the_agent_still_speaks() -> None:
    playback = Playback()
    playback.receive("a", 0, SECOND, now=0.0)
    assert playback.playing(3.0)
    playback.finish("a")
    assert not playback.playing(3.0)


def test_g711_is_counted_as_g711() -> None:
    playback = Playback()
    playback.set_format(PcmuFormat())
    playback.receive("a", 0, 8000, now=0.0)
    assert cuts(playback, 0.5) == [("a", 500)]


def test_a_tracker_knows_better_than_the_clock() -> None:
    tracker = RealtimePlaybackTracker()
    playback = Playback(tracker)
    playback.receive("a", 0, SECOND, now=0.0)
    playback.receive("b", 0, SECOND, now=0.0)
    playback.finish("a")
    tracker.on_play_bytes("a", 0, bytes(SECOND))
    tracker.on_play_ms("b", 0, 120)
    assert cuts(playback, 100.0) == [("b", 120)]


def test_late_reports_about_interrupted_audio_do_not_bring_it_back() -> None:
    tracker = RealtimePlaybackTracker()
    playback = Playback(tracker)
    playback.receive("a", 0, SECOND, now=0.0)
    playback.interrupt(0.1)
    tracker.on_play_ms("a", 0, 400)
    tracker.on_play_ms("never heard of", 0, 400)
    assert tracker.played_ms("a", 0) == 0
    playback.receive("b", 1, SECOND, now=1.0)
    assert cuts(playback, 1.5) == [("b", 0)]


def test_a_tracker_is_told_the_format() -> None:
    tracker = RealtimePlaybackTracker()
    playback = Playback(tracker)
    playback.set_format(PcmuFormat())
    playback.receive("a", 0, 8000, now=0.0)
    tracker.on_play_bytes("a", 0, bytes(4000))
    assert cuts(playback, 9.0) == [("a", 500)]


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 3 * SECOND), st.floats(0, 2)),
        min_size=1,
        max_size=20,
    ),
    st.floats(0, 5),
)
def test_never_more_is_heard_than_was_received_nor_than_time_has_passed(
    chunks: list[tuple[str, int, float]], later: float
) -> None:
    playback, now, received = Playback(), 0.0, 0.0
    for item, size, pause in chunks:
        now += pause
        playback.receive(item, 0, size, now)
        received += duration_ms(size, PcmFormat())
    made = playback.interrupt(now + later)
    assert all(0 <= cut.heard_ms <= cut.received_ms for cut in made)
    assert sum(cut.heard_ms for cut in made) <= min(received, (now + later) * 1000) + len(made)


def test_a_report_is_told_to_who_listens() -> None:
    tracker = RealtimePlaybackTracker()
    playback = Playback(tracker)
    told: list[float] = []
    tracker.tell(lambda: told.append(tracker.played_ms("a", 0)))
    tracker.on_play_ms("a", 0, 100)
    playback.receive("a", 0, SECOND, now=0.0)
    tracker.on_play_ms("a", 0, 400)
    tracker.tell(None)
    tracker.on_play_ms("a", 0, 100)
    assert told == [400]
    assert tracker.played_ms("a", 0) == 500


def test_parts_whose_ends_never_come_are_forgotten_one_by_one() -> None:
    tracker = RealtimePlaybackTracker()
    playback = Playback(tracker)
    for number in range(TRACKS + 1):
        playback.receive(f"m{number}", 0, SECOND, now=0.0)
    tracker.on_play_ms("m0", 0, 100)
    tracker.on_play_ms("m1", 0, 100)
    assert tracker.played_ms("m0", 0) == 0
    assert not playback.holds("m0", 0.0)
    assert cuts(playback, 0.0) == [("m1", 100), *((f"m{number}", 0) for number in range(2, TRACKS + 1))]
