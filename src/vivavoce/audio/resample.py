"""Streaming sample-rate conversion of mono PCM16, on soxr.

Quality costs latency. Audio held back while 20 ms frames stream through, at most, in milliseconds:

=============  ====  ====  =====
rates          QQ    LQ    HQ
=============  ====  ====  =====
24 k to 16 k   0.1    20     37
8 k to 16 k    0.3    61    115
24 k to 8 k    0.1    40     73
22.05 to 24 k  0.1     1     42
=============  ====  ====  =====

``QQ`` interpolates without a filter: right for the live path into a detector or recogniser. ``LQ`` filters
properly (images and aliases below -90 dB) but in bursts: right for synthesised speech, which comes faster
than real time, above all on its way down to 8 kHz.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import soxr

from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Quality = Literal["QQ", "LQ", "MQ", "HQ", "VHQ"]
"""soxr's presets, from the fastest to the most exact."""

_QUALITIES = get_args(Quality)
_PCM16 = np.dtype("<i2")
_BLOCKS = 16


class Resampler:
    """Converts a stream of PCM16 chunks to another sample rate; chunk sizes do not change the result.

    Args:
        source_rate: samples per second of what comes in.
        target_rate: samples per second of what goes out; equal rates pass the audio through untouched.
        quality: soxr preset; the default adds 0.1 ms, see the table above.

    Raises:
        ConfigurationError: a rate is not positive or the quality is unknown.
    """

    def __init__(self, source_rate: int, target_rate: int, quality: Quality = "QQ") -> None:
        if source_rate <= 0 or target_rate <= 0:
            raise ConfigurationError(f"sample rates must be positive, got {source_rate} and {target_rate}")
        if quality not in _QUALITIES:
            raise ConfigurationError(f"quality must be one of {', '.join(_QUALITIES)}, got {quality!r}")
        # float32, for with int16 soxr adds dither: noise in silence, and a result that depends on the chunks.
        self._stream = (
            None
            if source_rate == target_rate
            else soxr.ResampleStream(source_rate, target_rate, 1, dtype="float32", quality=quality)
        )
        self._carry = b""

    def process(self, pcm: bytes) -> bytes:
        """Convert the next chunk and return what is ready, possibly nothing.

        Args:
            pcm: PCM16 little-endian; half a sample at the end waits for the next chunk.
        """
        if self._carry:
            pcm = self._carry + pcm
        end = len(pcm) & ~1
        self._carry = pcm[end:]
        pcm = pcm[:end]
        return pcm if self._stream is None else self._convert(self._stream, pcm, last=False)

    def flush(self) -> bytes:
        """End the stream: return the audio still held back and make ready for a new stream.

        Half a sample that never got its second byte is dropped.
        """
        self._carry = b""
        if self._stream is None:
            return b""
        tail = self._convert(self._stream, b"", last=True)
        self._stream.clear()
        return tail

    def reset(self) -> None:
        """Forget the stream so far, for example after an interruption; nothing is returned."""
        self._carry = b""
        if self._stream is not None:
            self._stream.clear()

    @staticmethod
    def _convert(stream: soxr.ResampleStream, pcm: bytes, *, last: bool) -> bytes:
        # One column, because soxr would make one of a row and a row of what it returns.
        samples = stream.resample_chunk(np.frombuffer(pcm, _PCM16)[:, None].astype(np.float32), last=last)
        np.rint(samples, out=samples)
        converted: bytes = samples.clip(-32768, 32767, out=samples).astype(_PCM16).tobytes()
        return converted


class ChunkResampler:
    """Converts chunks of many streams in one computation, by cubic interpolation, as ``QQ`` does.

    For detectors that take equal chunks: a fraction of what a `Resampler` per stream costs, and nothing is
    held back. Streams have no state here; each row brings the end of its stream's chunk before.

    Attributes:
        source_samples: length of a chunk before conversion.

    Args:
        source_rate: samples per second of what comes in.
        target_rate: samples per second of what goes out.
        target_samples: length of a chunk after conversion.

    Raises:
        ConfigurationError: such a chunk is not a whole number of samples at `source_rate`.
    """

    HISTORY = 3
    """Samples of the chunk before that a row begins with; zeros at the beginning of a stream."""

    def __init__(self, source_rate: int, target_rate: int, target_samples: int) -> None:
        self.source_samples, rest = divmod(target_samples * source_rate, target_rate)
        if rest:
            raise ConfigurationError(
                f"{target_samples} samples at {target_rate} Hz are no whole number at {source_rate} Hz"
            )
        # Every block of a chunk is the same linear combination of its samples: one matrix serves all.
        self._blocks = math.gcd(_BLOCKS, self.source_samples, target_samples)
        outputs = np.arange(target_samples // self._blocks)
        at = outputs * source_rate / target_rate
        before = at.astype(np.intp)
        t = at - before
        # Catmull-Rom: through the two middle points, with the slopes that their neighbours give.
        cubics = (t * (t * (2 - t) - 1), t * t * (3 * t - 5) + 2, t * (t * (4 - 3 * t) + 1), t * t * (t - 1))
        self._weights = np.zeros((self.source_samples // self._blocks + self.HISTORY, len(at)), np.float32)
        for offset, cubic in enumerate(cubics):
            self._weights[before + offset, outputs] = cubic / 2

    def convert(self, rows: NDArray[np.int16]) -> NDArray[np.int16]:
        """Convert one chunk of each stream.

        Args:
            rows: int16 array (n, `HISTORY` + `source_samples`).

        Returns:
            int16 array (n, `target_samples`).
        """
        samples = rows.astype(np.float32)
        size, step = len(self._weights), self.source_samples // self._blocks * samples.itemsize
        blocks = np.lib.stride_tricks.as_strided(
            samples, (len(rows), self._blocks, size), (samples.strides[0], step, samples.itemsize)
        )
        # Copied, because overlapping rows are not multiplied by BLAS.
        converted = np.matmul(blocks.reshape(-1, size), self._weights).reshape(len(rows), -1)
        np.rint(converted, out=converted)
        clipped: NDArray[np.int16] = converted.clip(-32768, 32767, out=converted).astype(np.int16)
        return clipped
