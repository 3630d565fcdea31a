"""How long a pause must last before a turn of `semantic_vad` is over.

"semantic_vad … uses a turn detection model … to semantically estimate whether the user has finished
speaking, then dynamically sets a timeout based on this probability"; the timeouts are at most 8, 4 and 2
seconds at low, medium and high eagerness (Realtime API reference, turn_detection).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_CURVE = 1.5


@dataclass(frozen=True, slots=True)
class Patience:
    """The pauses of one eagerness, in milliseconds.

    Attributes:
        shortest_ms: ends a turn that is surely complete.
        longest_ms: ends every turn, however unfinished it sounds.
        unknown_ms: ends a turn of which nobody has said whether it is complete: there is no model, it is not
            through, or it failed.
    """

    shortest_ms: int
    longest_ms: int
    unknown_ms: int

    def hold_ms(self, completeness: float) -> int:
        """Return the pause that ends a turn.

        The wait grows by factors and not by seconds: doubt costs little, certainty that the person has not
        finished costs much. The curve is the one that cut off least for its wait in `bench/turns.py`.

        Args:
            completeness: how likely the person has finished, 0 to 1; beyond that, the nearer of the two. NaN
                says nothing.
        """
        if math.isnan(completeness):
            return self.unknown_ms
        doubt = min(max(1 - completeness, 0.0), 1.0)
        factor: float = (self.longest_ms / self.shortest_ms) ** doubt**_CURVE
        return round(self.shortest_ms * factor)


PATIENCE = {
    "high": Patience(250, 2000, 400),
    "medium": Patience(400, 4000, 800),
    "auto": Patience(400, 4000, 800),
    "low": Patience(700, 8000, 1500),
}
"""By eagerness."""
