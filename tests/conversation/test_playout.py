"""When each piece of an answer leaves. Eight bytes are a millisecond here."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation.playout import DELTA_MS, FIRST_DELTA_MS, Piece, Playout

PER_MS = 8


def audio(ms: int) -> bytes:
    return b"\1" * (ms * PER_MS)


def sizes(pieces: list[Piece]) -> list[int]:
    return [len(piece.audio) // PER_MS for piece in pieces]


def test_the_first_piece_is_short_and_the_rest_waits_for_its_lead() -> None:
    playout = Playout(PER_MS, lead_ms=200)
    playout.begin_clause("Hello")
    playout.add_audio(audio(1000))
    assert sizes(playout.release(10.0)) == [FIRST_DELTA_MS, DELTA_MS, DELTA_MS]
    assert round(playout.play_end, 6) == 10.24
    assert playout.sent_ms == 240
    assert playout.backlog_ms == 760
    due = playout.next_deadline()
    assert due is not None
    assert round(due, 6) == 10.04
    assert playout.release(10.03) == []
    assert sizes(playout.release(10.04)) == [DELTA_MS]


def test_words_leave_with_the_audio_in_which_they_begin() -> None:
    playout = Playout(PER_MS, lead_ms=0)
    playout.begin_clause("One two three.")
    playout.add_audio(audio(300), [(4, 40), (8, 140), (14, 300)])
    playout.end_clause()
    said = []
    now = 0.0
    while (due := playout.next_deadline()) is not None:
        now = max(now, due)
        said += [(piece.text, len(piece.audio) // PER_MS) for piece in playout.release(now)]
    assert said == [("One", 40), (" two", 100), (" three.", 100), ("", 60)]
    assert playout.said() == "One two three."


def test_words_without_times_are_spread() -> None:
    playout = Playout(PER_MS, lead_ms=0)
    playout.begin_clause("One two")
    playout.add_audio(audio(140))
    playout.end_clause()
    assert [piece.text for piece in playout.release(0.0)] == ["One"]
    assert playout.spoken.until(80) == "One"
    assert [piece.text for piece in playout.release(1.0)] == [" two"]


def test_text_after_the_last_timed_word_ends_with_the_clause() -> None:
    playout = Playout(PER_MS, lead_ms=1000)
    playout.begin_clause("One two!")
    playout.add_audio(audio(100), [(4, 40), (4, 60)])
    playout.end_clause()
    assert "".join(piece.text for piece in playout.release(0.0)) == "One two!"
    assert playout.spoken.until(99) == "One"
    assert playout.spoken.until(100) == "One two!"


def test_words_that_become_known_after_their_audio_left_still_leave() -> None:
    playout = Playout(PER_MS, lead_ms=1000)
    playout.begin_clause("Hello")
    playout.add_audio(audio(100))
    assert [piece.text for piece in playout.release(0.0)] == ["", ""]
    playout.end_clause()
    assert playout.release(0.0) == [Piece("Hello", b"")]
    playout.end()
    assert playout.drained


def test_a_trickle_waits_until_playback_needs_it() -> None:
    playout = Playout(PER_MS, lead_ms=500)
    playout.begin_clause("Hello")
    playout.add_audio(audio(40))
    playout.release(0.0)
    playout.add_audio(audio(20))
    assert playout.release(0.0) != []  # 40 ms are ahead: less than a delta
    playout.add_audio(audio(200))
    assert sizes(playout.release(0.0)) == [100, 100]
    playout.add_audio(audio(20))
    assert playout.release(0.0) == []
    due = playout.next_deadline()
    assert due is not None
    assert round(due, 6) == 0.16
    assert sizes(playout.release(due)) == [20]


def test_an_empty_clause_leaves_nothing_behind() -> None:
    playout = Playout(PER_MS, lead_ms=500)
    playout.begin_clause("")
    playout.end_clause()
    assert playout.next_deadline() is None
    assert not playout.drained
    playout.end()
    assert playout.drained


def test_a_clause_without_audio_is_written() -> None:
    playout = Playout(PER_MS, lead_ms=500)
    playout.begin_clause("…")
    playout.end()
    assert playout.release(1.0) == [Piece("…", b"")]


def test_clauses_follow_each_other_and_the_next_one_ends_the_last() -> None:
    playout = Playout(PER_MS, lead_ms=1000)
    playout.begin_clause("One ")
    playout.add_audio(audio(100))
    playout.begin_clause("two")
    playout.add_audio(audio(60))
    playout.end()
    assert b"".join(piece.audio for piece in playout.release(0.0)) == audio(160)
    assert playout.spoken.until(100) == "One"
    assert playout.said() == "One two"


@pytest.mark.parametrize("ms", [0, 60])
@pytest.mark.parametrize(
    ("clauses", "texts"),
    [
        (["Hi. ", "  ", "there. "], ["Hi.", "   there."]),
        (["  ", "Hi."], ["  Hi."]),
        (["Hi.", " "], ["Hi."]),
        ([" ", "  "], []),
    ],
)
def test_white_space_leaves_with_the_next_word_or_not_at_all(
    ms: int, clauses: list[str], texts: list[str]
) -> None:
    playout = Playout(PER_MS, lead_ms=1000)
    pieces: list[Piece] = []
    for number, text in enumerate(clauses):
        playout.begin_clause(text)
        playout.add_audio(audio(ms))
        playout.end_clause()
        pieces += playout.release(float(number))
        assert playout.next_deadline() is None
        assert not playout.said()[-1:].isspace()
    playout.end()
    assert playout.drained
    assert playout.release(9.0) == []
    assert [piece.text for piece in pieces if piece.text] == texts
    assert b"".join(piece.audio for piece in pieces) == audio(ms * len(clauses))


def test_audio_that_comes_too_late_is_dropped() -> None:
    playout = Playout(PER_MS, lead_ms=1000)
    playout.add_audio(audio(10))
    playout.end_clause()
    playout.begin_clause("One")
    playout.end_clause()
    playout.add_audio(audio(10))
    assert playout.backlog_ms == 0


def test_words_after_the_point_where_audio_was_cut_off_are_not_said() -> None:
    playout = Playout(PER_MS, lead_ms=1000)
    playout.cut_off()
    playout.begin_clause("One two three")
    playout.add_audio(audio(200), [(4, 100), (8, 200)])
    playout.cut_off()
    assert "".join(piece.text for piece in playout.release(0.0)) == "One two"
    assert playout.drained


def test_playback_that_ran_dry_begins_again_now() -> None:
    playout = Playout(PER_MS, lead_ms=0, play_end=3.0)
    playout.begin_clause("Hello")
    playout.add_audio(audio(40))
    assert playout.next_deadline() == 3.0
    playout.release(9.0)
    assert playout.play_end == 9.04


CLAUSES = st.lists(
    st.tuples(st.text("ab .", max_size=12), st.lists(st.integers(0, 400), max_size=4), st.booleans()),
    max_size=5,
)


@given(CLAUSES, st.integers(0, 600), st.lists(st.floats(0, 0.5), min_size=20, max_size=20))
def test_everything_leaves_once_in_order_and_never_too_early(
    clauses: list[tuple[str, list[int], bool]], lead_ms: int, steps: list[float]
) -> None:
    playout = Playout(PER_MS, lead_ms)
    given_audio, now, pieces, clock = b"", 0.0, [], iter(steps)
    for index, (text, chunks, timed) in enumerate(clauses):
        playout.begin_clause(text)
        for size in chunks:
            chunk = bytes([index + 1]) * (size * PER_MS)
            given_audio += chunk
            playout.add_audio(chunk, [(len(text) // 2, size)] if timed else [])
            pieces += playout.release(now)
            assert playout.play_end - now <= (max(lead_ms, DELTA_MS) + DELTA_MS) / 1000 + 1e-5
            now += next(clock)
        playout.end_clause()
    playout.end()
    while not playout.drained:
        due = playout.next_deadline()
        if due is None:
            break
        now = max(now, due)
        released = playout.release(now)
        assert released
        pieces += released
    assert playout.drained
    assert b"".join(piece.audio for piece in pieces) == given_audio
    said = "".join(text for text, _, _ in clauses)
    assert playout.spoken.text == said
    assert "".join(piece.text for piece in pieces) == playout.said() == said.rstrip()
