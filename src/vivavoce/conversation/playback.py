"""How much of what was sent the person has heard, on the client's side: the one place that counts it.

A server sends speech faster than it is played. What is received queues up at the person's end, item after
item; on an interruption the conversation must be cut where the ear was, not where the network was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from vivavoce.protocol import AudioFormat, PcmFormat

TRACKS = 256
"""Parts that may wait to be heard; beyond them the end of the oldest must have been forgotten."""


def duration_ms(size: int, audio_format: AudioFormat) -> float:
    """Return how long `size` bytes of audio last, in milliseconds."""
    return size * 1000 / (audio_format.sample_rate * audio_format.bytes_per_sample)


class RealtimePlaybackTracker:
    """Tells a session what has really been played, where the application knows better than the clock.

    Pass one per session as ``model_config={"playback_tracker": tracker}`` and report every chunk that leaves
    the loudspeaker, from one thread. Reports about audio that the session did not deliver, or that was
    interrupted meanwhile, are ignored.
    """

    def __init__(self) -> None:
        # A cell of its own for each part: reports come from another thread than the rest.
        self._played_ms: dict[tuple[str, int], list[float]] = {}
        self._format: AudioFormat = PcmFormat()
        self._told: Callable[[], None] | None = None

    def tell(self, listener: Callable[[], None] | None) -> None:
        """Call a function after each report; the session does this, to notice when playback ends."""
        self._told = listener

    def on_play_bytes(self, item_id: str, item_content_index: int, bytes: bytes) -> None:  # noqa: A002  # the name that the Agents SDK gives it
        """Report that these bytes of an item, in the session's output format, have been played."""
        self.on_play_ms(item_id, item_content_index, duration_ms(len(bytes), self._format))

    def on_play_ms(self, item_id: str, item_content_index: int, ms: float) -> None:
        """Report that `ms` more milliseconds of an item have been played."""
        cell, told = self._played_ms.get((item_id, item_content_index)), self._told
        if cell is not None:
            cell[0] += ms
            if told is not None:
                told()

    def set_audio_format(self, audio_format: AudioFormat) -> None:
        """Say what the bytes are; the session does this."""
        self._format = audio_format

    def expect(self, item_id: str, content_index: int) -> None:
        """Begin to accept reports about a part; the session does this."""
        self._played_ms.setdefault((item_id, content_index), [0.0])

    def forget(self, item_id: str, content_index: int) -> None:
        """Ignore further reports about a part; the session does this."""
        self._played_ms.pop((item_id, content_index), None)

    def played_ms(self, item_id: str, content_index: int) -> float:
        """Return how much of a part was reported as played, in milliseconds."""
        (ms,) = self._played_ms.get((item_id, content_index), (0.0,))
        return ms


@dataclass(frozen=True, slots=True)
class Cut:
    """Where an interruption cuts one part.

    Attributes:
        item_id: the assistant's message.
        content_index: the part of it.
        heard_ms: audio that was heard, whole milliseconds.
        received_ms: audio that had been received.
        finished: all of its audio had been received.
    """

    item_id: str
    content_index: int
    heard_ms: int
    received_ms: int
    finished: bool


def _whole(ms: float) -> int:
    """Return full milliseconds; what a float lost in adding up is given back."""
    return int(ms + 1e-6)


@dataclass(slots=True)
class _Track:
    """One part in the queue at the person's end."""

    item_id: str
    content_index: int
    received_ms: float = 0.0
    finished: bool = False


