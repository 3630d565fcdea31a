"""Text and its time: how espeak's marks become words of the text with the moment each has been heard.

Decides only; no library, no thread.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from vivavoce.engines.tts.espeak_library import Mark, MarkKind

LONGEST_PIECE = 400
"""Characters; about half a minute of speech, made in 30 ms."""

_UNSPEAKABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SENTENCE_END = re.compile(r"[.!?…。！？]+[\"'”’»)\]]*\s+|\s*\n\s*")
_WORD = re.compile(r"\S*\w\S*(?:\s+[^\w\s]+(?=\s|$))*")
_PAUSES = re.compile(r"[.!?…,;:。！？，、；：][\"'”’»)\]]*\s*$")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the text that espeak speaks in one go.

    Attributes:
        start: index of its first character in the whole text.
        text: its characters; control characters, which espeak would take for commands, are spaces.
    """

    start: int
    text: str

    @property
    def pauses(self) -> bool:
        """Whether its last punctuation mark asks for a pause."""
        return _PAUSES.search(self.text) is not None


def pieces(text: str) -> Iterator[Piece]:
    """Cut text longer than `LONGEST_PIECE` after its sentences, or else at a space.

    Shorter text stays whole: espeak knows better than a pattern where "Dr. Smith" ends a sentence.
    """
    start = 0
    while start < len(text):
        end = start + LONGEST_PIECE
        if end < len(text):
            sentences = [sentence.end() for sentence in _SENTENCE_END.finditer(text, start, end)]
            end = sentences[-1] if sentences else text.rfind(" ", start, end) + 1 or end
        yield Piece(start, _UNSPEAKABLE.sub(" ", text[start:end]))
        start = end


class Spoken(NamedTuple):
    """A word and its place in the audio.

    Attributes:
        end: index just after the word in the piece, punctuation included.
        end_sample: where its sound ends.
        next_sample: where the next word begins; equal to `end_sample` when no pause lies between.
    """

    end: int
    end_sample: int
    next_sample: int


class WordClock:
    """Follows the marks of one piece and tells when its words have been heard.

    A word is what stands between spaces, with the punctuation that follows it: espeak itself speaks "$5.50"
    as four words. A word's sound ends where the pause after it begins, or else where the next word does. Only
    the next word (or the end) shows which pause was the last, so a word is told when the next one begins.
    A language written without spaces has long words.

    Args:
        text: the piece's text.
    """

    def __init__(self, text: str) -> None:
        words = list(_WORD.finditer(text))
        self._starts = [word.start() for word in words]
        # What has no letter may still be spoken (an emoji is): then all of the text counts as one word.
        self._ends = [word.end() for word in words] or [len(text.rstrip())]
        self._current: int | None = None
        self._silent_since: int | None = None

    def hear(self, mark: Mark) -> Spoken | None:
        """Take the next mark; return the word that is over with it, if one is."""
        if mark.kind is MarkKind.PAUSE:
            if self._silent_since is None:
                self._silent_since = mark.sample
            return None
        if mark.kind is MarkKind.SOUND:
            self._silent_since = None
            return None
        index = max(0, bisect_right(self._starts, mark.position) - 1)
        if self._current is None or index <= self._current:
            self._current = index if self._current is None else self._current
            return None
        over = self._over(mark.sample)
        self._current = index
        return over

    def finish(self, samples: int) -> Spoken | None:
        """Return the last word when the audio has ended, or `None` when nothing was spoken.

        Args:
            samples: length of the audio.
        """
        if self._current is None:
            return None
        # espeak may read the last characters together with an earlier word; all of them are spoken now.
        self._current = len(self._ends) - 1
        return self._over(samples)

    def _over(self, sample: int) -> Spoken:
        assert self._current is not None
        silent_since = sample if self._silent_since is None else self._silent_since
        return Spoken(self._ends[self._current], min(silent_since, sample), sample)
