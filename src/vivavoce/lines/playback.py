"""A queue for the ear: what was played, sample by sample, according to a clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from vivavoce.audio.frames import PCM16_BYTES, whole_samples

QUEUE_S = 1800
"""Speech that may wait to be heard, in seconds; what comes on top of that is dropped."""


@dataclass(frozen=True, slots=True)
class PlayedPiece:
    """A piece of one message that was played without a gap.

    Attributes:
        item_id: the message.
        content_index: the part of it.
        start: its first sample, counted from the line's beginning.
        samples: how many.
    """

    item_id: str
    content_index: int
    start: int
    samples: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What reached the ear since the last time.

    Attributes:
        pcm: PCM16, silence where nothing was played.
        pieces: which messages it came from, in order.
    """

    pcm: bytes
    pieces: tuple[PlayedPiece, ...]


@dataclass(slots=True)
class _Queued:
    item_id: str
    content_index: int
    pcm: bytes
    played: int = 0  # bytes


class PlaybackBuffer:
    """Plays what it is given at the speed of time, from the moment at which it is given.

    It has no clock and no loudspeaker of its own: every method is told the time. Audio plays on without a gap
    while there is some; `clear` stops it at the very sample.

    Args:
        sample_rate: samples per second.
        now: when the line begins, in seconds on any steady clock.
    """

    def __init__(self, sample_rate: int, now: float) -> None:
        self._rate = sample_rate
        self._origin = now
        self._position = 0
        self._queue: deque[_Queued] = deque()
        self._queued_bytes = 0
        self._out = bytearray()
        self._pieces: list[PlayedPiece] = []
        self._carry = b""

    @property
    def playing(self) -> bool:
        """Whether something is queued."""
        return bool(self._queue)

    @property
    def position(self) -> int:
        """Samples since the line's beginning, up to the last time that was told."""
        return self._position

    def write(self, item_id: str, content_index: int, pcm: bytes, now: float) -> int:
        """Queue speech; it is played after what is queued already.

        Args:
            item_id: the message it belongs to.
            content_index: the part of it.
            pcm: PCM16; half a sample at the end waits for the next piece.
            now: seconds.

        Returns:
            How many bytes were dropped, because the queue was full.
        """
        self._advance(now)
        pcm = self._carry + pcm
        end = whole_samples(len(pcm), PCM16_BYTES)
        self._carry = pcm[end:]
        room = max(0, QUEUE_S * self._rate * PCM16_BYTES - self._queued_bytes)
        taken = pcm[: min(end, room)]
        if taken:
            self._queue.append(_Queued(item_id, content_index, taken))
            self._queued_bytes += len(taken)
        return end - len(taken)

    def clear(self, now: float) -> None:
        """Forget what has not been played by now."""
        self._advance(now)
        self._queue.clear()
        self._queued_bytes = 0
        self._carry = b""

    def read(self, now: float) -> Heard:
        """Return what was heard since the last call, up to now.

        A time before one that was told already returns what was heard up to the later one.
        """
        self._advance(now)
        heard = Heard(bytes(self._out), tuple(self._pieces))
        self._out.clear()
        self._pieces.clear()
        return heard

    def _advance(self, now: float) -> None:
        # The sum of many frames of 20 ms is not exact: a sample that is due within its millionth is due.
        due = int((now - self._origin) * self._rate + 1e-6)
        while self._position < due and self._queue:
            self._play(due - self._position)
        if self._position < due:
            self._out += bytes((due - self._position) * PCM16_BYTES)
            self._position = due

    def _play(self, most: int) -> None:
        queued = self._queue[0]
        pcm = queued.pcm[queued.played : queued.played + most * PCM16_BYTES]
        queued.played += len(pcm)
        self._queued_bytes -= len(pcm)
        self._out += pcm
        samples = len(pcm) // PCM16_BYTES
        self._report(queued, samples)
        self._position += samples
        if queued.played == len(queued.pcm):
            self._queue.popleft()

    def _report(self, queued: _Queued, samples: int) -> None:
        start = self._position
        if self._pieces:
            last = self._pieces[-1]
            same = (last.item_id, last.content_index) == (queued.item_id, queued.content_index)
            if same and last.start + last.samples == start:
                start, samples = last.start, last.samples + samples
                self._pieces.pop()
        self._pieces.append(PlayedPiece(queued.item_id, queued.content_index, start, samples))
