"""Speech that is held back until the words it speaks have been checked: which piece may be played when.

Sound and transcript arrive interleaved, and neither says which of the other it belongs to. A transcript may
run ahead of its sound or a little behind it. So the rule is the safe one: a piece of sound waits until all
words have passed that had arrived with the first bit of transcript *after* it; where none comes after it,
until all words of its part have passed. Sound of which no words ever came is never played.

What waits is bounded. Beyond the bound the whole response is withheld from there on: an answer with a hole in
it would say something else, and playing the oldest unchecked would defeat the purpose.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Literal

MAX_HELD_BYTES = 16 * 1024 * 1024
"""Sound that may wait: more than five minutes of PCM16 at 24 kHz."""
MAX_HELD_PIECES = 32_768
"""Pieces that may wait, however small they are: more than ten minutes of 20 ms each."""


@dataclass(frozen=True, slots=True)
class HeldChunk:
    """A piece of speech that may now be played.

    Attributes:
        response_id: the answer it belongs to.
        item_id: the message.
        content_index: the part of it.
        data: bytes in the session's output format; empty with `last`.
        last: no more audio of this part will come.
    """

    response_id: str
    item_id: str
    content_index: int
    data: bytes = field(repr=False)
    last: bool = False


@dataclass(frozen=True, slots=True)
class Withheld:
    """Speech that will never be played.

    Attributes:
        response_id: the answer it belongs to.
        item_id: the message.
        size: bytes that were thrown away.
        reason: ``too_much`` waited, and nothing more of this response is played; or there were ``no_words``
            to check it by.
    """

    response_id: str
    item_id: str
    size: int
    reason: Literal["too_much", "no_words"]


@dataclass(frozen=True, slots=True)
class Unplayed:
    """A part of a message that was thrown away, all of it or its end.

    Attributes:
        item_id: the message.
        content_index: the part of it.
        played: bytes that had been let out before.
        size: bytes that were thrown away.
        finished: that was all of its audio.
    """

    item_id: str
    content_index: int
    played: int
    size: int
    finished: bool


@dataclass(slots=True, eq=False)
class _Waiting:
    """A piece that waits for words: for how many, once that is known."""

    chunk: HeldChunk
    part: _Part
    needs: int | None = None

    @property
    def free(self) -> bool:
        return self.needs is not None and 0 < self.needs <= self.part.passed


@dataclass(slots=True, eq=False)
class _Part:
    """The words of one part of a message, in characters, and the pieces that wait to learn their need."""

    item_id: str
    content_index: int
    received: int = 0
    passed: int = 0
    finished: bool = False
    played: int = 0
    sound_finished: bool = False
    unsettled: list[_Waiting] = field(default_factory=list)

    def settle(self) -> None:
        for waiting in self.unsettled:
            waiting.needs = self.received
        self.unsettled = []

    def finish(self) -> None:
        self.finished = True
        self.settle()


@dataclass(slots=True, eq=False)
class _Response:
    parts: dict[tuple[str, int], _Part] = field(default_factory=dict)
    refused: bool = False
    finished: bool = False

    def part(self, item_id: str, content_index: int) -> _Part:
        return self.parts.setdefault((item_id, content_index), _Part(item_id, content_index))


class HeldAudio:
    """The speech of one conversation that waits for its words, oldest first.

    What is released comes in the order in which it was received, across all parts and responses. Only
    responses named by `hold` are held; the others are none of its business.

    Args:
        max_bytes: bound on what waits, in bytes.
        max_pieces: the same in pieces.
    """

    def __init__(self, max_bytes: int = MAX_HELD_BYTES, max_pieces: int = MAX_HELD_PIECES) -> None:
        self._max = max_bytes
        self._max_pieces = max_pieces
        self._size = 0
        self._queue: deque[_Waiting] = deque()
        self._responses: dict[str, _Response] = {}
        self._withheld: list[Withheld] = []
        self._unplayed: list[Unplayed] = []

    def hold(self, response_id: str, *, live: str | None = None) -> None:
        """Begin to hold the speech of a response.

        Args:
            response_id: the response.
            live: one whose speech goes on coming though it is finished: the server plays it itself.
        """
        waiting = {live, *(piece.chunk.response_id for piece in self._queue)}
        over = [name for name, old in self._responses.items() if old.finished and name not in waiting]
        for name in over:
            del self._responses[name]
        self._responses[response_id] = _Response()

    def holds(self, response_id: str) -> bool:
        """Say whether a response is held: what comes of it goes in here, and what comes out is played."""
        return response_id in self._responses

    def receive_audio(
        self, response_id: str, item_id: str, content_index: int, data: bytes
    ) -> list[HeldChunk]:
        """Take in speech; return what may be played now."""
        return self._wait(HeldChunk(response_id, item_id, content_index, data))

    def finish_audio(self, response_id: str, item_id: str, content_index: int) -> list[HeldChunk]:
        """Note that a part has all its audio; return what may be played now.

        The end waits behind the audio, as a chunk that is `last`.
        """
        return self._wait(HeldChunk(response_id, item_id, content_index, b"", last=True))

    def receive_text(self, response_id: str, item_id: str, content_index: int, delta: str) -> None:
        """Take in words, as they are said."""
        response = self._responses.get(response_id)
        if response is not None and delta:
            part = response.part(item_id, content_index)
            part.received += len(delta)
            part.settle()

    def finish_text(
        self, response_id: str, item_id: str, content_index: int, text: str = ""
    ) -> list[HeldChunk]:
        """Note that a part has all its words; return what may be played now.

        Args:
            response_id: the answer.
            item_id: the message.
            content_index: the part of it.
            text: all its words; needed where they did not come in pieces.
        """
        response = self._responses.get(response_id)
        if response is not None:
            part = response.part(item_id, content_index)
            part.received = max(part.received, len(text))
            part.finish()
        return self._release()

    def passed(self, item_id: str, content_index: int, characters: int) -> list[HeldChunk]:
        """Note that so many characters of a part may be said; return what may be played now."""
        for response in self._responses.values():
            if (part := response.parts.get((item_id, content_index))) is not None:
                part.passed = max(part.passed, characters)
        return self._release()

    def finish(self, response_id: str) -> list[HeldChunk]:
        """Note that a response is over; return what may be played now.

        What waits for the last check goes on waiting for it. Speech without words is withheld.
        """
        response = self._responses.get(response_id)
        if response is None:
            return []
        response.finished = True
        for part in response.parts.values():
            part.finish()
            if not part.received and (size := self._throw_away(part)):
                self._note_unplayed(part, size)
                self._withheld.append(Withheld(response_id, part.item_id, size, "no_words"))
        return self._release()

    def drop(self, response_id: str) -> list[HeldChunk]:
        """Throw away what is held, and what may still come, of a response that was stopped.

        Returns:
            What of other responses may be played now.
        """
        if (response := self._responses.get(response_id)) is not None:
            self._refuse(response)
        return self._release()

    def clear(self) -> None:
        """Throw away what is held of all responses: the person has interrupted.

        Nothing more of them is played, either.
        """
        for response in self._responses.values():
            self._refuse(response)

    def unplayed(self) -> list[Unplayed]:
        """Return the parts that will never be played to their end, and forget them."""
        unplayed, self._unplayed = self._unplayed, []
        return unplayed

    def withheld(self) -> list[Withheld]:
        """Return what will never be played, and forget it."""
        withheld, self._withheld = self._withheld, []
        return withheld

    def _wait(self, chunk: HeldChunk) -> list[HeldChunk]:
        response = self._responses.get(chunk.response_id)
        if response is None or response.refused:
            return []
        part = response.part(chunk.item_id, chunk.content_index)
        part.sound_finished |= chunk.last
        if self._size + len(chunk.data) > self._max or len(self._queue) >= self._max_pieces:
            size = self._refuse(response) + len(chunk.data)
            self._withheld.append(Withheld(chunk.response_id, chunk.item_id, size, "too_much"))
            return self._release()
        waiting = _Waiting(chunk, part)
        part.unsettled.append(waiting)
        if part.finished:
            part.settle()
        self._queue.append(waiting)
        self._size += len(chunk.data)
        return self._release()

    def _release(self) -> list[HeldChunk]:
        free: list[HeldChunk] = []
        while self._queue and self._queue[0].free:
            waiting = self._queue.popleft()
            chunk = waiting.chunk
            waiting.part.played += len(chunk.data)
            self._size -= len(chunk.data)
            free.append(chunk)
        return free

    def _refuse(self, response: _Response) -> int:
        """Let nothing more of a response be played; returns the bytes that are thrown away."""
        if response.refused:
            return 0
        response.refused = True
        thrown = [(part, self._throw_away(part)) for part in response.parts.values()]
        for part, size in thrown:
            if size or (part.received and not part.played):
                self._note_unplayed(part, size)
        return sum(size for _, size in thrown)

    def _note_unplayed(self, part: _Part, size: int) -> None:
        place = (part.item_id, part.content_index)
        self._unplayed.append(Unplayed(*place, part.played, size, part.sound_finished))

    def _throw_away(self, part: _Part) -> int:
        size = sum(len(waiting.chunk.data) for waiting in self._queue if waiting.part is part)
        self._queue = deque(waiting for waiting in self._queue if waiting.part is not part)
        self._size -= size
        return size
