"""A WAV file that can be read at any time while it is written."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from vivavoce.audio.frames import PCM16_BYTES

if TYPE_CHECKING:
    from typing import BinaryIO

HEADER_BYTES = 44
MOST_BYTES = 0xFFFFFFFF - HEADER_BYTES
"""Audio that fits into a WAV file: 12 hours of stereo at 24 kHz."""


class GrowingWav:
    """Writes PCM16. Its header is right after every `write`, so that a file whose writer dies can be read.

    Args:
        file: open for writing, empty.
        rate: samples per second and channel.
        channels: how many.
    """

    def __init__(self, file: BinaryIO, rate: int, channels: int) -> None:
        self._file = file
        self._rate = rate
        self._frame = PCM16_BYTES * channels
        self._channels = channels
        self._size = 0
        self._write_header()

    def write(self, pcm: bytes) -> int:
        """Add samples.

        Returns:
            How many bytes were dropped because the file is full.

        Raises:
            OSError: they cannot be written.
        """
        room = (MOST_BYTES - self._size) // self._frame * self._frame
        taken = pcm[:room]
        if taken:
            self._file.seek(HEADER_BYTES + self._size)
            self._file.write(taken)
            self._size += len(taken)
            self._write_header()
        return len(pcm) - len(taken)

    def _write_header(self) -> None:
        riff = struct.pack("<4sI4s", b"RIFF", HEADER_BYTES - 8 + self._size, b"WAVE")
        rate, frame = self._rate, self._frame
        form = struct.pack(
            "<4sIHHIIHH", b"fmt ", 16, 1, self._channels, rate, rate * frame, frame, 8 * PCM16_BYTES
        )
        self._file.seek(0)
        self._file.write(riff + form + struct.pack("<4sI", b"data", self._size))
        self._file.flush()
