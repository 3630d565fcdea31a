from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.lines import PlaybackBuffer, PlayedPiece, playback

RATE = 1000
"""One sample is one millisecond."""


def tone(samples: int, value: int = 1) -> bytes:
    return value.to_bytes(2, "little") * samples


def test_what_is_queued_is_heard_from_then_on_and_silence_around_it() -> None:
    buffer = PlaybackBuffer(RATE, now=10.0)
    buffer.write("a", 0, tone(3), now=10.005)
    heard = buffer.read(now=10.010)
    assert heard.pcm == tone(5, 0) + tone(3) + tone(2, 0)
    assert heard.pieces == (PlayedPiece("a", 0, start=5, samples=3),)


def test_only_what_time_allows_is_heard_yet() -> None:
    buffer = PlaybackBuffer(RATE, now=0.0)
    buffer.write("a", 0, tone(10), now=0.0)
    assert buffer.read(now=0.004).pcm == tone(4)
    assert buffer.playing
    assert buffer.read(now=0.004).pcm == b""
    assert buffer.read(now=0.020).pcm == tone(6) + tone(10, 0)
    assert not buffer.playing


def test_pieces_of_one_message_without_a_gap_are_one() -> None:
    buffer = PlaybackBuffer(RATE, now=0.0)
    buffer.write("a", 0, tone(4), now=0.0)
    buffer.write("a", 0, tone(4), now=0.0)
    buffer.write("b", 0, tone(2), now=0.0)
    assert buffer.read(now=0.010).pieces == (
        PlayedPiece("a", 0, start=0, samples=8),
        PlayedPiece("b", 0, start=8, samples=2),
    )


def test_a_gap_in_a_message_makes_two_pieces() -> None:
    buffer = PlaybackBuffer(RATE, now=0.0)
    buffer.write("a", 0, tone(2), now=0.0)
    buffer.write("a", 0, tone(2), now=0.005)
    assert buffer.read(now=0.010).pieces == (
        PlayedPiece("a", 0, start=0, samples=2),
        PlayedPiece("a", 0, start=5, samples=2),
    )


def test_clear_stops_at_the_very_sample() -> None:
    buffer = PlaybackBuffer(RATE, now=0.0)
    buffer.write("a", 0, tone(100), now=0.0)
    buffer.clear(now=0.007)
    assert buffer.position == 7
    assert not buffer.playing
    assert buffer.read(now=0.010).pcm == tone(7) + tone(3, 0)


def test_half_a_sample_waits_for_its_other_half() -> None:
    buffer = PlaybackBuffer(RATE, now=0.0)
    buffer.write("a", 0, b"\x01", now=0.0)
    assert not buffer.playing
    buffer.write("a", 0, b"\x00\x01", now=0.0)
    assert buffer.read(now=0.001).pcm == tone(1)


def test_half_a_sample_is_forgotten_with_what_is_cleared() -> None:
    buffer = PlaybackBuffer(RATE, now=0.0)
    buffer.write("a", 0, b"\x01", now=0.0)
    buffer.clear(now=0.0)
    buffer.write("b", 0, tone(1, 7), now=0.0)
    assert buffer.read(now=0.001).pcm == tone(1, 7)


def test_a_full_queue_drops_what_comes_and_says_how_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playback, "QUEUE_S", 1)
    buffer = PlaybackBuffer(10, now=0.0)
    assert buffer.write("a", 0, tone(8), now=0.0) == 0
    assert buffer.write("a", 0, tone(8), now=0.0) == 12
    assert buffer.write("a", 0, tone(8), now=0.0) == 16
    assert buffer.read(now=1.5).pcm == tone(10) + tone(5, 0)
    assert buffer.write("a", 0, tone(8), now=1.5) == 0


@given(
    st.lists(
        st.tuples(st.sampled_from(["write", "clear", "read"]), st.integers(0, 30), st.integers(0, 50)),
        max_size=40,
    )
)
def test_every_sample_of_the_line_is_heard_exactly_once(steps: list[tuple[str, int, int]]) -> None:
    buffer = PlaybackBuffer(RATE, now=5.0)
    now, pcm, played = 5.0, b"", 0
    for step, pause, samples in steps:
        now += pause / 1000
        if step == "write":
            buffer.write(f"item{samples}", 0, tone(samples), now)
        elif step == "clear":
            buffer.clear(now)
        else:
            heard = buffer.read(now)
            pcm += heard.pcm
            for piece in heard.pieces:
                stretch = pcm[piece.start * 2 : (piece.start + piece.samples) * 2]
                assert stretch == tone(piece.samples)
                played += piece.samples
    pcm += (rest := buffer.read(now)).pcm
    played += sum(piece.samples for piece in rest.pieces)
    assert len(pcm) == 2 * round((now - 5.0) * RATE)
    assert pcm.count(b"\x01") == played
