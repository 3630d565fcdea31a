"""What one session uses of its API key's share: audio as it comes in, minutes as they pass."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING

from vivavoce.errors import RemoteProtocolError
from vivavoce.observe.base import SessionObserver
from vivavoce.protocol import AudioInput, PcmFormat, SessionCreated, SessionUpdated, UnsetType

if TYPE_CHECKING:
    from vivavoce.protocol import AudioFormat, InputAudioBufferAppend, ServerEvent, Unknown
    from vivavoce.server.usage import KeyUsage

__all__ = ["Meter"]


class Meter(SessionObserver):
    """Counts for one session and one key. It watches the session, to know the format of its audio.

    Args:
        usage: where it is counted, for all sessions.
        name: name of the key.
    """

    server_events = frozenset({SessionCreated, SessionUpdated})

    def __init__(self, usage: KeyUsage, name: str) -> None:
        self._usage = usage
        self._name = name
        self._format: AudioFormat = PcmFormat()

    @classmethod
    def for_key(cls, usage: KeyUsage, name: str | None) -> Meter | None:
        """Return a meter for a session with this key, or `None` where nothing is limited."""
        if name is None or not usage.is_limited(name):
            return None
        return cls(usage, name)

    def on_server_event(self, event: ServerEvent | Unknown, now: float) -> None:
        """Note in which format audio comes."""
        del now
        if isinstance(event, SessionCreated | SessionUpdated):
            audio = event.session.audio
            heard = AudioInput() if isinstance(audio, UnsetType) else audio.input
            if isinstance(heard, AudioInput) and not isinstance(heard.format, UnsetType):
                self._format = heard.format

    def append(self, event: InputAudioBufferAppend, now: float) -> None:
        """Count audio before the session hears it.

        Raises:
            RemoteProtocolError: the key may send no more of it now.
        """
        event_id = None if isinstance(event.event_id, UnsetType) else event.event_id
        self.hear(self._format.ms_of(len(event.audio)) / 1000.0, now, event_id)

    def hear(self, seconds: float, now: float, event_id: str | None = None) -> None:
        """Count audio before the session hears it, by whatever way it came.

        Args:
            seconds: length of the audio.
            now: time in seconds.
            event_id: the client's id of the event that it came in, or `None`.

        Raises:
            RemoteProtocolError: the key may send no more of it now.
        """
        if (shortage := self._usage.audio(self._name, seconds, now)) is not None:
            raise shortage.error(event_id)

    async def wait_for_shortage(self) -> RemoteProtocolError:
        """Wait until the minutes of the key are used up, and return what the client is told then."""
        now = asyncio.get_running_loop().time
        while (shortage := self._usage.shortage(self._name, now())) is None:
            left = self._usage.seconds_left(self._name, now())
            # Other sessions of the key begin and end meanwhile: look again, at the latest in a minute.
            await asyncio.sleep(min(60.0, max(0.01, left)) if math.isfinite(left) else 60.0)
        return shortage.error()
