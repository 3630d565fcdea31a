"""How much of an answer fits into its tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation.budget import OutputBudget


def test_text_is_cut_where_the_tokens_end() -> None:
    budget = OutputBudget(3)
    assert budget.write("12345") == "12345"
    assert budget.spent == 2
    assert budget.write("67890123") == "6789012"
    assert (budget.spent, budget.written) == (3, 12)
    assert budget.write("x") == ""


def test_without_a_bound_everything_fits() -> None:
    budget = OutputBudget("inf")
    assert budget.write("x" * 10_000) == "x" * 10_000
    assert budget.speak(3_600_000, []) == 3_600_000


def test_speech_costs_audio_and_the_words_in_it() -> None:
    budget = OutputBudget(22)
    budget.begin_clause()
    assert budget.speak(500, [(8, 500)]) == 500
    assert budget.spent == 10 + 2
    assert budget.speak(1000, [(12, 900), (40, 1500)]) == 400  # the next word would cost seven tokens more
    assert budget.spent == 18 + 3


def test_words_may_be_known_before_they_are_said() -> None:
    budget = OutputBudget("inf")
    budget.begin_clause()
    budget.speak(0, [(4, 200), (40, 400)])
    assert budget.spent == 0
    budget.speak(200, [])
    assert budget.spent == 4 + 1
    budget.speak(100, [])
    assert budget.spent == 6 + 10  # the word has begun
    budget.speak(500, [])
    assert budget.spent == 16 + 10


def test_words_without_times_are_counted_by_the_length_of_the_audio() -> None:
    budget = OutputBudget("inf")
    budget.begin_clause()
    budget.speak(480, [])
    assert budget.spent == 10 + 2  # eight characters
    budget.end_clause("Twelve chars")
    assert budget.spent == 10 + 3
    budget.begin_clause()
    budget.speak(240, [])
    assert budget.spent == 15 + 4


def test_no_room_at_all() -> None:
    budget = OutputBudget(1)
    budget.write("1234")
    budget.begin_clause()
    assert budget.speak(100, [(4, 100)]) == 0
    assert budget.spent == 1
    spoken = OutputBudget(6)
    spoken.begin_clause()
    assert spoken.speak(200, []) == 200
    spoken.write("1234")
    assert spoken.speak(100, [(90, 250)]) == -1
    assert spoken.spent == 6


SPEECH = st.tuples(
    st.integers(0, 3000), st.lists(st.tuples(st.integers(1, 90), st.integers(0, 4000)), max_size=5)
)


@given(st.integers(1, 200), st.lists(st.one_of(st.text(max_size=60), SPEECH), max_size=20))
def test_the_bound_holds_whatever_is_said(
    limit: int, said: list[str | tuple[int, list[tuple[int, int]]]]
) -> None:
    budget = OutputBudget(limit)
    for piece in said:
        if isinstance(piece, str):
            fits = budget.write(piece)
            assert piece.startswith(fits)
            whole = fits == piece
        else:
            budget.begin_clause()
            ms, words = piece
            words = sorted(words)
            taken = budget.speak(ms, words)
            assert -1 <= taken <= ms
            whole = taken == ms
        if not whole:
            break
    assert budget.spent <= limit


@pytest.mark.parametrize("limit", [1, 7, 100])
def test_what_fits_is_used_up(limit: int) -> None:
    budget = OutputBudget(limit)
    assert budget.write("x" * 1000) == "x" * (4 * limit)
    assert budget.spent == limit
