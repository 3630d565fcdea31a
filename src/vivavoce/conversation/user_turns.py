"""Which of the user's turns may be answered, where every turn is checked first and the newest one decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Verdict: TypeAlias = Literal["passed", "tripped"]


@dataclass(slots=True)
class _Turn:
    item_id: str
    verdict: Verdict | None = None


class UserTurns:
    """The turns of one conversation that were not answered yet, oldest first.

    Nothing is decided while a turn is being spoken or checked: an answer is to all that was said. Then the
    verdict about the newest turn decides, once for all of them.
    """

    def __init__(self) -> None:
        self._turns: list[_Turn] = []

    def __len__(self) -> int:
        return len(self._turns)

    def began(self, item_id: str) -> None:
        """Note a turn, at its first sign: the beginning of speech, or a message."""
        if item_id not in self:
            self._turns.append(_Turn(item_id))

    def __contains__(self, item_id: object) -> bool:
        return any(turn.item_id == item_id for turn in self._turns)

    def judged(self, item_id: str, verdict: Verdict) -> Verdict | None:
        """Note the verdict about a turn.

        Returns:
            What decides, if no turn is open any more: then all of them are forgotten.
        """
        for turn in self._turns:
            if turn.item_id == item_id:
                turn.verdict = verdict
        return self._decide()

    def removed(self, item_id: str) -> Verdict | None:
        """Forget a turn that came to nothing; return what decides, as `judged` does."""
        self._turns = [turn for turn in self._turns if turn.item_id != item_id]
        return self._decide()

    def _decide(self) -> Verdict | None:
        if not self._turns or any(turn.verdict is None for turn in self._turns):
            return None
        verdict = self._turns[-1].verdict
        self._turns = []
        return verdict
