"""Where in a segment somebody spoke, told by the loudness of its frames alone."""

from __future__ import annotations

import numpy as np

BYTES_PER_MS = 32
FRAME_MS = 10
_FRAME_BYTES = FRAME_MS * BYTES_PER_MS

QUIET_DB = 25.0
"""Frames this far below the speech of the same segment belong to a pause."""
LOUD_FRAMES = 10
"""So many frames must be as loud as what counts as the level of the speech: a click is shorter."""
SILENCE_LEVEL = 10.0
"""Root mean square (of 32768) up to which everything is silence, however quiet the rest is."""
LEAD_MS = 300
"""Kept before the first loud frame: soft consonants, and the background the decoder measures itself by."""
TAIL_MS = 250
"""Kept after the last loud frame: a faint end of the last word."""


class SpeechSpan:
    """Collects the audio of one segment and tells which part of it is worth decoding.

    The part depends on the audio alone, and silence after the last word does not move it once `TAIL_MS` of
    that have been heard.
    """

    def __init__(self) -> None:
        self._audio = bytearray()
        self._levels = np.empty(0)
        self._start = 0
        self._last_loud_end = 0

    @property
    def milliseconds(self) -> int:
        """Length of the segment so far."""
        return len(self._audio) // BYTES_PER_MS

    @property
    def pause_ms(self) -> int:
        """Length of the silence since the last loud frame, or since the beginning."""
        return (len(self._audio) - self._last_loud_end) // BYTES_PER_MS

    @property
    def settled(self) -> bool:
        """Whether somebody spoke, and more silence would not move the end of the part."""
        return self._last_loud_end > 0 and self.pause_ms >= TAIL_MS

    @property
    def bounds(self) -> tuple[int, int]:
        """First byte of the part, and the one after its last; equal if nobody spoke."""
        if not self._last_loud_end:
            return 0, 0
        return self._start, min(self._last_loud_end + TAIL_MS * BYTES_PER_MS, len(self._audio))

    def speech(self) -> bytes:
        """Return the part: PCM16 at 16 kHz."""
        start, end = self.bounds
        return bytes(self._audio[start:end])

    def add(self, pcm: bytes) -> None:
        """Take more.

        Args:
            pcm: PCM16 at 16 kHz, mono. Only the last block of a segment may end within a frame of 10 ms;
                such an end is kept, but not listened to.
        """
        self._audio += pcm
        frames = len(pcm) // _FRAME_BYTES
        samples = np.frombuffer(pcm, "<i2", frames * _FRAME_BYTES // 2).astype(np.float64)
        levels = np.sqrt(np.square(samples.reshape(frames, -1)).mean(axis=1)) if frames else np.empty(0)
        self._levels = np.concatenate([self._levels, levels])
        count = len(self._levels)
        if not count:
            return
        rank = max(count - LOUD_FRAMES, 0)
        speech_level = np.partition(self._levels, rank)[rank]
        threshold = max(SILENCE_LEVEL, float(speech_level) * 10 ** (-QUIET_DB / 20))
        loud = np.flatnonzero(self._levels > threshold)
        if len(loud):
            self._start = max(0, int(loud[0]) * _FRAME_BYTES - LEAD_MS * BYTES_PER_MS)
            self._last_loud_end = (int(loud[-1]) + 1) * _FRAME_BYTES
