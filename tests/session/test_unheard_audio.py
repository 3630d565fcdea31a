from __future__ import annotations

from typing import Any

import pytest

from vivavoce.protocol import InputAudioBufferClear, InputAudioBufferCommit, PcmuFormat
from vivavoce.protocol.codec import server_event_from
from vivavoce.session.unheard_audio import QUIET_MS, SPEAKING_MS, UnheardAudio

TENTH = bytes(4800)


def hear(unheard: UnheardAudio, kind: str, **fields: Any) -> None:
    unheard.hear(server_event_from({"type": f"input_audio_buffer.{kind}", "event_id": "e", **fields}))


@pytest.fixture
def unheard() -> UnheardAudio:
    return UnheardAudio()


def kept_ms(unheard: UnheardAudio, bytes_per_ms: int = 48) -> int:
    return len(unheard.since(0)[0]) // bytes_per_ms


def test_before_anybody_speaks_little_is_kept(unheard: UnheardAudio) -> None:
    for _ in range(50):
        unheard.add(TENTH)
    assert kept_ms(unheard) == QUIET_MS


def test_while_the_user_speaks_much_is_kept(unheard: UnheardAudio) -> None:
    for _ in range(50):
        unheard.add(TENTH)
    hear(unheard, "speech_started", item_id="u", audio_start_ms=0)
    for _ in range(100):
        unheard.add(TENTH)
    assert kept_ms(unheard) == QUIET_MS + 10_000
    for _ in range(100):
        unheard.add(TENTH)
    assert kept_ms(unheard) == SPEAKING_MS


def test_where_nobody_tells_who_speaks_much_is_kept(unheard: UnheardAudio) -> None:
    for _ in range(200):
        unheard.add(TENTH, keep_all=True)
    assert kept_ms(unheard) == SPEAKING_MS
    unheard.add(bytes(48 * 2 * SPEAKING_MS))
    assert kept_ms(unheard) == 2 * SPEAKING_MS


@pytest.mark.parametrize("event", ["committed", "cleared"])
def test_what_a_server_has_taken_over_is_forgotten(unheard: UnheardAudio, event: str) -> None:
    unheard.add(TENTH)
    unheard.sent(InputAudioBufferCommit())
    hear(unheard, event, **({"item_id": "u"} if event == "committed" else {}))
    assert unheard.since(0) == (b"", len(TENTH))
    assert not unheard.committing


def test_what_came_since_a_position_is_told(unheard: UnheardAudio) -> None:
    unheard.add(b"ab")
    audio, position = unheard.since(0)
    assert (audio, position) == (b"ab", 2)
    assert unheard.since(position) == (b"", 2)
    unheard.add(b"cd")
    unheard.add(b"ef")
    assert unheard.since(position) == (b"cdef", 6)
    assert unheard.since(0) == (b"abcdef", 6)


def test_the_end_of_a_turn_is_open_until_the_server_says_so(unheard: UnheardAudio) -> None:
    unheard.sent(InputAudioBufferCommit())
    assert not unheard.committing  # there is nothing to commit
    unheard.add(TENTH)
    assert unheard.committing


def test_a_turn_that_was_thrown_away_is_not_ended(unheard: UnheardAudio) -> None:
    unheard.add(TENTH)
    unheard.sent(InputAudioBufferCommit())
    unheard.sent(InputAudioBufferClear())
    assert not unheard.committing


def test_how_much_is_kept_is_measured_in_the_format_of_the_session(unheard: UnheardAudio) -> None:
    unheard.set_format(PcmuFormat())
    for _ in range(50):
        unheard.add(bytes(800))
    assert kept_ms(unheard, 8) == QUIET_MS
    unheard.set_format(None)
    for _ in range(50):
        unheard.add(TENTH)
    assert kept_ms(unheard) == QUIET_MS
