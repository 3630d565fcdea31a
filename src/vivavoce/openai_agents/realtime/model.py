"""Models, their listeners and the playback tracker, as `agents.realtime.model` has them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypedDict

from vivavoce.connections import RealtimeModel, RealtimeModelConfig
from vivavoce.conversation import playback
from vivavoce.protocol import AudioFormat, AudioOutput, PcmFormat, SessionAudio, UnsetType, present
from vivavoce.session.model_settings import realtime_session

if TYPE_CHECKING:
    from vivavoce.openai_agents.realtime.model_events import RealtimeModelEvent

__all__ = [
    "RealtimeModel",
    "RealtimeModelConfig",
    "RealtimeModelListener",
    "RealtimePlaybackState",
    "RealtimePlaybackTracker",
]


class RealtimeModelListener(ABC):
    """Hears everything that a model tells; see `SessionModel.add_listener`."""

    @abstractmethod
    async def on_event(self, event: RealtimeModelEvent) -> None:
        """Take one event."""


class RealtimePlaybackState(TypedDict):
    """What is being played.

    Attributes:
        current_item_id: the message, or ``None``.
        current_item_content_index: the part of it, or ``None``.
        elapsed_ms: how much of the part was reported as played, or ``None``.
    """

    current_item_id: str | None
    current_item_content_index: int | None
    elapsed_ms: float | None


class RealtimePlaybackTracker(playback.RealtimePlaybackTracker):
    """Tells a session what has really been played: a `vivavoce.RealtimePlaybackTracker` that can be asked."""

    def __init__(self) -> None:
        super().__init__()
        self._playing: tuple[str, int, float] | None = None

    def on_play_ms(self, item_id: str, item_content_index: int, ms: float) -> None:
        """Report that `ms` more milliseconds of an item have been played."""
        before = self._playing
        same = before is not None and before[:2] == (item_id, item_content_index)
        self._playing = (item_id, item_content_index, ms + (before[2] if before and same else 0.0))
        super().on_play_ms(item_id, item_content_index, ms)

    def on_interrupted(self) -> None:
        """Say that nothing is being played any more."""
        self._playing = None

    def forget(self, item_id: str, content_index: int) -> None:
        """Ignore further reports about a part; the session does this."""
        super().forget(item_id, content_index)
        playing = self._playing
        if playing is not None and playing[:2] == (item_id, content_index):
            self._playing = None

    def set_audio_format(self, format: AudioFormat | str | Mapping[str, Any]) -> None:  # noqa: A002  # the name that the Agents SDK gives it
        """Say what the bytes are; the session does this.

        Args:
            format: ``pcm16``, ``g711_ulaw``, ``g711_alaw``, or a format of the Realtime API.

        Raises:
            ConfigurationError: it is no such format.
        """
        super().set_audio_format(_format_from(format) if isinstance(format, str | Mapping) else format)

    def get_state(self) -> RealtimePlaybackState:
        """Return what is being played."""
        item_id, content_index, elapsed_ms = self._playing or (None, None, None)
        return {
            "current_item_id": item_id,
            "current_item_content_index": content_index,
            "elapsed_ms": elapsed_ms,
        }


def _format_from(spelled: str | Mapping[str, Any]) -> AudioFormat:
    audio = present(realtime_session({"output_audio_format": spelled}).audio, SessionAudio())
    found = present(audio.output, AudioOutput()).format
    return PcmFormat() if isinstance(found, UnsetType) else found
