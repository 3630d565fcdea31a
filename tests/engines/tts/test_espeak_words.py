"""Words and their time, from marks alone."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from vivavoce.engines.tts.espeak_library import Mark, MarkKind
from vivavoce.engines.tts.espeak_words import LONGEST_PIECE, Piece, Spoken, WordClock, pieces


def word(sample: int, position: int) -> Mark:
    return Mark(MarkKind.WORD, sample, position)


def sound(sample: int) -> Mark:
    return Mark(MarkKind.SOUND, sample, 0)


def pause(sample: int) -> Mark:
    return Mark(MarkKind.PAUSE, sample, 0)


def spoken(text: str, marks: list[Mark], samples: int) -> list[tuple[str, int, int]]:
    clock = WordClock(text)
    over = [clock.hear(mark) for mark in marks] + [clock.finish(samples)]
    return [(text[: o.end], o.end_sample, o.next_sample) for o in over if o is not None]


def test_a_word_ends_where_its_pause_begins() -> None:
    marks = [word(0, 0), sound(0), pause(80), pause(90), word(100, 5), sound(100), pause(180)]
    assert spoken("One, two.", marks, 200) == [("One,", 80, 100), ("One, two.", 180, 200)]


def test_a_word_without_a_pause_ends_where_the_next_begins() -> None:
    assert spoken("to go", [word(0, 0), sound(0), word(50, 3), sound(50)], 90) == [
        ("to", 50, 50),
        ("to go", 90, 90),
    ]


def test_a_pause_within_a_word_does_not_end_it() -> None:
    marks = [word(0, 0), sound(0), pause(10), word(15, 1), sound(15), word(40, 6), sound(40)]
    assert spoken("$5.50 now", marks, 60) == [("$5.50", 40, 40), ("$5.50 now", 60, 60)]


def test_signs_between_words_belong_to_the_word_before_and_leading_ones_to_the_first() -> None:
    marks = [word(0, 2), sound(0), pause(10), word(20, 12), sound(20)]
    assert spoken("— hello, — world !", marks, 30) == [
        ("— hello, —", 10, 20),
        ("— hello, — world !", 30, 30),
    ]


def test_a_position_on_a_space_or_behind_counts_for_the_word_before() -> None:
    marks = [word(0, 0), sound(0), word(5, 1), sound(5), word(10, 2), sound(10), word(15, 0), sound(15)]
    assert spoken("a b", marks, 20) == [("a", 10, 10), ("a b", 20, 20)]


def test_words_the_voice_skips_are_told_with_the_next_one() -> None:
    marks = [word(0, 0), sound(0), word(10, 4), sound(10)]
    assert spoken("a b c", marks, 20) == [("a", 10, 10), ("a b c", 20, 20)]


def test_text_without_a_letter_counts_as_one_word_if_it_is_spoken() -> None:
    assert spoken("☺ ☺", [word(0, 0), sound(0), word(9, 2), sound(9)], 20) == [("☺ ☺", 20, 20)]


def test_nothing_spoken_is_no_word() -> None:
    assert spoken("...", [pause(0), pause(5)], 10) == []


def test_a_pause_beyond_the_audio_is_cut_at_its_end() -> None:
    clock = WordClock("a")
    clock.hear(word(0, 0))
    clock.hear(pause(12))
    assert clock.finish(10) == Spoken(1, 10, 10)


def test_short_text_stays_whole_and_long_text_is_cut_after_sentences() -> None:
    short = "Dr. Smith is in. Really?"
    assert list(pieces(short)) == [Piece(0, short)]
    sentence = "This one has thirty letters. "
    long = sentence * 30
    parts = list(pieces(long))
    assert len(parts) > 1
    assert all(part.text.endswith("letters. ") for part in parts)


def test_long_text_without_sentences_is_cut_at_spaces_and_without_spaces_anywhere() -> None:
    assert all(part.text.endswith("word ") for part in pieces("word " * 200))
    assert [len(part.text) for part in pieces("x" * 1000)] == [LONGEST_PIECE, LONGEST_PIECE, 200]


def test_control_characters_become_spaces() -> None:
    assert [part.text for part in pieces("a\x01b\x00c\ud800d\ne")] == ["a b c d\ne"]


def test_only_punctuation_at_the_end_asks_for_a_pause() -> None:
    assert Piece(0, 'He said "no." ').pauses
    assert Piece(0, "well,").pauses
    assert not Piece(0, "well, and").pauses


@given(st.text(max_size=1500))
def test_pieces_cover_the_text_in_place(text: str) -> None:
    parts = list(pieces(text))
    assert [part.start for part in parts] == [sum(len(p.text) for p in parts[:i]) for i in range(len(parts))]
    assert sum(len(part.text) for part in parts) == len(text)
    assert all(0 < len(part.text) <= LONGEST_PIECE for part in parts)


@given(
    st.text(alphabet="ab .,—☺", min_size=1, max_size=30),
    st.lists(st.tuples(st.sampled_from(MarkKind), st.integers(0, 40)), max_size=30),
)
def test_whatever_the_marks_words_only_advance(text: str, marks: list[tuple[MarkKind, int]]) -> None:
    timed = [Mark(kind, 10 * i, min(position, len(text))) for i, (kind, position) in enumerate(marks)]
    clock = WordClock(text)
    over = [o for o in [*map(clock.hear, timed), clock.finish(10 * len(marks))] if o is not None]
    assert all(a.end < b.end and a.next_sample <= b.end_sample for a, b in pairwise(over))
    assert all(o.end_sample <= o.next_sample and o.end <= len(text) for o in over)
    assert bool(over) == any(kind is MarkKind.WORD for kind, _ in marks)
