"""Turn detection on probabilities alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation.turns import (
    TRANSITIONS,
    SpeechStarted,
    SpeechStopped,
    TurnDetection,
    TurnState,
    Voice,
)

CHUNK_MS = 32


def decisions(turn: TurnDetection, chunks: str) -> list[SpeechStarted | SpeechStopped]:
    """Feed ``#`` voiced, ``+`` doubtful and ``.`` silent chunks."""
    probabilities = {"#": 0.9, "+": 0.4, ".": 0.1}
    made = [
        turn.receive(probabilities[chunk], index * CHUNK_MS, (index + 1) * CHUNK_MS)
        for index, chunk in enumerate(chunks)
    ]
    return [decision for decision in made if decision is not None]


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ("......", []),
        (".#....", []),  # a click
        (".++++.", []),  # doubt does not begin a turn
        (".##", [SpeechStarted(32)]),
        (".##++++..", [SpeechStarted(32)]),  # nor does it end one
        ("##...", [SpeechStarted(0), SpeechStopped(64, 160)]),
        ("##..#...", [SpeechStarted(0), SpeechStopped(160, 256)]),  # the pause begins anew
        (
            "##...##...",
            [SpeechStarted(0), SpeechStopped(64, 160), SpeechStarted(160), SpeechStopped(224, 320)],
        ),
    ],
)
def test_turns(chunks: str, expected: list[SpeechStarted | SpeechStopped]) -> None:
    assert decisions(TurnDetection(0.5, silence_ms=96), chunks) == expected


def test_a_turn_is_open_from_its_start_to_its_stop() -> None:
    turn = TurnDetection(0.5, silence_ms=96)
    heard = []
    for chunks in ("..", ".#", "##", "##.", "##..", "##..."):
        turn.reset()
        decisions(turn, chunks)
        heard.append((turn.speaking, turn.voiced))
    assert heard == [
        (False, False),
        (False, True),
        (True, True),
        (True, False),
        (True, False),
        (False, False),
    ]
    assert turn.state is TurnState.QUIET


def test_a_low_threshold_still_hears_silence() -> None:
    turn = TurnDetection(threshold=0.05, silence_ms=0)
    turn.receive(0.06, 0, 40)
    assert turn.receive(0.06, 40, 80) == SpeechStarted(0)
    assert turn.receive(0.0, 80, 120) is None
    assert turn.receive(0.0, 120, 160) == SpeechStopped(80, 160)


def test_every_state_knows_voiced_and_unvoiced() -> None:
    assert set(TRANSITIONS) == set(TurnState)
    assert all({Voice.VOICED, Voice.UNVOICED} <= set(row) for row in TRANSITIONS.values())


@given(st.lists(st.floats(0, 1), max_size=80), st.floats(0, 1), st.integers(0, 400))
def test_starts_and_stops_take_turns(chunks: list[float], threshold: float, silence_ms: int) -> None:
    turn = TurnDetection(threshold, silence_ms)
    expected: type[SpeechStarted | SpeechStopped] = SpeechStarted
    for index, probability in enumerate(chunks):
        decision = turn.receive(probability, index * CHUNK_MS, (index + 1) * CHUNK_MS)
        if decision is not None:
            assert isinstance(decision, expected)
            expected = SpeechStopped if expected is SpeechStarted else SpeechStarted
        assert turn.speaking == (expected is SpeechStopped)
