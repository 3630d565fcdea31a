"""The user's latest speech, kept for a server that has to hear it again."""

from __future__ import annotations

from collections import deque

from vivavoce.protocol import (
    AudioFormat,
    ClientEvent,
    InputAudioBufferClear,
    InputAudioBufferCleared,
    InputAudioBufferCommit,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    PcmFormat,
    ServerEvent,
    Unknown,
)

QUIET_MS = 1000
"""Audio kept while the user is silent: a word may begin in it before the server has noticed."""
SPEAKING_MS = 15_000
"""Audio kept while the user speaks, or while there is no connection; older audio is dropped."""


class UnheardAudio:
    """Audio that belongs to no item yet. It would be lost with the connection, so it is kept here, too."""

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._size = 0
        self._end = 0
        self._committing = False
        self._speaking = False
        self._format: AudioFormat = PcmFormat()

    def set_format(self, audio_format: AudioFormat | None) -> None:
        """Set what the bytes are; ``None`` where the server does not say."""
        self._format = audio_format or PcmFormat()

    def add(self, audio: bytes, *, keep_all: bool = False) -> None:
        """Keep a piece of audio.

        Args:
            audio: as it is sent.
            keep_all: nobody tells when the user speaks, so all of it may be speech.
        """
        self._pieces.append(audio)
        self._size += len(audio)
        self._end += len(audio)
        bound = self._format.bytes_of(SPEAKING_MS if keep_all or self._speaking else QUIET_MS)
        while self._size > bound and len(self._pieces) > 1:
            self._size -= len(self._pieces.popleft())

    def hear(self, event: ServerEvent | Unknown) -> None:
        """Note what the server says of the user's speech."""
        if isinstance(event, InputAudioBufferSpeechStarted):
            self._speaking = True
        elif isinstance(event, InputAudioBufferCommitted | InputAudioBufferCleared):
            self._speaking = self._committing = False
            self._pieces.clear()
            self._size = 0

    def sent(self, event: ClientEvent) -> None:
        """Note what was sent: the end of a turn is said again if the connection breaks before its answer."""
        if isinstance(event, InputAudioBufferCommit):
            self._committing = True
        elif isinstance(event, InputAudioBufferClear):
            self._committing = False

    @property
    def committing(self) -> bool:
        """Whether the turn was ended, and the server has not said so."""
        return self._committing and bool(self._pieces)

    def since(self, position: int) -> tuple[bytes, int]:
        """Return what is kept from a position on, and the position of its end; the first position is 0."""
        audio = b"".join(self._pieces)
        new = self._end - position
        return audio[max(0, len(audio) - new) :] if new > 0 else b"", self._end
