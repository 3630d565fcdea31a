from __future__ import annotations

import pytest

from vivavoce.audio.wav import read_wav
from vivavoce.lines import Tape
from vivavoce.lines import tape as module_tape


def pcm(*samples: int) -> bytes:
    return b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)


def test_left_is_the_human_and_right_the_agent() -> None:
    tape = Tape(8000)
    tape.record(human=pcm(1, 2), agent=pcm(-1))
    tape.record(human=pcm(3), agent=pcm(-2, -3))
    wav = read_wav(tape.wav())
    assert (wav.rate, wav.channels) == (8000, 2)
    assert (wav.channel(0), wav.channel(1)) == (pcm(1, 2, 3), pcm(-1, -2, -3))


def test_the_shorter_track_is_filled_with_silence() -> None:
    tape = Tape(8000)
    tape.record(human=pcm(1, 2))
    assert read_wav(tape.wav()).channel(1) == pcm(0, 0)
    assert tape.seconds == 2 / 8000


def test_a_tape_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module_tape, "TAPE_S", 1)
    tape = Tape(2)
    for _ in range(3):
        tape.record(human=pcm(1), agent=pcm(2, 2))
    assert (tape.human, tape.agent) == (pcm(1, 1), pcm(2, 2))
