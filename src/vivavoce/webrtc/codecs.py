"""Opus and G.711 between RTP payloads and PCM16 at 24 kHz, 20 ms at a time.

Opus is libopus, by way of PyAV. It takes 24 kHz as it is; it gives 48 kHz, halved here.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from av import AudioFrame, CodecContext, FFmpegError
from av.packet import Packet

from vivavoce.audio import g711
from vivavoce.audio.concealment import Concealment
from vivavoce.audio.polyphase import RatioResampler
from vivavoce.errors import AudioFormatError, ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

VOICE_RATE = 24_000
FRAME_SAMPLES = 480
FRAME_BYTES = 2 * FRAME_SAMPLES
SILENCE = bytes(FRAME_BYTES)

CODECS = ("opus", "PCMU", "PCMA")
"""The codecs there are, best first, as SDP writes them."""

_OPUS_RATE, _G711_RATE = 48_000, 8_000
_OPUS_BIT_RATE = 32_000
_OPUS_OPTIONS = {
    "application": "voip",
    "frame_duration": "20",
    # Each packet has a rough copy of the one before, for a decoder that can use it, as browsers' can.
    "fec": "1",
    "packet_loss": "10",
    # 5 costs 0.2 ms per frame; 1 would cost a third of it, but leave out all sound above 8 kHz.
    "compression_level": "5",
}


class VoiceEncoder(Protocol):
    """Makes payloads of one stream.

    Attributes:
        clock_rate: ticks of the RTP timestamp per second.
    """

    clock_rate: int

    def encode(self, pcm: bytes) -> bytes:
        """Encode the next 20 ms: 960 bytes, PCM16 mono at 24 kHz."""


class VoiceDecoder(Protocol):
    """Reads the payloads of one stream.

    Attributes:
        clock_rate: ticks of the RTP timestamp per second.
    """

    clock_rate: int

    def decode(self, payload: bytes) -> bytes:
        """Give the sound of the next packet as PCM16 mono at 24 kHz.

        Raises:
            AudioFormatError: the payload is none of this codec.
        """

    def conceal(self, samples: int) -> bytes:
        """Make up the sound of lost packets; it fades.

        Args:
            samples: how many are missing, at 24 kHz.

        Returns:
            PCM16 mono at 24 kHz, about as long: whole frames of the codec.
        """


def encoder_for(codec: str) -> VoiceEncoder:
    """Make an encoder.

    Args:
        codec: one of `CODECS`, in any case.

    Raises:
        ConfigurationError: the codec is none of them.
    """
    name = _known(codec)
    return OpusEncoder() if name == "opus" else G711Encoder(a_law=name == "PCMA")


def decoder_for(codec: str) -> VoiceDecoder:
    """Make a decoder.

    Args:
        codec: one of `CODECS`, in any case.

    Raises:
        ConfigurationError: the codec is none of them.
    """
    name = _known(codec)
    return OpusDecoder() if name == "opus" else G711Decoder(a_law=name == "PCMA")


def _known(codec: str) -> str:
    for name in CODECS:
        if codec.lower() == name.lower():
            return name
    raise ConfigurationError(f"{codec!r} is no codec for a voice here: use one of {', '.join(CODECS)}")


class OpusEncoder:
    """Opus for speech, mono, about 32 kbit/s, with in-band error correction."""

    clock_rate = _OPUS_RATE

    def __init__(self) -> None:
        self._context = CodecContext.create("libopus", "w")
        self._context.format = "s16"
        self._context.layout = "mono"
        self._context.sample_rate = VOICE_RATE
        self._context.time_base = Fraction(1, VOICE_RATE)
        self._context.bit_rate = _OPUS_BIT_RATE
        self._context.options = _OPUS_OPTIONS
        # The encoder copies what it is given, so one frame serves for all.
        self._frame = AudioFrame(format="s16", layout="mono", samples=FRAME_SAMPLES)
        self._frame.sample_rate = VOICE_RATE
        self._padding = bytes(self._frame.planes[0].buffer_size - FRAME_BYTES)
        self._pts = 0

    def encode(self, pcm: bytes) -> bytes:
        """Encode the next 20 ms: 960 bytes, PCM16 mono at 24 kHz."""
        self._frame.planes[0].update(pcm + self._padding)
        self._frame.pts = self._pts
        self._pts += FRAME_SAMPLES
        return b"".join(bytes(packet) for packet in self._context.encode(self._frame))


class OpusDecoder:
    """Opus, mono or mixed to mono."""

    clock_rate = _OPUS_RATE

    def __init__(self) -> None:
        self._context = CodecContext.create("libopus", "r")
        self._context.format = "s16"
        self._context.layout = "mono"
        self._context.sample_rate = _OPUS_RATE
        self._halver = RatioResampler(_OPUS_RATE, VOICE_RATE)
        self._lost_frame = b""

    def decode(self, payload: bytes) -> bytes:
        """Give the sound of the next packet as PCM16 mono at 24 kHz.

        Raises:
            AudioFormatError: the payload is no Opus packet.
        """
        if not payload:
            raise AudioFormatError("an Opus packet has at least one byte, got none")
        try:
            frames = self._context.decode(Packet(payload))
        except FFmpegError as error:
            raise AudioFormatError(f"{len(payload)} bytes are no Opus packet: {error}") from error
        # A packet of one frame without content is how Opus writes "nothing came": the decoder then makes up
        # the frame from what it knows of the voice. The first five bits say what kind of frame.
        self._lost_frame = bytes([payload[0] & 0xF8])
        # The planes are padded.
        sound = b"".join(bytes(frame.planes[0])[: 2 * frame.samples] for frame in frames)
        return self._halver.process(sound)

    def conceal(self, samples: int) -> bytes:
        """Make up the sound of lost packets, in whole frames; silence before the first packet."""
        if not self._lost_frame:
            return bytes(2 * samples)
        made, lost_frame = b"", self._lost_frame
        while len(made) < 2 * samples:
            made += self.decode(lost_frame)
        return made


class G711Encoder:
    """Telephone audio, 64 kbit/s.

    Args:
        a_law: A-law (PCMA); default: µ-law (PCMU).
    """

    clock_rate = _G711_RATE

    def __init__(self, *, a_law: bool = False) -> None:
        self._encode: Callable[[bytes], bytes] = g711.encode_alaw if a_law else g711.encode_ulaw
        self._down = RatioResampler(VOICE_RATE, _G711_RATE)

    def encode(self, pcm: bytes) -> bytes:
        """Encode the next 20 ms: 960 bytes, PCM16 mono at 24 kHz."""
        return self._encode(self._down.process(pcm))


class G711Decoder:
    """Telephone audio.

    Args:
        a_law: A-law (PCMA); default: µ-law (PCMU).
    """

    clock_rate = _G711_RATE

    def __init__(self, *, a_law: bool = False) -> None:
        self._decode: Callable[[bytes], bytes] = g711.decode_alaw if a_law else g711.decode_ulaw
        self._concealment = Concealment(_G711_RATE)
        self._up = RatioResampler(_G711_RATE, VOICE_RATE)

    def decode(self, payload: bytes) -> bytes:
        """Give the sound of the next packet as PCM16 mono at 24 kHz.

        Raises:
            AudioFormatError: the payload is empty.
        """
        if not payload:
            raise AudioFormatError("a packet of telephone audio has at least one byte, got none")
        return self._up.process(self._concealment.heard(self._decode(payload)))

    def conceal(self, samples: int) -> bytes:
        """Make up the sound of lost packets."""
        return self._up.process(self._concealment.fill(samples * _G711_RATE // VOICE_RATE))
