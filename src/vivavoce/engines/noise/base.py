"""`NoiseReducer`: the port of a filter on the client's audio, before anything else hears it."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

NoiseKind = Literal["near_field", "far_field"]
FRAME_MS = 10
"""Length of the frames that a `NoiseStream` gets."""


class NoiseStream(Protocol):
    """The filter of one session. Synchronous: it stands in the way of every audio frame."""

    def process(self, frame: bytes) -> bytes:
        """Return as much audio as came in, filtered; what it holds may be a few milliseconds old.

        Args:
            frame: 10 ms of PCM16 at the rate of the stream.

        Raises:
            EngineError: the filter failed; the session goes on without it.
        """
        ...

    def close(self) -> None:
        """Free what it holds; safe to call twice."""
        ...


@runtime_checkable
class NoiseReducer(Protocol):
    """Makes filters."""

    def open(self, kind: NoiseKind, strength: float, sample_rate: int) -> NoiseStream:
        """Return a filter with fresh state.

        Args:
            kind: `near_field` for a microphone close to the mouth, `far_field` for one in the room.
            strength: 0 leaves the audio as it is, 1 is the full filter.
            sample_rate: of the audio, in Hz: 8000 or 24000, the wire's own, so that nothing is converted.

        Raises:
            EngineError: it cannot.
        """
        ...
