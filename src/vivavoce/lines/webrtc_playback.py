"""What a browser hears of the agent: speech that is taken in steps of 20 ms, and reported as played."""

from __future__ import annotations

from typing import TypeAlias

from vivavoce.audio.frames import PCM16_BYTES
from vivavoce.conversation.playback import RealtimePlaybackTracker
from vivavoce.lines.playback import Heard, PlaybackBuffer, PlayedPiece

SAMPLE_RATE = 24_000
FRAME_SAMPLES = 480
"""Samples of one step: 20 ms."""
CUT_PARTS = 64
"""Parts of which is remembered that nobody wants to hear the rest."""

_Part: TypeAlias = tuple[str, int]


class CuttingTracker(RealtimePlaybackTracker):
    """A playback tracker that knows which parts the session has cut or given up.

    An interruption reaches the line as an event, a moment after the session decided on it. What is played in
    that moment would be more than the conversation says was heard; so the line asks here as well.
    """

    def __init__(self) -> None:
        super().__init__()
        self._cut: dict[_Part, None] = {}

    def expect(self, item_id: str, content_index: int) -> None:
        """Begin to accept reports about a part; the session does this."""
        self._cut.pop((item_id, content_index), None)
        super().expect(item_id, content_index)

    def forget(self, item_id: str, content_index: int) -> None:
        """Ignore further reports about a part, and let no more of it be played; the session does this."""
        self._cut[item_id, content_index] = None
        if len(self._cut) > CUT_PARTS:
            del self._cut[next(iter(self._cut))]
        super().forget(item_id, content_index)

    def is_cut(self, item_id: str, content_index: int) -> bool:
        """Return whether nobody is to hear more of a part."""
        return (item_id, content_index) in self._cut


class PacedPlayback:
    """Plays speech at the speed at which it is pulled, whatever the speed at which it arrives.

    Args:
        tracker: is told of everything that was pulled.
    """

    def __init__(self, tracker: CuttingTracker) -> None:
        self._tracker = tracker
        self._buffer = PlaybackBuffer(SAMPLE_RATE, 0.0)
        self._frames = 0

    @property
    def playing(self) -> bool:
        """Whether something is queued."""
        return self._buffer.playing

    def play(self, item_id: str, content_index: int, pcm: bytes) -> None:
        """Queue speech: PCM16, mono, 24 kHz."""
        self._buffer.write(item_id, content_index, pcm, self._now)

    def clear(self) -> None:
        """Forget what is queued: the next frame is silent."""
        self._buffer.clear(self._now)

    def pull(self) -> Heard:
        """Return the next 20 ms: 960 bytes and whose they are, or nothing while nothing is queued."""
        if not self._buffer.playing:
            return Heard(b"", ())  # the clock of this buffer stands still: nobody asks it what time it is
        start = self._buffer.position
        self._frames += 1
        heard = self._buffer.read(self._now)
        cut = [piece for piece in heard.pieces if self._tracker.is_cut(piece.item_id, piece.content_index)]
        if cut:
            heard = _without(heard, cut, start)
        for piece in heard.pieces:
            ms = piece.samples * 1000 / SAMPLE_RATE
            self._tracker.on_play_ms(piece.item_id, piece.content_index, ms)
        return heard

    @property
    def _now(self) -> float:
        return self._frames * FRAME_SAMPLES / SAMPLE_RATE


def _without(heard: Heard, cut: list[PlayedPiece], start: int) -> Heard:
    """Return what was heard with silence in the place of some pieces; `start` is its first sample."""
    pcm = bytearray(heard.pcm)
    for piece in cut:
        first = (piece.start - start) * PCM16_BYTES
        pcm[first : first + piece.samples * PCM16_BYTES] = bytes(piece.samples * PCM16_BYTES)
    return Heard(bytes(pcm), tuple(piece for piece in heard.pieces if piece not in cut))
