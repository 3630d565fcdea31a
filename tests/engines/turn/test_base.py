"""The port of a turn-end detector."""

from vivavoce.engines.turn.base import TurnEndDetector, TurnSoFar
from vivavoce.engines.turn.builtin import BuiltinTurnEnd


def test_detectors_of_this_package_fit_the_port() -> None:
    assert isinstance(BuiltinTurnEnd(), TurnEndDetector)
    assert not isinstance(object(), TurnEndDetector)


def test_a_turn_may_have_no_words_yet() -> None:
    assert TurnSoFar(b"") == TurnSoFar(b"", "", None)
