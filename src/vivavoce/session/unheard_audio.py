"""The user's latest speech, kept for a server that has to hear it again."""

from __future__ import annotations

from collections import deque

from vivavoce.protocol import (
    AudioFormat,
    InputAudioBufferCleared,
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
        self._speaking = False
        self._format: AudioFormat = PcmFormat()

    def set_format(self, audio_format: AudioFormat) -> None:
        """Set what the bytes are."""
        self._format = audio_format

    def add(self, audio: bytes, *, keep_all: bool = False) -> None:
        """Keep a piece of audio.

        Args:
            audio: as it is sent.
            keep_all: nobody tells when the user speaks, so all of it may be speech.
        """
        self._pieces.append(audio)
        self._size += len(audio)
        bound = self._format.bytes_of(SPEAKING_MS if keep_all or self._speaking else QUIET_MS)
        while self._size > bound and len(self._pieces) > 1:
            self._size -= len(self._pieces.popleft())

    def hear(self, event: ServerEvent | Unknown) -> None:
        """Note what the server says of the user's speech."""
        if isinstance(event, InputAudioBufferSpeechStarted):
            self._speaking = True
        elif isinstance(event, InputAudioBufferCommitted | InputAudioBufferCleared):
            self._speaking = False
            self._pieces.clear()
            self._size = 0

    def take(self) -> bytes:
        """Return what is kept, in order, and forget it."""
        audio = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        self._speaking = False
        return audio