class Playback:
    """The queue at the person's end, oldest first.

    Args:
        tracker: says what was played. Without one, speech is taken to play in real time from its arrival on.
    """

    def __init__(self, tracker: RealtimePlaybackTracker | None = None) -> None:
        self._tracker = tracker
        self._tracks: list[_Track] = []
        self._queued_ms = 0.0
        self._heard_out: list[tuple[str, int]] = []
        self._format: AudioFormat = PcmFormat()
        self._ends = 0.0

    def set_format(self, audio_format: AudioFormat) -> None:
        """Set what the received bytes are."""
        self._format = audio_format
        if self._tracker is not None:
            self._tracker.set_audio_format(audio_format)

    def ms_of(self, size: int) -> int:
        """Return how long `size` bytes last, in whole milliseconds."""
        return _whole(duration_ms(size, self._format))

    def receive(self, item_id: str, content_index: int, size: int, now: float) -> None:
        """Queue `size` bytes of a part."""
        track = self._find(item_id, content_index)
        if track is None:
            self._drop_heard(now)
            if len(self._tracks) >= TRACKS:
                self._forget(self._tracks[:1])
                self._keep(self._tracks[1:])
            track = _Track(item_id, content_index)
            self._tracks.append(track)
            if self._tracker is not None:
                self._tracker.expect(item_id, content_index)
        ms = duration_ms(size, self._format)
        track.received_ms += ms
        self._queued_ms += ms
        self._ends = max(self._ends, now) + ms / 1000

    def finish(self, item_id: str, content_index: int | None = None) -> None:
        """Say that no more audio of a part, or of a whole item, will be received."""
        for track in self._tracks:
            if track.item_id == item_id and content_index in {None, track.content_index}:
                track.finished = True

    def finish_all(self) -> list[Cut]:
        """Say that no more audio will be received; returns the parts that end before their end, and where."""
        cut = [track for track in self._tracks if not track.finished]
        for track in cut:
            track.finished = True
        return [
            Cut(track.item_id, track.content_index, ms, ms, finished=True)
            for track in cut
            for ms in (_whole(track.received_ms),)
        ]

    def playing(self, now: float) -> bool:
        """Say whether speech is being heard, or is about to go on."""
        self._drop_heard(now)
        return bool(self._tracks)

    def holds(self, item_id: str, now: float) -> bool:
        """Say whether something of an item is being heard, or about to be."""
        self._drop_heard(now)
        return any(track.item_id == item_id for track in self._tracks)

    def ended(self, now: float) -> list[tuple[str, int]]:
        """Return the parts that were heard to their end since the last call, as ``(item_id, index)``."""
        self._drop_heard(now)
        ended, self._heard_out = self._heard_out, []
        return ended

    def next_end(self) -> float | None:
        """Return when the part that is playing will have been heard to its end, or ``None``.

        ``None`` also where a tracker knows it: then ask again whenever that reports.
        """
        if self._tracker is not None or not self._tracks or not self._tracks[0].finished:
            return None
        return self._ends - (self._queued_ms - self._tracks[0].received_ms) / 1000

    def interrupt(self, now: float) -> list[Cut]:
        """Empty the queue and return where each part in it was cut, the one being heard first."""
        self._drop_heard(now)
        heard = self._heard(now)
        cuts = [
            Cut(track.item_id, track.content_index, _whole(ms), _whole(track.received_ms), track.finished)
            for track, ms in zip(self._tracks, heard, strict=True)
        ]
        self._forget(self._tracks)
        self._keep([])
        self._ends = now
        return cuts

    def _heard(self, now: float) -> list[float]:
        """Return how much of each part was heard, in milliseconds."""
        if self._tracker is not None:
            played = self._tracker.played_ms
            return [
                min(track.received_ms, played(track.item_id, track.content_index)) for track in self._tracks
            ]
        unheard = max(0.0, self._ends - now) * 1000
        heard: list[float] = []
        for track in reversed(self._tracks):
            waiting = min(unheard, track.received_ms)
            unheard -= waiting
            heard.append(track.received_ms - waiting)
        return heard[::-1]

    def _drop_heard(self, now: float) -> None:
        """Forget what is complete and heard to its end, within the millisecond that rounding may take."""
        if not self._tracks:
            return
        over = [
            track
            for track, ms in zip(self._tracks, self._heard(now), strict=True)
            if track.finished and track.received_ms - ms < 1
        ]
        if over:
            self._forget(over)
            self._heard_out += [(track.item_id, track.content_index) for track in over]
            self._keep([track for track in self._tracks if track not in over])

    def _keep(self, tracks: list[_Track]) -> None:
        """Set what is in the queue; its length is added up here, and not whenever somebody asks."""
        self._tracks = tracks
        self._queued_ms = sum(track.received_ms for track in tracks)

    def _forget(self, tracks: list[_Track]) -> None:
        if self._tracker is not None:
            for track in tracks:
                self._tracker.forget(track.item_id, track.content_index)

    def _find(self, item_id: str, content_index: int) -> _Track | None:
        # Nearly always the one that spoke last.
        for track in reversed(self._tracks):
            if track.item_id == item_id and track.content_index == content_index:
                return track
        return None
