"""Between the formats of the wire and the rates of the engines."""

from __future__ import annotations

from collections.abc import Callable

from vivavoce.audio.g711 import decode_alaw, decode_ulaw, encode_alaw, encode_ulaw
from vivavoce.audio.resample import Resampler
from vivavoce.protocol import AudioFormat, PcmaFormat, PcmuFormat


def pcm_decoder(fmt: AudioFormat) -> Callable[[bytes], bytes] | None:
    """Return what turns audio of the wire into PCM16 at its own rate, or `None` where it is that already."""
    match fmt:
        case PcmuFormat():
            return decode_ulaw
        case PcmaFormat():
            return decode_alaw
    return None


def pcm_encoder(fmt: AudioFormat) -> Callable[[bytes], bytes] | None:
    """Return what turns PCM16 at the wire's own rate into audio of the wire, or `None` where it is that."""
    match fmt:
        case PcmuFormat():
            return encode_ulaw
        case PcmaFormat():
            return encode_alaw
    return None


class Decoder:
    """Turns audio of the wire into PCM16 at an engine's rate, as a stream.

    Args:
        fmt: format of the wire.
        rate: rate of the engine, in Hz.
    """

    def __init__(self, fmt: AudioFormat, rate: int) -> None:
        self._decode = pcm_decoder(fmt)
        self._resampler = Resampler(fmt.sample_rate, rate)

    def process(self, audio: bytes) -> bytes:
        """Return what is ready of the decoded stream."""
        return self._resampler.process(audio if self._decode is None else self._decode(audio))

    def flush(self) -> bytes:
        """Return the rest of the stream and begin a new one."""
        return self._resampler.flush()


class Encoder:
    """Turns an engine's PCM16 into audio of the wire, as a stream.

    Args:
        rate: rate of the engine, in Hz.
        fmt: format of the wire.
    """

    def __init__(self, rate: int, fmt: AudioFormat) -> None:
        self._encode = pcm_encoder(fmt)
        # With an anti-alias filter: synthesised speech is on its way long before it is heard, so the filter's
        # delay costs nothing here.
        self._resampler = Resampler(rate, fmt.sample_rate, quality="LQ")

    def process(self, pcm: bytes) -> bytes:
        """Return what is ready of the encoded stream."""
        return self._encoded(self._resampler.process(pcm))

    def flush(self) -> bytes:
        """Return the rest of the stream and begin a new one."""
        return self._encoded(self._resampler.flush())

    def _encoded(self, pcm: bytes) -> bytes:
        return pcm if self._encode is None else self._encode(pcm)
