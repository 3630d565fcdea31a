"""Words that stay: from repeated decodes of a growing window of audio to a text that only grows.

A decoder that hears a whole window changes its mind about the newest words with every second it hears more.
What two decodes in a row agree on is taken for settled (local agreement). Settled audio leaves the window at
the end of a sentence, so that a long turn does not become dearer and dearer. Decides only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

TRIM_S = 15.0
"""Length of the window from which on it is trimmed at the end of a settled sentence."""

FORCE_S = 26.0
"""Length from which on it is trimmed wherever that can be: such models hear 30 s in one go."""

_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")
_MARKS = re.compile(r"[^\w]+")


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word of one decode.

    Attributes:
        text: as it stands in the transcript, with the space in front.
        end_s: where it ends in the window, in seconds.
        probability: how sure the decoder is of it, 0 to 1.
    """

    text: str
    end_s: float
    probability: float = 1.0


class GrowingWindow:
    """The audio of one utterance that is still worth hearing, and what was understood before it.

    Args:
        sample_rate: of the audio, PCM16, in Hz.
        step_s: how much new audio makes another decode worth while, in seconds.

    Attributes:
        settled: the text so far; only ever extended.
        past: the words of the audio that has left the window, as they were understood last.
    """

    def __init__(self, sample_rate: int, step_s: float) -> None:
        self._bytes_per_s = sample_rate * 2
        self._step = int(step_s * self._bytes_per_s)
        self._audio = bytearray()
        self._heard = 0
        self._previous: Sequence[HeardWord] = ()
        self._confirmed = 0
        self.settled = ""
        self.past: list[HeardWord] = []

    @property
    def seconds(self) -> float:
        """Length of the window."""
        return len(self._audio) / self._bytes_per_s

    @property
    def past_text(self) -> str:
        """The text of the audio that has left the window."""
        return "".join(word.text for word in self.past)

    @property
    def ready(self) -> bool:
        """Whether there is enough new audio for another decode."""
        return len(self._audio) - self._heard >= self._step

    def feed(self, pcm: bytes) -> None:
        """Append audio."""
        self._audio += pcm

    def take(self) -> bytes:
        """Return the audio to decode now: all of the window."""
        self._heard = len(self._audio)
        return bytes(self._audio)

    def hear(self, words: Sequence[HeardWord]) -> bool:
        """Take the words of the newest decode; return whether the settled text has grown."""
        agreed = _common(self._previous, words)
        if self._heard / self._bytes_per_s >= FORCE_S and not max(agreed, self._confirmed):
            agreed = len(words)  # never two decodes alike, and no room to wait for them
        grown = words[self._confirmed : agreed]
        self.settled += "".join(word.text for word in grown)
        self._confirmed = max(self._confirmed, agreed)
        self._previous = words
        self._trim(words)
        return bool(grown)

    def text(self, last: str) -> str:
        """Return the whole transcript.

        Args:
            last: what a last decode understood of the window.
        """
        return f"{self.past_text}{last}".strip()

    def _trim(self, words: Sequence[HeardWord]) -> None:
        seconds = self._heard / self._bytes_per_s
        if seconds < TRIM_S:
            return
        sure = min(self._confirmed, len(words))
        ends = [place for place in range(1, sure + 1) if _SENTENCE_END.search(words[place - 1].text)]
        place = ends[-1] if ends else sure if seconds >= FORCE_S else 0
        if not place:
            return
        cut_s = min(words[place - 1].end_s, seconds)
        size = int(cut_s * self._bytes_per_s) // 2 * 2
        del self._audio[:size]
        self._heard -= size
        self.past += words[:place]
        self._previous = [
            HeardWord(word.text, word.end_s - cut_s, word.probability) for word in words[place:]
        ]
        self._confirmed = sure - place


def _common(one: Sequence[HeardWord], other: Sequence[HeardWord]) -> int:
    """Return how many words two decodes begin with alike, whatever their case and punctuation."""
    count = 0
    for mine, yours in zip(one, other, strict=False):
        if _plain(mine.text) != _plain(yours.text):
            break
        count += 1
    return count


def _plain(text: str) -> str:
    return _MARKS.sub("", text).casefold()
