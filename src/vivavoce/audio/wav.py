"""Reading and writing PCM16 WAV files, mono or stereo, at any rate."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vivavoce.audio.frames import PCM16_BYTES, duration_ms, whole_samples
from vivavoce.errors import AudioFormatError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PCM16 = np.dtype("<i2")


@dataclass(frozen=True, slots=True)
class Wav:
    """The audio of one WAV file.

    Attributes:
        pcm: PCM16 little-endian samples; in stereo left and right alternate.
        rate: samples per second and channel.
        channels: 1 or 2.
    """

    pcm: bytes
    rate: int
    channels: int = 1

    @property
    def duration_ms(self) -> int:
        """Length in milliseconds, rounded down."""
        return duration_ms(len(self.pcm), self.rate, PCM16_BYTES * self.channels)

    def channel(self, index: int) -> bytes:
        """One channel as mono PCM16: 0 is left (or the only one), 1 is right.

        Raises:
            AudioFormatError: there is no such channel.
        """
        if not 0 <= index < self.channels:
            raise AudioFormatError(
                f"channel {index} asked for, but the audio has {self.channels}, counted from 0"
            )
        return np.frombuffer(self.pcm, _PCM16)[index :: self.channels].tobytes()

    def mono(self) -> bytes:
        """All channels mixed to mono PCM16 with equal weight."""
        if self.channels == 1:
            return self.pcm
        pairs: NDArray[np.int16] = np.frombuffer(self.pcm, _PCM16).reshape(-1, self.channels)
        mixed: NDArray[np.int32] = pairs.sum(axis=1, dtype=np.int32) // self.channels
        return mixed.astype(_PCM16).tobytes()


def read_wav(source: str | Path | bytes) -> Wav:
    """Read a PCM16 WAV file with one or two channels.

    Args:
        source: path of the file, or the file's bytes.

    Raises:
        AudioFormatError: the file cannot be read, is no WAV file, or holds other than 16-bit PCM in 1 or 2
            channels; the message names the file and what is wrong.
    """
    name = f"{len(source)} bytes of WAV" if isinstance(source, bytes) else str(source)
    try:
        data = source if isinstance(source, bytes) else Path(source).read_bytes()
        with wave.open(io.BytesIO(data)) as file:
            channels, width, rate = file.getnchannels(), file.getsampwidth(), file.getframerate()
            pcm = file.readframes(file.getnframes())
    except OSError as error:
        raise AudioFormatError(f"{name}: cannot be read: {error.strerror or error}") from error
    except (wave.Error, EOFError, RuntimeError) as error:  # the last when a chunk's size is wrong
        raise AudioFormatError(f"{name}: not a PCM WAV file: {str(error) or 'it is damaged'}") from error
    if width != PCM16_BYTES:
        raise AudioFormatError(f"{name}: {8 * width}-bit samples; only 16-bit PCM is read, please convert it")
    if channels not in (1, 2):
        raise AudioFormatError(
            f"{name}: {channels} channels; only mono and stereo are read, please mix it down"
        )
    if rate <= 0:
        raise AudioFormatError(f"{name}: sample rate {rate}; it must be positive")
    return Wav(pcm[: whole_samples(len(pcm), PCM16_BYTES * channels)], rate, channels)


def encode_wav(pcm: bytes, rate: int, channels: int = 1) -> bytes:
    """The bytes of a PCM16 WAV file.

    Args:
        pcm: PCM16 little-endian samples; in stereo left and right alternate, see `interleave`.
        rate: samples per second and channel.
        channels: 1 or 2.

    Raises:
        AudioFormatError: the rate or number of channels is out of range, or `pcm` ends within a sample.
    """
    if rate <= 0:
        raise AudioFormatError(f"sample rate must be positive, got {rate}")
    if channels not in (1, 2):
        raise AudioFormatError(f"channels must be 1 or 2, got {channels}")
    if len(pcm) != whole_samples(len(pcm), PCM16_BYTES * channels):
        raise AudioFormatError(
            f"{len(pcm)} bytes are no whole number of 16-bit samples in {channels} channel(s)"
        )
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(PCM16_BYTES)
        file.setframerate(rate)
        file.writeframes(pcm)
    return buffer.getvalue()


def write_wav(path: str | Path, pcm: bytes, rate: int, channels: int = 1) -> None:
    """Write a PCM16 WAV file; arguments and errors as for `encode_wav`.

    Raises:
        OSError: the file cannot be written.
    """
    Path(path).write_bytes(encode_wav(pcm, rate, channels))


def interleave(left: bytes, right: bytes) -> bytes:
    """Two mono PCM16 signals as one stereo signal; the shorter is filled with silence.

    Raises:
        AudioFormatError: a side ends within a sample.
    """
    if len(left) % PCM16_BYTES or len(right) % PCM16_BYTES:
        raise AudioFormatError(f"PCM16 audio has 2 bytes per sample, got {len(left)} and {len(right)} bytes")
    pairs = np.zeros((max(len(left), len(right)) // PCM16_BYTES, 2), _PCM16)
    for side, pcm in enumerate((left, right)):
        pairs[: len(pcm) // PCM16_BYTES, side] = np.frombuffer(pcm, _PCM16)
    return pairs.tobytes()
