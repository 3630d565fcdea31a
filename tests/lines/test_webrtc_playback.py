from __future__ import annotations

from vivavoce.lines import PlayedPiece
from vivavoce.lines.webrtc_playback import CUT_PARTS, CuttingTracker, PacedPlayback

FRAME = 960
"""Bytes of 20 ms."""


def tone(frames: float) -> bytes:
    return b"\x01\x00" * int(480 * frames)


def prepared(*items: str) -> tuple[CuttingTracker, PacedPlayback]:
    tracker = CuttingTracker()
    for item in items:
        tracker.expect(item, 0)
    return tracker, PacedPlayback(tracker)


def test_nothing_queued_is_nothing_to_send() -> None:
    _, playback = prepared()
    assert playback.pull().pcm == b""
    assert not playback.playing


def test_each_frame_is_20_ms_however_fast_speech_arrives_and_is_reported() -> None:
    tracker, playback = prepared("a")
    playback.pull()
    playback.play("a", 0, tone(2.5))
    assert [len(playback.pull().pcm) for _ in range(4)] == [FRAME, FRAME, FRAME, 0]
    assert tracker.played_ms("a", 0) == 50


def test_the_last_frame_is_filled_with_silence() -> None:
    _, playback = prepared("a")
    playback.play("a", 0, tone(0.5))
    assert playback.pull().pcm == tone(0.5) + bytes(FRAME // 2)


def test_clearing_is_silence_from_the_next_frame_on() -> None:
    tracker, playback = prepared("a", "b")
    playback.play("a", 0, tone(10))
    playback.pull()
    playback.clear()
    assert playback.pull().pcm == b""
    playback.play("b", 0, tone(1))
    assert playback.pull().pieces == (PlayedPiece("b", 0, 480, 480),)
    assert (tracker.played_ms("a", 0), tracker.played_ms("b", 0)) == (20, 20)


def test_what_the_session_has_cut_is_not_played_although_nobody_has_cleared_yet() -> None:
    tracker, playback = prepared("a", "b")
    playback.play("a", 0, tone(1.5))
    playback.play("b", 0, tone(1))
    assert playback.pull().pcm == tone(1)
    tracker.forget("a", 0)
    heard = playback.pull()
    assert heard.pcm == bytes(FRAME // 2) + tone(0.5)
    assert [piece.item_id for piece in heard.pieces] == ["b"]


def test_a_part_that_is_expected_again_is_played_again() -> None:
    tracker, playback = prepared("a")
    tracker.forget("a", 0)
    tracker.expect("a", 0)
    playback.play("a", 0, tone(1))
    assert playback.pull().pcm == tone(1)


def test_cut_parts_are_remembered_up_to_a_bound() -> None:
    tracker, _ = prepared()
    for index in range(CUT_PARTS + 1):
        tracker.forget("a", index)
    assert not tracker.is_cut("a", 0)
    assert tracker.is_cut("a", 1)


def test_without_a_session_all_is_played() -> None:
    playback = PacedPlayback(CuttingTracker())
    playback.play("a", 0, tone(1))
    assert playback.pull().pcm == tone(1)
