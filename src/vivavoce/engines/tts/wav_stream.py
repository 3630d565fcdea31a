"""The samples of a WAV file that is still arriving. Decides only."""

from __future__ import annotations

import struct

from vivavoce.errors import EngineError

_LONGEST_HEAD = 64 * 1024
_PCM, _EXTENSIBLE = 1, 0xFFFE


class WavStream:
    """Takes a WAV file in pieces and gives its samples, mono PCM16.

    The sizes in the head of a streamed file are guesses (often 0 or the largest number); audio goes on until
    the pieces end, unless the head says honestly how long it is.

    Args:
        sample_rate: the rate that the file must have, in Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._rate = sample_rate
        self._head = bytearray()
        self._left: int | None = None
        self._checked = False

    def feed(self, piece: bytes) -> bytes:
        """Take the next bytes of the file and return the samples that they complete.

        Raises:
            EngineError: this is no such file.
        """
        if self._left is None:
            self._head += piece
            piece = self._open()
        if self._left is None:
            return b""
        samples = piece[: self._left]
        self._left -= len(samples)
        return samples

    def _open(self) -> bytes:
        """Read the head as far as it is here; return what follows it once it is complete."""
        head = self._head
        if len(head) < 12:
            return b""
        if head[:4] != b"RIFF" or head[8:12] != b"WAVE":
            raise EngineError("the synthesizer sent something that is no WAV file; try format = 'pcm'")
        place = 12
        while len(head) >= place + 8:
            name, size = struct.unpack_from("<4sI", head, place)
            body = place + 8
            if name == b"data":
                if not self._checked:
                    raise EngineError("the synthesizer sent a WAV file that does not say its format")
                self._left = size if 0 < size < 0x7FFF0000 else 1 << 62
                return bytes(head[body:])
            if len(head) < body + size + size % 2:
                break
            if name == b"fmt ":
                self._check(bytes(head[body : body + size]))
            place = body + size + size % 2
        if len(head) > _LONGEST_HEAD:
            raise EngineError("the synthesizer sent a WAV file whose head does not end")
        return b""

    def _check(self, form: bytes) -> None:
        if len(form) < 16:
            raise EngineError("the synthesizer sent a WAV file with a broken head")
        code, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", form)
        if code not in {_PCM, _EXTENSIBLE} or channels != 1 or bits != 16:
            raise EngineError(
                f"the synthesizer sent a WAV file of format {code}, {channels} channels, {bits} bits; "
                "mono PCM of 16 bits is needed"
            )
        if rate != self._rate:
            raise EngineError(
                f"the synthesizer sent audio of {rate} Hz, not of {self._rate}; set sample_rate = {rate}"
            )
        self._checked = True
