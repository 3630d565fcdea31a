"""What was said, word by word in time: the one place that knows which words fit into how much audio.

"[truncate] will … delete the server-side text transcript to ensure there is no text in the context that
hasn't been heard by the user" (Realtime API reference, conversation.item.truncate).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right


class SpokenText:
    """The transcript of one audio item, growing clause by clause, with the time at which each word ends.

    Times are milliseconds from the start of the item's audio.
    """

    __slots__ = ("_ends_ms", "_text_ends", "text")

    def __init__(self) -> None:
        self.text = ""
        self._text_ends: list[int] = []
        self._ends_ms: list[int] = []

    def add_word(self, text: str, end_ms: int) -> None:
        """Append text (with the space or punctuation around it) that has been spoken by `end_ms`."""
        self.text += text
        self._text_ends.append(len(self.text))
        last = self._ends_ms[-1] if self._ends_ms else 0
        self._ends_ms.append(max(last, end_ms))

    def until(self, ms: int) -> str:
        """Return the words that had been spoken to their end after `ms` milliseconds of audio."""
        count = bisect_right(self._ends_ms, ms)
        return self.text[: self._text_ends[count - 1]].rstrip() if count else ""

    def cut(self, ms: int, told: int) -> None:
        """Forget the words that end after `ms`, but for those in the first `told` characters."""
        count = max(bisect_right(self._ends_ms, ms), bisect_left(self._text_ends, told) + bool(told))
        self.text = self.text[: self.length_of(min(count, len(self._text_ends)))]
        del self._text_ends[count:], self._ends_ms[count:]

    def begun_by(self, ms: int) -> int:
        """Return how many words have begun before `ms`; a word begins where the one before it ends."""
        if ms <= 0:
            return 0
        # What has ended has begun, too: words of no length share the end of the one before them.
        begun = max(bisect_left(self._ends_ms, ms) + 1, bisect_right(self._ends_ms, ms))
        return min(len(self._ends_ms), begun)

    def length_of(self, words: int) -> int:
        """Return how many characters the first `words` words take."""
        return self._text_ends[words - 1] if words else 0


def spread(text: str, duration_ms: int) -> list[tuple[str, int]]:
    """Lay the words of `text` evenly over `duration_ms`, by their length, where no engine told the times.

    Returns:
        Pieces of the text with the time each ends, in ms; joined they give `text` again.
    """
    pieces = _words(text)
    total = len(text) or 1
    spoken = 0
    timed = []
    for piece in pieces:
        spoken += len(piece)
        timed.append((piece, duration_ms * spoken // total))
    return timed


def _words(text: str) -> list[str]:
    pieces: list[str] = []
    for word in text.split(" "):
        if pieces:
            pieces[-1] += " "
        pieces.append(word)
    return [piece for piece in pieces if piece]
