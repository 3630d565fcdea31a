"""How much a response may still say: `max_output_tokens`, counted while it is made.

"Maximum number of output tokens for a single assistant response, inclusive of tool calls" (Realtime API
reference, session.max_output_tokens). Engines are told of it, too, but they know nothing of the audio.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from vivavoce.conversation.playout import SPOKEN_CHAR_MS
from vivavoce.conversation.tokens import (
    AUDIO_TOKEN_MS,
    CHARS_PER_TOKEN,
    output_audio_tokens,
    tokens_of_chars,
)


class OutputBudget:
    """Counts the output of one response against its bound.

    Args:
        limit: tokens, or `"inf"`.
    """

    def __init__(self, limit: int | Literal["inf"]) -> None:
        self._limit = None if limit == "inf" else limit
        self.written = 0
        """Characters of text and of function calls."""
        self._said = 0  # characters of the clauses that have been spoken
        self._clause_chars = 0  # of the clause that is being spoken, as far as it has come
        self._clause_ms = 0
        self._words: list[tuple[int, int]] = []  # of that clause
        self._ms = 0

    @property
    def spent(self) -> int:
        """Tokens so far."""
        return self._cost(self._clause_chars, self._ms)

    def _cost(self, clause_chars: int, ms: int) -> int:
        chars = self.written + self._said + clause_chars
        return tokens_of_chars(chars) + output_audio_tokens(ms)

    def write(self, text: str) -> str:
        """Count text that is written, and return as much of it as fits."""
        if self._limit is not None:
            room = (self._limit - output_audio_tokens(self._ms)) * CHARS_PER_TOKEN
            text = text[: max(0, room - self.written - self._said - self._clause_chars)]
        self.written += len(text)
        return text

    def begin_clause(self) -> None:
        """Say that the next audio is of a new clause."""
        self._said += self._clause_chars
        self._clause_chars = self._clause_ms = 0
        self._words = []

    def end_clause(self, text: str) -> None:
        """Say that the clause has been spoken to its end."""
        self._clause_chars = len(text)

    def speak(self, ms: int, words: Sequence[tuple[int, int]]) -> int:
        """Count audio of the clause.

        Args:
            ms: its length.
            words: `(end, end_ms)` of words not given before, from the start of the clause; they may end in
                audio that is still to come.

        Returns:
            How many milliseconds of it fit; -1 where not even the words do that it begins with.
        """
        known = [*self._words, *words]
        fits = ms
        while fits >= 0 and not self._fits(fits, known):
            fits -= AUDIO_TOKEN_MS if fits >= AUDIO_TOKEN_MS else fits or 1
        if fits >= 0:
            self._words = known
            self._clause_ms += fits
            self._clause_chars = _chars_by(self._clause_ms, known)
            self._ms += fits
        return fits

    def _fits(self, ms: int, words: Sequence[tuple[int, int]]) -> bool:
        if self._limit is None:
            return True
        return self._cost(_chars_by(self._clause_ms + ms, words), self._ms + ms) <= self._limit


def _chars_by(ms: int, words: Sequence[tuple[int, int]]) -> int:
    """Return how many characters of a clause have been said, the word that is being said among them."""
    if not words:
        return ms // SPOKEN_CHAR_MS
    return next((end for end, end_ms in words if end_ms >= ms), words[-1][0]) if ms else 0
