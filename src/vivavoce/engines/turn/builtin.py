"""Whether somebody has finished, told by words and melody: a logistic model of two dozen numbers.

A stand-in for a trained network, honest about it: it knows English words, and learnt from one recorded
speaker and four synthetic ones (`tools/fit_turn_end.py`; what it is worth stands in docs/turn-
detection.md). For other languages it goes by the sound alone.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from vivavoce.engines.turn import prosody, syntax
from vivavoce.engines.turn.base import TurnSoFar

WEIGHTS = Path(__file__).with_name("builtin_weights.json")
NAMES = ("bias", *syntax.NAMES, *prosody.NAMES)
"""What the numbers of the model belong to."""


def features(turn: TurnSoFar) -> list[float]:
    """Return what the model goes by, one number for each of `NAMES`."""
    english = turn.language is None or turn.language.lower().startswith("en")
    words = turn.transcript if english else ""
    return [1.0, *syntax.syntax_features(words), *prosody.prosody_features(turn.pcm)]


@dataclass(frozen=True, slots=True)
class TurnEndModel:
    """A logistic regression.

    Attributes:
        weights: one for each of `NAMES`.
    """

    weights: tuple[float, ...]

    def completeness(self, turn: TurnSoFar) -> float:
        """Return the probability that the person has finished, 0 to 1; one to two milliseconds of work."""
        evidence = sum(weight * feature for weight, feature in zip(self.weights, features(turn), strict=True))
        return 1 / (1 + math.exp(-max(min(evidence, 30.0), -30.0)))


@cache
def builtin_model() -> TurnEndModel:
    """Return the model that comes with the package."""
    named: dict[str, float] = json.loads(WEIGHTS.read_text(encoding="utf-8"))
    return TurnEndModel(tuple(named[name] for name in NAMES))


class BuiltinTurnEnd:
    """The turn-end detector that needs no weights of others."""

    sample_rate = prosody.RATE
    window_s = 2.0

    async def completeness(self, turn: TurnSoFar) -> float:
        """Return the probability that the person has finished, 0 to 1."""
        # Inline: in a thread it would wait longer for the interpreter lock than it computes.
        return builtin_model().completeness(turn)

    async def aclose(self) -> None:
        """Nothing is held."""
