from __future__ import annotations

from vivavoce.lines import Line
from vivavoce.testing import SimulatedCaller


def test_a_simulated_caller_is_a_line() -> None:
    assert isinstance(SimulatedCaller([]), Line)


def test_something_without_an_ear_is_no_line() -> None:
    assert not isinstance(object(), Line)
