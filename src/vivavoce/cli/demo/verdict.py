"""Whether the call went as a call should: checks on what was measured, nothing else. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vivavoce.cli.demo.timeline import Timeline, Turn
from vivavoce.testing.words import word_error_rate, words_of

SILENT_WITHIN_MS = 250.0
WORD_ERRORS = 0.2


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked.

    Attributes:
        name: what.
        passed: whether it was so.
        measured: what was found, in words.
    """

    name: str
    passed: bool
    measured: str


def check_call(timeline: Timeline, expected_turns: int) -> tuple[Check, ...]:
    """Check a call.

    Args:
        timeline: the call.
        expected_turns: how often the caller was to speak.
    """
    turns = timeline.turns
    return (
        _said_all(turns, expected_turns),
        _understood(turns),
        _used_tool(turns),
        _answered(turns),
        *_interruption(turns),
    )


def verdict(checks: Sequence[Check]) -> str:
    """Return the result in one line."""
    failed = [check for check in checks if not check.passed]
    if not failed:
        return "The call went well: every check passed."
    return "The call failed: " + "; ".join(f"{check.name}: {check.measured}" for check in failed) + "."


def _said_all(turns: Sequence[Turn], expected: int) -> Check:
    return Check(
        "the caller said everything", len(turns) == expected, f"{len(turns)} of {expected} utterances"
    )


def _understood(turns: Sequence[Turn]) -> Check:
    said = " ".join(turn.said for turn in turns)
    rate = word_error_rate(said, " ".join(turn.heard for turn in turns))
    wrong = round(rate * max(1, len(words_of(said))))
    return Check(
        "the agent understood the caller",
        bool(turns) and rate <= WORD_ERRORS,
        f"{wrong} of {len(words_of(said))} words wrong",
    )


def _used_tool(turns: Sequence[Turn]) -> Check:
    tools = [tool for turn in turns for tool in turn.tools]
    named = ", ".join(dict.fromkeys(tool.name for tool in tools))
    return Check(
        "the agent used its tools",
        bool(tools) and all(tool.output for tool in tools),
        f"{len(tools)} call{'s' * (len(tools) > 1)}: {named}" if tools else "no tool was called",
    )


def _answered(turns: Sequence[Turn]) -> Check:
    mute = [turn.said for turn in turns if not turn.answers]
    gaps = [turn.gap_ms for turn in turns if turn.gap_ms is not None]
    slowest = f", after {max(gaps):.0f} ms at most" if gaps else ""
    measured = f"no answer to {', '.join(repr(said) for said in mute)}" if mute else f"{len(turns)} of them"
    return Check("the agent answered every turn", bool(turns) and not mute, measured + slowest)


def _interruption(turns: Sequence[Turn]) -> tuple[Check, Check]:
    silent = "the agent fell silent when interrupted"
    kept = "the history keeps what was heard"
    turn = next((turn for turn in turns if turn.interrupts), None)
    if turn is None or turn.interrupts is None or turn.silenced_ms is None:
        missing = "nobody interrupted"
        return Check(silent, False, missing), Check(kept, False, missing)
    answer = turn.interrupts
    # Words, not characters: a space at the cut is neither kept nor lost.
    text, begun = words_of(answer.text), words_of(answer.begun)
    only_heard = answer.cut is not None and begun[: len(text)] == text
    return (
        Check(
            silent,
            turn.silenced_ms <= SILENT_WITHIN_MS,
            f"{turn.silenced_ms:.0f} ms after the caller's first sound",
        ),
        Check(kept, only_heard, f"{answer.text!r}" if only_heard else f"it has {answer.text!r}"),
    )
