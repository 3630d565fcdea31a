from __future__ import annotations

from dataclasses import replace

import pytest

from vivavoce.cli.demo.timeline import Answer, Span, Timeline, ToolCall, Turn
from vivavoce.cli.demo.verdict import check_call, verdict

TOOL = ToolCall("find_trains", '{"city": "London"}', "There are four trains.", Span(1.5, 1.6))
CUT = Answer("There are four", "There are four trains", Span(2.0, 4.13), 4.14)
FINE = Answer("Tomorrow it will rain.", "Tomorrow it will rain.", Span(6.5, 8.0), None)
ASKS = Turn("Which trains?", "which trains", Span(0.5, 1.0), (TOOL,), (CUT,), gap_ms=1000.0)
INTERRUPTS = Turn(
    "And the weather?", "and the weather", Span(4.0, 6.0), (), (FINE,), CUT, 130.0, gap_ms=500.0
)


def failures(*turns: Turn, expected: int = 2) -> dict[str, str]:
    checks = check_call(Timeline(10.0, turns), expected)
    return {check.name: check.measured for check in checks if not check.passed}


def test_a_call_as_it_should_be_passes_every_check() -> None:
    checks = check_call(Timeline(10.0, (ASKS, INTERRUPTS)), 2)
    assert all(check.passed for check in checks), checks
    assert [check.measured for check in checks] == [
        "2 of 2 utterances",
        "0 of 5 words wrong",
        "1 call: find_trains",
        "2 of them, after 1000 ms at most",
        "130 ms after the caller's first sound",
        "'There are four'",
    ]
    assert verdict(checks) == "The call went well: every check passed."


@pytest.mark.parametrize(
    ("turns", "expected", "name", "measured"),
    [
        ((ASKS, INTERRUPTS), 3, "the caller said everything", "2 of 3 utterances"),
        (
            (replace(ASKS, heard="witch drains"), INTERRUPTS),
            2,
            "the agent understood the caller",
            "2 of 5 words wrong",
        ),
        ((replace(ASKS, tools=()), INTERRUPTS), 2, "the agent used its tools", "no tool was called"),
        (
            (replace(ASKS, tools=(replace(TOOL, output=""),)), INTERRUPTS),
            2,
            "the agent used its tools",
            "1 call: find_trains",
        ),
        (
            (ASKS, replace(INTERRUPTS, answers=(), gap_ms=None)),
            2,
            "the agent answered every turn",
            "no answer to 'And the weather?', after 1000 ms at most",
        ),
        (
            (ASKS, replace(INTERRUPTS, silenced_ms=251.0)),
            2,
            "the agent fell silent when interrupted",
            "251 ms after the caller's first sound",
        ),
        (
            (ASKS, replace(INTERRUPTS, interrupts=replace(CUT, text="There are four trains today"))),
            2,
            "the history keeps what was heard",
            "it has 'There are four trains today'",
        ),
        (
            (ASKS, replace(INTERRUPTS, interrupts=replace(CUT, cut=None))),
            2,
            "the history keeps what was heard",
            "it has 'There are four'",
        ),
    ],
)
def test_what_went_wrong_is_named(turns: tuple[Turn, ...], expected: int, name: str, measured: str) -> None:
    assert failures(*turns, expected=expected) == {name: measured}


def test_a_call_without_an_interruption_fails_both_of_its_checks() -> None:
    assert failures(ASKS, replace(INTERRUPTS, interrupts=None, silenced_ms=None)) == {
        "the agent fell silent when interrupted": "nobody interrupted",
        "the history keeps what was heard": "nobody interrupted",
    }


def test_nothing_at_all_fails_every_check() -> None:
    assert len(failures()) == 6


def test_the_verdict_says_what_failed() -> None:
    checks = check_call(Timeline(10.0, (replace(ASKS, tools=()), INTERRUPTS)), 3)
    assert verdict(checks) == (
        "The call failed: the caller said everything: 2 of 3 utterances; "
        "the agent used its tools: no tool was called."
    )
