"""Which words of the agent the ear has heard: those whose audio was played to their end."""

from __future__ import annotations

from dataclasses import dataclass, field

from vivavoce.conversation.heard import SpokenText, spread

MS_PER_CHARACTER = 60
"""How long one character takes to say, while the end of the audio is not known."""
PIECE_MS = 100
"""Words come before the piece of audio in which they begin, so they may begin so much later than it seems."""


@dataclass(slots=True)
class _Speech:
    """One spoken part: its words as they came, and how much audio had come before each."""

    pieces: list[tuple[float, str]] = field(default_factory=list)
    received_ms: float = 0.0
    played_ms: float = 0.0
    finished: bool = False
    told: int = 0

    def heard(self) -> str:
        """Return the words that have been heard so far."""
        spoken = SpokenText()
        for (start, text), end in zip(self.pieces, self._ends(), strict=True):
            for word, ms in spread(text, int(end - start)):
                spoken.add_word(word, int(start) + ms)
        over = self.finished and self.played_ms + 1 >= self.received_ms
        return spoken.text if over else spoken.until(int(self.played_ms) - PIECE_MS)

    def _ends(self) -> list[float]:
        starts = [start for start, _ in self.pieces]
        rest = sum(len(text) for start, text in self.pieces if start == starts[-1])
        last = self.received_ms
        if not self.finished:
            last = max(last, starts[-1] + rest * MS_PER_CHARACTER)
        return [*starts[1:], last]


class AgentWords:
    """Follows the words of an agent from the events of a session and from what was played.

    A server sends words with their audio or ahead of it. So words that came after some audio begin after it,
    and those that came together share the audio up to the next ones, each by its length.
    """

    def __init__(self) -> None:
        self._speech: dict[tuple[str, int], _Speech] = {}

    def words(self, item_id: str, content_index: int, delta: str) -> None:
        """Take in words of a part."""
        speech = self._of(item_id, content_index)
        if speech.pieces and speech.pieces[-1][0] == speech.received_ms:
            _, text = speech.pieces.pop()
            delta = text + delta
        speech.pieces.append((speech.received_ms, delta))

    def audio(self, item_id: str, content_index: int, ms: float) -> None:
        """Take note that audio of a part arrived."""
        self._of(item_id, content_index).received_ms += ms

    def finish(self, item_id: str, content_index: int) -> None:
        """Take note that all audio of a part has arrived."""
        self._of(item_id, content_index).finished = True

    def played(self, item_id: str, content_index: int, ms: float) -> str:
        """Take note that more of a part was played, and return the words that ended in it."""
        speech = self._of(item_id, content_index)
        speech.played_ms += ms
        if not speech.pieces:
            return ""
        heard = speech.heard()
        fresh, speech.told = heard[speech.told :], max(speech.told, len(heard))
        return f" {fresh.strip()}" if fresh.strip() else ""

    def _of(self, item_id: str, content_index: int) -> _Speech:
        return self._speech.setdefault((item_id, content_index), _Speech())
