"""Comparing what was said with what was understood."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def words_of(text: str) -> list[str]:
    """Return the words of a text, in lower case, without punctuation."""
    return _WORD.findall(text.lower())


def word_error_rate(reference: str, hypothesis: str) -> float:
    """Return how wrong a transcript is: words replaced, left out and added, per word of the reference.

    Case and punctuation do not count. 0 is perfect; it may exceed 1. Of an empty reference it is the number
    of words added.
    """
    said, heard = words_of(reference), words_of(hypothesis)
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1] / max(1, len(said))
