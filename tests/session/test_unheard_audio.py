from __future__ import annotations

from typing import Any

import pytest

from vivavoce.protocol import (
    ClientEvent,
    ConversationItemDelete,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    PcmuFormat,
    ResponseCancel,
)
from vivavoce.protocol.codec import server_event_from
from vivavoce.session.unheard_audio import NOTHING_COMMITTED, QUIET_MS, SPEAKING_MS, UnheardAudio

TENTH = bytes(4800)
COMMIT = "input_audio_buffer.commit"


def hear(unheard: UnheardAudio, kind: str, **fields: Any) -> None:
    unheard.hear(server_event_from({"type": f"input_audio_buffer.{kind}", "event_id": "e", **fields}))


@pytest.fixture
def unheard() -> UnheardAudio:
    return UnheardAudio()


def said(unheard: UnheardAudio, position: int = 0) -> list[bytes | str]:
    """What a server is told: audio, and the types of other events."""
    _, events = unheard.events_since(position)
    return [each.audio if isinstance(each, InputAudioBufferAppend) else str(each.type) for each in events]


def kept(unheard: UnheardAudio, position: int = 0) -> bytes:
    return b"".join(each for each in said(unheard, position) if isinstance(each, bytes))


def kept_ms(unheard: UnheardAudio, bytes_per_ms: int = 48) -> int:
    return len(kept(unheard)) // bytes_per_ms


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
    assert unheard.events_since(0) == (len(TENTH), [])


def test_what_came_since_a_position_is_told(unheard: UnheardAudio) -> None:
    unheard.add(b"ab")
    position, events = unheard.events_since(0)
    assert (position, len(events)) == (2, 1)
    assert said(unheard, position) == []
    unheard.add(b"cd")
    unheard.add(b"ef")
    assert said(unheard, position) == [b"cdef"]
    assert said(unheard) == [b"abcdef"]


def test_the_end_of_a_turn_is_open_until_the_server_says_so(unheard: UnheardAudio) -> None:
    unheard.sent(InputAudioBufferCommit())
    assert said(unheard) == []  # there is nothing to commit
    unheard.add(TENTH)
    unheard.sent(InputAudioBufferCommit())
    unheard.sent(InputAudioBufferCommit())
    assert said(unheard) == [TENTH, COMMIT]
    unheard.add(b"ab")
    assert said(unheard) == [TENTH, COMMIT, b"ab"]
    assert said(unheard, len(TENTH)) == [b"ab"]
    hear(unheard, "committed", item_id="u")
    assert said(unheard) == [b"ab"]


def test_a_turn_that_was_thrown_away_is_not_ended(unheard: UnheardAudio) -> None:
    unheard.add(TENTH)
    unheard.sent(InputAudioBufferCommit())
    unheard.sent(InputAudioBufferClear())
    assert said(unheard) == [TENTH]


def test_a_commit_that_came_to_nothing_is_not_said_again(unheard: UnheardAudio) -> None:
    unheard.add(TENTH)
    unheard.sent(InputAudioBufferCommit())
    error = {"type": "invalid_request_error", "message": "empty", "code": NOTHING_COMMITTED}
    unheard.hear(server_event_from({"type": "error", "event_id": "e", "error": error}))
    assert said(unheard) == [TENTH]


def test_an_end_goes_with_the_audio_before_it(unheard: UnheardAudio) -> None:
    unheard.add(TENTH, keep_all=True)
    unheard.sent(InputAudioBufferCommit())
    unheard.add(bytes(48 * SPEAKING_MS), keep_all=True)
    assert COMMIT not in said(unheard)


# --- the last turn ------------------------------------------------------------------------------------------


def turn(unheard: UnheardAudio, *, commit: bool = True, item_id: str = "u") -> None:
    unheard.add(TENTH, keep_all=True)
    if commit:
        unheard.sent(InputAudioBufferCommit())
    hear(unheard, "committed", item_id=item_id)


