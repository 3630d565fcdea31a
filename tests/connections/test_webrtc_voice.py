from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.audio.g711 import encode_ulaw
from vivavoce.connections.webrtc_voice import (
    FRAME_BYTES,
    LATE_MS,
    LONGEST_PAUSE_MS,
    PATIENCE,
    SETTLE_FRAMES,
    OutgoingVoice,
    is_silent,
)
from vivavoce.protocol import PcmuFormat

SILENCE = bytes(FRAME_BYTES)


def loud(ms: float, level: int = 5000) -> bytes:
    return np.full(round(ms * 24), level, "<i2").tobytes()


def drain(voice: OutgoingVoice, pulls: int = 3000) -> tuple[list[bytes], list[tuple[int, str]]]:
    """Pull until nothing is left: the frames, and each message with the number of frames before it."""
    frames: list[bytes] = []
    messages: list[tuple[int, str]] = []
    for _ in range(pulls):
        frame, due = voice.pull()
        messages += [(len(frames), text) for text in due]
        if frame:
            frames.append(frame)
        if not frame and not voice.queued_ms and not voice.messages:
            break
    return frames, messages


@given(sizes=st.lists(st.integers(0, 5000), max_size=20))
def test_what_is_pushed_comes_out_in_frames_whatever_its_pieces(sizes: list[int]) -> None:
    voice = OutgoingVoice()
    sound = np.random.default_rng(1).integers(1000, 9000, sum(sizes) // 2 + 1).astype("<i2").tobytes()
    at = 0
    for size in sizes:
        voice.push(sound[at : at + size])
        at += size
    frames = [voice.pull()[0] for _ in range(voice.queued_ms // 20 + PATIENCE + 2)]
    assert {len(frame) for frame in frames} <= {0, FRAME_BYTES}
    whole = at - at % 2
    assert b"".join(frames) == sound[:whole] + bytes(-whole % FRAME_BYTES)


def test_an_empty_queue_is_silence() -> None:
    assert OutgoingVoice().pull() == (b"", [])


def test_the_rest_of_a_frame_waits_a_moment_for_more() -> None:
    voice = OutgoingVoice()
    voice.push(loud(30))
    assert voice.pull()[0] == loud(20)
    assert voice.pull()[0] == b""
    voice.push(loud(10))  # in time: no hole in the middle of a word
    assert voice.pull()[0] == loud(20)
    voice.push(loud(10))
    assert [voice.pull()[0] for _ in range(PATIENCE)] == [b""] * PATIENCE
    assert voice.pull()[0] == loud(10) + bytes(480)
    assert voice.pull()[0] == b""


def test_messages_follow_the_speech_before_them_and_the_time_it_takes_to_arrive() -> None:
    voice = OutgoingVoice()
    voice.push(loud(50))
    voice.follow("commit")
    voice.follow("create", settle=False)
    assert (voice.messages, voice.queued_ms) == (2, 60 + SETTLE_FRAMES * 20)
    voice.push(loud(20))
    frames, messages = drain(voice)
    assert messages == [(3 + SETTLE_FRAMES, "commit"), (3 + SETTLE_FRAMES, "create")]
    assert frames[2] == loud(10) + bytes(480)
    assert frames[-1] == loud(20)
    assert voice.messages == 0


def test_a_commit_of_nothing_is_sent_all_the_same() -> None:
    voice = OutgoingVoice()
    voice.follow("commit")
    assert drain(voice)[1] == [(SETTLE_FRAMES, "commit")]


def test_clear_throws_away_speech_and_keeps_messages() -> None:
    voice = OutgoingVoice()
    voice.push(loud(110))
    voice.follow("commit")
    voice.push(loud(30))
    voice.clear()
    assert voice.queued_ms == 0
    assert drain(voice) == ([], [(0, "commit")])
    voice.push(loud(20))
    assert voice.pull()[0] == loud(20)


def test_telephone_audio_becomes_wide() -> None:
    voice = OutgoingVoice()
    voice.set_format(PcmuFormat())
    voice.set_format(PcmuFormat())
    tone = (8000 * np.sin(np.arange(8000) * 2 * np.pi * 400 / 8000)).astype("<i2").tobytes()
    [piece] = voice.pieces(encode_ulaw(tone))
    voice.push(piece)
    heard = np.frombuffer(b"".join(drain(voice)[0]), "<i2")
    loudest = np.abs(np.fft.rfft(heard)).argmax()
    assert loudest * 24_000 / len(heard) == pytest.approx(400, abs=2)
    voice.set_format(None)
    assert len(voice.pieces(bytes(48_001))) == 2


def test_a_queue_that_is_late_shortens_long_pauses_and_nothing_else() -> None:
    voice = OutgoingVoice()
    for _ in range(2):
        voice.push(loud(500) + SILENCE * 100 + loud(500) + SILENCE * 20)
    voice.push(loud(2000))
    frames, _ = drain(voice)
    assert frames.count(loud(20)) == 200
    assert frames.count(SILENCE) == 2 * 20 + 2 * LONGEST_PAUSE_MS // 20


def test_a_queue_in_time_keeps_its_pauses() -> None:
    voice = OutgoingVoice()
    frames = []
    for piece in [loud(100)] * 5 + [bytes(4800)] * 30 + [loud(100)] * 5:
        voice.push(piece)
        frames += [voice.pull()[0] for _ in range(5)]
    assert len(b"".join(frames)) == 40 * 4800
    assert voice.queued_ms < LATE_MS


def test_a_late_pause_ends_where_a_message_waits() -> None:
    voice = OutgoingVoice()
    voice.push(SILENCE * 120)
    voice.follow("commit")
    voice.push(loud(2000))
    frames, messages = drain(voice)
    assert [text for _, text in messages] == ["commit"]
    assert frames[-100:] == [loud(20)] * 100


@pytest.mark.parametrize(
    ("pcm", "silent"), [(b"", True), (SILENCE, True), (loud(20, 32), True), (loud(20, -33), False)]
)
def test_silence_is_what_nobody_hears(pcm: bytes, silent: bool) -> None:
    assert is_silent(pcm) is silent
