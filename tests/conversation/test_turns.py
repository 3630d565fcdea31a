"""Turn detection on probabilities alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.conversation.turns import (
    DOUBT_MS,
    JUDGED_MS,
    TRANSITIONS,
    SpeechPaused,
    SpeechStarted,
    SpeechStopped,
    TurnDecision,
    TurnDetection,
    TurnState,
    Voice,
)

CHUNK_MS = 32


def decisions(turn: TurnDetection, chunks: str) -> list[TurnDecision]:
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
def test_turns(chunks: str, expected: list[TurnDecision]) -> None:
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


def hear(
    turn: TurnDetection, probability: float, begin_ms: int, end_ms: int, clarity: float | None = None
) -> list[TurnDecision]:
    made = [
        turn.receive(probability, start, start + CHUNK_MS, clarity)
        for start in range(begin_ms, end_ms, CHUNK_MS)
    ]
    return [decision for decision in made if decision is not None]


def judging(silence_ms: int = 800) -> TurnDetection:
    turn = TurnDetection(0.5, silence_ms)
    turn.judges = True
    assert hear(turn, 1.0, 0, 320) == [SpeechStarted(0)]
    return turn


def test_a_pause_is_judged_once() -> None:
    turn = judging()
    assert hear(turn, 0.0, 320, 320 + JUDGED_MS - CHUNK_MS) == []
    assert hear(turn, 0.0, 320 + JUDGED_MS - CHUNK_MS, 320 + 768) == [SpeechPaused(320)]
    assert turn.pause == 320
    assert hear(turn, 0.0, 1088, 1120) == [SpeechStopped(320, 1120)]  # its length decides
    assert turn.pause is None


def test_each_pause_is_judged() -> None:
    turn = judging()
    assert hear(turn, 0.0, 320, 480) == [SpeechPaused(320)]
    assert hear(turn, 1.0, 480, 640) == []
    assert hear(turn, 0.0, 640, 800) == [SpeechPaused(640)]


def test_nobody_is_asked_where_pauses_are_not_judged() -> None:
    turn = TurnDetection(0.5, 800)
    hear(turn, 1.0, 0, 320)
    assert hear(turn, 0.0, 320, 1088) == []


@pytest.mark.parametrize("hold_ms", [0, 256, 2016])
def test_a_judgement_says_how_long_the_pause_must_last(hold_ms: int) -> None:
    turn = judging()
    hear(turn, 0.0, 320, 480)
    turn.judged(320, hold_ms)
    ended = 320 + max(hold_ms, JUDGED_MS + CHUNK_MS)
    assert hear(turn, 0.0, 480, 9600)[0] == SpeechStopped(320, ended)


def test_a_judgement_can_be_changed_while_the_pause_lasts() -> None:
    turn = judging()
    assert turn.pause is None
    hear(turn, 0.0, 320, 480)
    turn.judged(320, 4000)
    hear(turn, 0.0, 480, 960)
    turn.judged(320, 640)
    assert hear(turn, 0.0, 960, 992) == [SpeechStopped(320, 992)]


@pytest.mark.parametrize("spoken_again", [True, False])
def test_a_judgement_of_an_earlier_pause_is_dropped(spoken_again: bool) -> None:
    turn = judging()
    hear(turn, 0.0, 320, 480)
    hear(turn, 1.0, 480, 640)
    if not spoken_again:
        hear(turn, 0.0, 640, 800)
    turn.judged(320, 0)
    hear(turn, 0.0, 800, 832)
    assert turn.speaking


def test_a_judgement_holds_for_its_pause_only() -> None:
    turn = judging(silence_ms=320)
    hear(turn, 0.0, 320, 480)
    turn.judged(320, 4000)
    hear(turn, 1.0, 480, 640)
    assert hear(turn, 0.0, 640, 960) == [SpeechPaused(640), SpeechStopped(640, 960)]


@pytest.mark.parametrize("clarity", [None, 0.5, 1.0])
def test_clear_speech_begins_at_once(clarity: float | None) -> None:
    turn = TurnDetection()
    assert hear(turn, 1.0, 0, 64, clarity) == [SpeechStarted(0)]


def test_unclear_sound_begins_nothing_while_it_is_short() -> None:
    turn = TurnDetection()
    assert hear(turn, 1.0, 0, DOUBT_MS - CHUNK_MS, 0.2) == []
    assert hear(turn, 0.0, DOUBT_MS - CHUNK_MS, DOUBT_MS, 0.2) == []
    assert turn.state is TurnState.QUIET
    assert hear(turn, 1.0, 1024, 1024 + DOUBT_MS, 0.2) == [SpeechStarted(1024)]  # somebody whispers


@pytest.mark.parametrize("later", [0.9, None])
def test_unclear_sound_that_becomes_clear_began_where_it_began(later: float | None) -> None:
    turn = TurnDetection()
    assert hear(turn, 1.0, 0, 128, 0.2) == []
    assert hear(turn, 1.0, 128, 160, later) == [SpeechStarted(0)]


def test_clarity_is_forgotten_between_sounds() -> None:
    turn = TurnDetection()
    hear(turn, 1.0, 0, 32, 1.0)
    hear(turn, 0.0, 32, 64, 0.0)
    assert hear(turn, 1.0, 64, 160, 0.2) == []
