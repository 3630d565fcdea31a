"""When each piece of an answer's audio leaves: a little ahead of the moment at which it is heard.

The peer plays what it gets at the speed of time. Sending a whole answer at once would end the response in
milliseconds, and a barge-in could no longer cancel it; sending just in time would stutter. So audio leaves at
most `lead_ms` ahead of the playback that it feeds, and the transcript leaves word by word with its audio.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from vivavoce.conversation.heard import SpokenText, spread

FIRST_DELTA_MS = 40
DELTA_MS = 100

SPOKEN_CHAR_MS = 60
"""How long a spoken character lasts, where the synthesiser does not tell when its words end."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What leaves in one go: the words that begin in this audio, then the audio. Either may be empty."""

    text: str
    audio: bytes


class _Clause:
    """A clause on its way: its text, the audio not sent yet, and the words whose times are known."""

    __slots__ = ("audio", "complete", "sent_bytes", "start_ms", "text", "timed", "words")

    def __init__(self, text: str) -> None:
        self.text = text
        self.audio = bytearray()
        self.words: list[tuple[str, int]] = []  # piece of text, end in ms from the start of the clause
        self.timed = 0  # characters of the text that `words` covers
        self.sent_bytes = 0
        self.start_ms = 0
        self.complete = False


class Playout:
    """The pacer of one audio item.

    Args:
        bytes_per_ms: size of the output format: 48 for PCM16 at 24 kHz, 8 for G.711.
        lead_ms: how far ahead of playback audio may leave.
        play_end: when the peer will have played everything that was sent before, in seconds.
    """

    def __init__(self, bytes_per_ms: int, lead_ms: int, play_end: float = 0.0) -> None:
        self._per_ms = bytes_per_ms
        self._lead = lead_ms / 1000
        self._clauses: deque[_Clause] = deque()
        self._sent_bytes = 0
        self._started = False
        self.play_end = play_end
        self.ended = False
        self.spoken = SpokenText()
        self._emitted_text = 0

    @property
    def sent_ms(self) -> int:
        """Milliseconds of audio sent so far, rounded down."""
        return self._sent_bytes // self._per_ms

    @property
    def drained(self) -> bool:
        """Whether everything has left and nothing more will come."""
        return self.ended and not self._clauses

    @property
    def backlog_ms(self) -> int:
        """Milliseconds of audio that wait to leave."""
        return sum(len(clause.audio) for clause in self._clauses) // self._per_ms

    def begin_clause(self, text: str) -> None:
        """Announce a clause; its audio follows, and the one before has all of its own."""
        self.end_clause()
        self._clauses.append(_Clause(text))

    def add_audio(self, audio: bytes, words: Sequence[tuple[int, int]] = ()) -> None:
        """Add audio of the newest clause; of one that has ended it is too late, and dropped.

        Args:
            audio: bytes in the output format.
            words: `(end, end_ms)` of words not given before: index in the clause's text just after the word,
                and when it has been spoken, from the start of the clause.
        """
        clause = self._open_clause()
        if clause is None:
            return
        clause.audio += audio
        for end, end_ms in words:
            if end > clause.timed:
                clause.words.append((clause.text[clause.timed : end], end_ms))
                clause.timed = end

    def end_clause(self) -> None:
        """Say that the newest clause has all its audio."""
        clause = self._open_clause()
        if clause is None:
            return
        clause.complete = True
        rest = clause.text[clause.timed :]
        duration = (clause.sent_bytes + len(clause.audio)) // self._per_ms
        if not clause.timed:
            clause.words = spread(rest, duration)
        elif rest:
            clause.words.append((rest, duration))

    def end(self) -> None:
        """Say that no clause will follow."""
        self.end_clause()
        self.ended = True

    def _open_clause(self) -> _Clause | None:
        newest = self._clauses[-1] if self._clauses else None
        return None if newest is None or newest.complete else newest

    def cut_off(self) -> None:
        """Say that the audio ends here, maybe in the middle of a clause; its further words are not said.

        Where nobody told when words end, as many are taken to be said as people say in that time.
        """
        if (clause := self._open_clause()) is not None:
            end, ms = clause.timed, (clause.sent_bytes + len(clause.audio)) // self._per_ms
            if not end:
                chars = ms // SPOKEN_CHAR_MS
                end = len(clause.text) if chars >= len(clause.text) else clause.text.rfind(" ", 0, chars) + 1
            clause.text = clause.text[:end]
            clause.words = [(text, end_ms) for text, end_ms in clause.words if end_ms <= ms]
            if clause.sent_bytes:
                self.spoken.cut(clause.start_ms + ms, self._emitted_text)
        self.end()

    def next_deadline(self) -> float | None:
        """Return when the next piece may leave, or `None` while there is nothing to send."""
        clause = self._head()
        if clause is None:
            return None
        if clause.complete or len(clause.audio) >= DELTA_MS * self._per_ms or not self._started:
            return self.play_end - self._lead
        return self.play_end - DELTA_MS / 1000

    def release(self, now: float) -> list[Piece]:
        """Return the pieces that may leave now, in order."""
        pieces: list[Piece] = []
        # A microsecond of grace: a timer may fire a rounding error early.
        while (due := self.next_deadline()) is not None and due <= now + 1e-6:
            pieces.append(self._piece(now))
        return pieces

    def _head(self) -> _Clause | None:
        while self._clauses:
            clause = self._clauses[0]
            if clause.audio or (clause.complete and self._unsaid(clause)):
                return clause
            if not clause.complete:
                return None
            self._clauses.popleft()
        return None

    def _unsaid(self, clause: _Clause) -> bool:
        return bool(clause.words) or self._emitted_text < len(self.spoken.text.rstrip())

    def _piece(self, now: float) -> Piece:
        clause = self._clauses[0]
        if clause.sent_bytes == 0:
            clause.start_ms = self.sent_ms
        size = (DELTA_MS if self._started else FIRST_DELTA_MS) * self._per_ms
        audio = bytes(clause.audio[:size])
        del clause.audio[:size]
        clause.sent_bytes += len(audio)
        self._sent_bytes += len(audio)
        if audio:
            self._started = True
            self.play_end = max(self.play_end, now) + len(audio) / self._per_ms / 1000
        return Piece(self._words_to_say(clause), audio)

    def _words_to_say(self, clause: _Clause) -> str:
        for text, end_ms in clause.words:
            self.spoken.add_word(text, clause.start_ms + end_ms)
        clause.words = []
        last = clause.complete and not clause.audio
        known = (
            self.spoken.length_of(self.spoken.begun_by(self.sent_ms)) if not last else len(self.spoken.text)
        )
        # The space after a word leaves with the next word, so that no transcript ends in one.
        known = len(self.spoken.text[:known].rstrip())
        text = self.spoken.text[self._emitted_text : known]
        self._emitted_text = max(self._emitted_text, known)
        return text

    def said(self) -> str:
        """Return the transcript that has left so far."""
        return self.spoken.text[: self._emitted_text]