def answer(unheard: UnheardAudio, kind: str, response_id: str, conversation: str | None = "conv") -> None:
    response = {"object": "realtime.response", "id": response_id, "status": "completed", "output": []}
    fields = {"response": response | {"conversation_id": conversation}}
    unheard.hear(server_event_from({"type": f"response.{kind}", "event_id": "e", **fields}))


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize("finds_turns", [True, False])
def test_a_turn_that_is_nowhere_in_words_is_said_again(
    unheard: UnheardAudio, *, commit: bool, finds_turns: bool
) -> None:
    turn(unheard, commit=commit)
    unheard.add(b"ab")
    assert said(unheard) == [b"ab"]
    for _ in range(2):  # another connection may be lost before it has heard the turn
        assert unheard.take_back(finds_turns) == "u"
        assert unheard.take_back(finds_turns) is None
        by_the_server = finds_turns and not commit
        assert said(unheard) == ([TENTH + b"ab"] if by_the_server else [TENTH, COMMIT, b"ab"])
        assert unheard.repeats_turn is by_the_server
        unheard.add(b"cd")
        hear(unheard, "committed", item_id="u")
        assert not unheard.repeats_turn
        assert said(unheard) == ([] if by_the_server else [b"abcd"])
        unheard = UnheardAudio()
        turn(unheard, commit=commit)
        unheard.add(b"ab")


def test_two_turns_are_said_again_in_their_order(unheard: UnheardAudio) -> None:
    turn(unheard)
    unheard.add(b"ab", keep_all=True)
    unheard.sent(InputAudioBufferCommit())
    assert unheard.take_back(finds_turns=False) == "u"
    assert said(unheard) == [TENTH, COMMIT, b"ab", COMMIT]
    hear(unheard, "committed", item_id="u2")
    assert said(unheard) == [b"ab", COMMIT]
    hear(unheard, "committed", item_id="u3")
    assert said(unheard) == []
    assert unheard.take_back(finds_turns=False) == "u3"


def test_a_turn_is_kept_until_its_transcript_has_come(unheard: UnheardAudio) -> None:
    turn(unheard)
    kind = "conversation.item.input_audio_transcription.completed"
    fields = {"content_index": 0, "transcript": "Hello", "usage": {"type": "duration", "seconds": 1}}
    unheard.hear(server_event_from({"type": kind, "event_id": "e", "item_id": "before", **fields}))
    assert unheard.take_back(finds_turns=True) == "u"
    turn(unheard)
    unheard.hear(server_event_from({"type": kind, "event_id": "e", "item_id": "u", **fields}))
    assert unheard.take_back(finds_turns=True) is None


def test_a_turn_is_kept_until_its_answer_has_come(unheard: UnheardAudio) -> None:
    answer(unheard, "created", "r0")
    turn(unheard)
    answer(unheard, "created", "aside", conversation=None)
    answer(unheard, "done", "aside")
    answer(unheard, "done", "r0")
    answer(unheard, "created", "r1")
    assert unheard.take_back(finds_turns=True) == "u"
    hear(unheard, "committed", item_id="u")
    answer(unheard, "created", "r2")
    answer(unheard, "done", "r2")
    assert unheard.take_back(finds_turns=True) is None


@pytest.mark.parametrize("event", [ResponseCancel(), ConversationItemDelete(item_id="u")])
def test_a_turn_that_nobody_wants_answered_is_not_said_again(
    unheard: UnheardAudio, event: ClientEvent
) -> None:
    turn(unheard)
    unheard.sent(ConversationItemDelete(item_id="other"))
    unheard.sent(event)
    assert unheard.take_back(finds_turns=True) is None


def test_a_long_turn_is_kept_in_its_latest_seconds(unheard: UnheardAudio) -> None:
    hear(unheard, "speech_started", item_id="u", audio_start_ms=0)
    for _ in range(200):
        unheard.add(TENTH)
    hear(unheard, "committed", item_id="u")
    assert unheard.take_back(finds_turns=True) == "u"
    assert kept_ms(unheard) == SPEAKING_MS
    unheard.add(TENTH)
    assert kept_ms(unheard) == SPEAKING_MS


def test_how_much_is_kept_is_measured_in_the_format_of_the_session(unheard: UnheardAudio) -> None:
    unheard.set_format(PcmuFormat())
    for _ in range(50):
        unheard.add(bytes(800))
    assert kept_ms(unheard, 8) == QUIET_MS
    unheard.set_format(None)
    for _ in range(50):
        unheard.add(TENTH)
    assert kept_ms(unheard) == QUIET_MS


def test_what_was_said_after_a_position_is_told_alone(unheard: UnheardAudio) -> None:
    unheard.add(TENTH)
    end = unheard.end
    assert said(unheard, end) == []
    unheard.add(TENTH)
    assert (unheard.end - end, kept(unheard, end)) == (len(TENTH), TENTH)
