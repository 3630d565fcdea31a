"""How long a pause must last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation.patience import PATIENCE


@pytest.mark.parametrize(("eagerness", "longest_ms"), [("high", 2000), ("medium", 4000), ("low", 8000)])
def test_nobody_waits_longer_than_the_reference_says(eagerness: str, longest_ms: int) -> None:
    patience = PATIENCE[eagerness]
    assert patience.hold_ms(0.0) == patience.hold_ms(-1.0) == longest_ms
    assert patience.hold_ms(1.0) == patience.hold_ms(7.0) == patience.shortest_ms
    assert patience.shortest_ms < patience.unknown_ms < longest_ms


def test_what_is_no_number_says_nothing() -> None:
    assert PATIENCE["low"].hold_ms(float("nan")) == PATIENCE["low"].unknown_ms


def test_auto_means_medium() -> None:
    assert PATIENCE["auto"] == PATIENCE["medium"]


@given(st.sampled_from(sorted(PATIENCE)), st.floats(0, 1), st.floats(0, 1))
def test_the_surer_the_end_the_shorter_the_wait(eagerness: str, one: float, other: float) -> None:
    patience = PATIENCE[eagerness]
    less, more = sorted((one, other))
    assert patience.hold_ms(less) >= patience.hold_ms(more)


@given(st.floats(0, 1))
def test_the_eager_wait_less(completeness: float) -> None:
    waits = [PATIENCE[eagerness].hold_ms(completeness) for eagerness in ("high", "medium", "low")]
    assert waits == sorted(set(waits))
