"""A recording of both sides of a line."""

from __future__ import annotations

from vivavoce.audio.frames import PCM16_BYTES
from vivavoce.audio.wav import encode_wav, interleave

TAPE_S = 3600
"""Length of a tape, in seconds; what comes later is not recorded."""


class Tape:
    """Two tracks on one timeline: what the human said and what they heard.

    Both tracks begin with the line; each is given without gaps, silence included. PCM16, mono.

    Args:
        sample_rate: samples per second of both tracks.
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._human = bytearray()
        self._agent = bytearray()

    @property
    def human(self) -> bytes:
        """The human's track so far."""
        return bytes(self._human)

    @property
    def agent(self) -> bytes:
        """The agent's track so far, as it was heard."""
        return bytes(self._agent)

    @property
    def seconds(self) -> float:
        """Length of the longer track."""
        return max(len(self._human), len(self._agent)) / PCM16_BYTES / self.sample_rate

    def record(self, human: bytes = b"", agent: bytes = b"") -> None:
        """Add to the tracks."""
        limit = TAPE_S * self.sample_rate * PCM16_BYTES
        self._human += human[: max(0, limit - len(self._human))]
        self._agent += agent[: max(0, limit - len(self._agent))]

    def wav(self) -> bytes:
        """Return a stereo WAV file: left the human, right the agent; the shorter is filled up."""
        return encode_wav(interleave(self.human, self.agent), self.sample_rate, channels=2)
