"""Two tracks on one timeline, written while they grow."""

from __future__ import annotations

from vivavoce.audio.frames import PCM16_BYTES
from vivavoce.audio.wav import interleave


class Track:
    """Mono PCM16 on a timeline; silence where nothing was placed.

    Attributes:
        position: samples that were taken off; nothing can change before it.

    Args:
        limit: samples that may wait to be taken; what is placed beyond that is dropped.
    """

    def __init__(self, limit: int) -> None:
        self.position = 0
        self._limit = limit
        self._waiting = bytearray()

    @property
    def end(self) -> int:
        """Where the last sample that was placed ends."""
        return self.position + len(self._waiting) // PCM16_BYTES

    def place(self, at: int, pcm: bytes) -> int:
        """Put samples at a place, or after what is there already, if that is later.

        Args:
            at: where they begin.
            pcm: PCM16.

        Returns:
            How many samples were dropped.
        """
        samples = len(pcm) // PCM16_BYTES
        start = max(at, self.end)
        room = max(0, self.position + self._limit - start)
        if room:
            self._waiting += bytes((start - self.end) * PCM16_BYTES)
            self._waiting += pcm[: min(samples, room) * PCM16_BYTES]
        return max(0, samples - room)

    def cut(self, at: int) -> None:
        """Forget what lies at or after a place."""
        del self._waiting[max(0, at - self.position) * PCM16_BYTES :]

    def take(self, until: int) -> bytes:
        """Return what lies before a place and was not taken, silence where there was nothing."""
        size = max(0, until - self.position) * PCM16_BYTES
        taken = bytes(self._waiting[:size])
        del self._waiting[:size]
        self.position = max(until, self.position)
        return taken + bytes(size - len(taken))


class TwoTracks:
    """The person on the left, the agent on the right, as they were heard.

    Times are seconds since the beginning. Both sides come in pieces, at the moment at which they are known: a
    piece of the person's when it has been spoken, a piece of the agent's before it is played.

    Args:
        rate: samples per second.
        late_s: how late a piece of the person's may come and still close up to the one before it.
        ahead_s: audio of one side that may wait; what comes on top of that is dropped.
    """

    def __init__(self, rate: int, *, late_s: float = 0.25, ahead_s: float = 1800.0) -> None:
        self.rate = rate
        self.dropped_samples = 0
        self._late = round(late_s * rate)
        self._person = Track(round(ahead_s * rate))
        self._agent = Track(round(ahead_s * rate))

    def _sample(self, now: float) -> int:
        # The sum of many frames of 20 ms is not exact: a sample that is due within its millionth is due.
        return int(now * self.rate + 1e-6)

    def person(self, pcm: bytes, now: float) -> None:
        """Add what the person said up to now."""
        began = self._sample(now) - len(pcm) // PCM16_BYTES
        track = self._person
        at = began if began - track.end > self._late else track.end
        self.dropped_samples += track.place(at, pcm)

    def agent(self, pcm: bytes, now: float) -> None:
        """Queue what the agent says: it is heard from now on, or after what is queued already."""
        self.dropped_samples += self._agent.place(self._sample(now), pcm)

    def interrupt(self, now: float) -> None:
        """Let nobody hear what the agent has said beyond now."""
        self._agent.cut(self._sample(now))

    def take(self, now: float) -> bytes:
        """Return what can no longer change, as stereo PCM16.

        That is all up to a moment ago: a piece of the person's may still be on its way.
        """
        return self._take(self._sample(now) - self._late)

    def finish(self, now: float) -> bytes:
        """Return the rest: up to now, and what either side still has beyond it."""
        return self._take(max(self._sample(now), self._person.end, self._agent.end))

    def _take(self, until: int) -> bytes:
        return interleave(self._person.take(until), self._agent.take(until))
