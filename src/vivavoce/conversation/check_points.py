"""When the words of an answer are to be checked, while they are still growing."""

from __future__ import annotations

import re

_SENTENCE_END = re.compile(r"[.!?…]+[\"'”’)\]]*\s|[。！？]|\n")
_LOOK_BACK = 8
"""Characters of a sentence's end that may have come before the white space that proves it."""


class CheckPoints:
    """The words of one part of an answer, and how many of them have been taken for a check.

    They are due each time their number passes a multiple of `every`, and at the end if anything has changed
    since. What becomes due while a check runs is taken in one go.

    Args:
        every: characters between two checks; -1 checks only at the end.
        by_sentence: check at the end of each sentence, too.
    """

    def __init__(self, every: int, *, by_sentence: bool = False) -> None:
        self.text = ""
        self._every = every
        self._by_sentence = by_sentence
        self._taken = ""
        self._due = False
        self._finished = False

    def add(self, delta: str) -> None:
        """Take in more words; what comes after the end is passed over."""
        if self._finished:
            return
        before = len(self.text)
        self.text += delta
        passes = self._every > 0 and len(self.text) // self._every > before // self._every
        if passes or (self._by_sentence and self._sentence_ends_after(before)):
            self._due = True

    def finish(self, text: str = "") -> None:
        """Note that no more words will come.

        Args:
            text: all of them as the server has them in the end. Where that is less than what came before, it
                is what came before that was said, and is checked.
        """
        if not self._finished and len(text) >= len(self.text):
            self.text = text
        self._finished = True
        self._due = True

    def take(self) -> str | None:
        """Return all words so far if they are to be checked now; else ``None``."""
        due, self._due = self._due, False
        if not due or self.text == self._taken:
            return None
        self._taken = self.text
        return self.text

    def _sentence_ends_after(self, before: int) -> bool:
        ends = _SENTENCE_END.finditer(self.text, max(0, before - _LOOK_BACK))
        return any(end.end() > before for end in ends)
