"""`NoiseReducer`: the port of a filter on the client's audio, before anything else hears it."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable


class NoiseStream(Protocol):
    """The filter of one session. Synchronous: it stands in the way of every audio frame."""

    def process(self, pcm: bytes) -> bytes:
        """Return as much audio as came in, filtered, a little later (`delay_ms`)."""
        ...

    def close(self) -> None:
        """Free what it holds; safe to call twice."""
        ...


@runtime_checkable
class NoiseReducer(Protocol):
    """Makes filters.

    Attributes:
        sample_rate: rate of its PCM16, in Hz.
        delay_ms: how much later the filtered audio comes out.
    """

    sample_rate: int
    delay_ms: float

    def open(self, kind: Literal["near_field", "far_field"], strength: float) -> NoiseStream:
        """Return a filter with fresh state.

        Args:
            kind: `near_field` for a microphone close to the mouth, `far_field` for one in the room.
            strength: 0 leaves the audio as it is, 1 is the full filter.
        """
        ...
