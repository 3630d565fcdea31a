"""`Line`: the port behind which a human is."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from vivavoce.conversation.playback import RealtimePlaybackTracker


@runtime_checkable
class Line(Protocol):
    """A place where a human speaks and hears: a microphone and a loudspeaker, a phone call, a test.

    Audio is PCM16, little endian, mono, at `sample_rate`, both ways. Methods are called on the event loop.

    Attributes:
        sample_rate: samples per second.
        tracker: is told of all that was played; belongs into the `model_config` of the session, so that an
            interruption cuts the conversation where the ear was.
    """

    sample_rate: int
    tracker: RealtimePlaybackTracker

    async def hear(self) -> bytes:
        """Wait for the next piece of the human's voice and return it; nothing once they have hung up."""
        ...

    def play(self, item_id: str, content_index: int, pcm: bytes) -> None:
        """Queue speech of the agent for the ear. Never waits."""
        ...

    def clear(self) -> None:
        """Be silent at once: what is queued will not be heard."""
        ...
