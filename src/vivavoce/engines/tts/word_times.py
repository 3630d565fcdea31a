"""When each word is heard, for engines that do not say: by its share of the text and of the audio.

Decides only; no clock. An estimate is wrong by a word or so, which is what a barge-in can bear: without one,
all of a clause that was cut off would count as unheard.
"""

from __future__ import annotations

import re

from vivavoce.engines.base import SpokenWord

USUAL_MS = 65.0
"""How long a letter takes until this voice has been measured: 15 letters a second."""

_QUICKEST_MS, _SLOWEST_MS = 15.0, 400.0
_LEARNING = 0.3  # share of the newest measurement

# A word with the marks that follow it; in scripts written without spaces, each character.
_WORD = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]\W*(?=\S|$)|[^\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+"
)
_LONG_PAUSE = re.compile(r"[.!?…:;。！？][\"'”’»)\]]*$")
_SHORT_PAUSE = re.compile(r"[,、，–—][\"'”’»)\]]*$")
_SAID_IN_FULL = 4.0  # "7" is "seven"


class Pace:
    """How fast a voice speaks, measured clause by clause.

    Attributes:
        ms_per_letter: milliseconds that a letter takes.
    """

    def __init__(self) -> None:
        self.ms_per_letter = USUAL_MS

    def learn(self, letters: float, ms: float) -> None:
        """Take in how long a clause was.

        Args:
            letters: its length, as `WordTimes.letters` counts it.
            ms: how long it took.
        """
        if letters <= 0 or ms <= 0:
            return
        measured = min(max(ms / letters, _QUICKEST_MS), _SLOWEST_MS)
        self.ms_per_letter += _LEARNING * (measured - self.ms_per_letter)


class WordTimes:
    """The words of one text, told as their audio arrives.

    Args:
        text: what is spoken.
        ms_per_letter: how fast, as far as that is known ahead.

    Attributes:
        letters: length of the text in letters; digits and pauses count as the letters that last as long.
    """

    def __init__(self, text: str, ms_per_letter: float = USUAL_MS) -> None:
        self._ends = [match.end() for match in _WORD.finditer(text)]
        starts = [0, *self._ends[:-1]]
        self._weights = [_weight(text[start:end]) for start, end in zip(starts, self._ends, strict=False)]
        self.letters = sum(self._weights)
        self._ms_per_letter = ms_per_letter
        self._told = 0
        self._told_ms = 0.0

    def heard(self, ms: float) -> tuple[SpokenWord, ...]:
        """Return the words that end in the audio so far and were not told yet.

        Args:
            ms: length of the audio so far.
        """
        words: list[SpokenWord] = []
        # The last word waits for the end of the audio: before that nobody knows that it is over.
        while self._told < len(self._ends) - 1:
            end_ms = self._told_ms + self._weights[self._told] * self._ms_per_letter
            if end_ms > ms:
                break
            words.append(self._tell(end_ms))
        return tuple(words)

    def finish(self, ms: float) -> tuple[SpokenWord, ...]:
        """Return the words that are left, spread over the audio that is left.

        Args:
            ms: length of all the audio.
        """
        left = sum(self._weights[self._told :])
        per_letter = max(0.0, ms - self._told_ms) / left if left else 0.0
        return tuple(
            self._tell(self._told_ms + self._weights[self._told] * per_letter)
            for _ in range(len(self._ends) - self._told)
        )

    def _tell(self, end_ms: float) -> SpokenWord:
        word = SpokenWord(self._ends[self._told], round(end_ms))
        self._told += 1
        self._told_ms = end_ms
        return word


def _weight(piece: str) -> float:
    digits = sum(character.isdigit() for character in piece)
    letters = sum(character.isalpha() for character in piece)
    pause = 5.0 if _LONG_PAUSE.search(piece) else 2.0 if _SHORT_PAUSE.search(piece) else 0.5
    return letters + _SAID_IN_FULL * digits + pause
