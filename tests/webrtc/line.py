"""One voice on the virtual clock: a sender that encodes, a network that does as it is told, an ear."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from aiortc import RTCRtpCodecParameters
from aiortc.rtp import RtpPacket
from tests.audio.red_packets import join_red

from vivavoce.audio.red import RedBlock
from vivavoce.testing.clock import run
from vivavoce.webrtc.codecs import FRAME_BYTES, VOICE_RATE, VoiceEncoder, encoder_for
from vivavoce.webrtc.inbound import Inbound, Reception

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

FRAME_S = 0.02
OPUS, RED, PCMU, PCMA, OTHER = 111, 63, 0, 8, 9
CODECS = {
    OPUS: RTCRtpCodecParameters("audio/opus", 48000, 2, OPUS),
    RED: RTCRtpCodecParameters("audio/red", 48000, 2, RED),
    PCMU: RTCRtpCodecParameters("audio/PCMU", 8000, 1, PCMU),
    PCMA: RTCRtpCodecParameters("audio/PCMA", 8000, 1, PCMA),
    OTHER: RTCRtpCodecParameters("audio/G722", 8000, 1, OTHER),
}
NAMES = {OPUS: "opus", PCMU: "PCMU", PCMA: "PCMA"}


def tone(seconds: float, hertz: float = 300.0) -> bytes:
    return (
        (6000 * np.sin(2 * np.pi * hertz * np.arange(round(VOICE_RATE * seconds)) / VOICE_RATE))
        .astype("<i2")
        .tobytes()
    )


@dataclass
class Ear:
    """What was given, and when each piece began to be."""

    pieces: list[tuple[float, bytes]] = field(default_factory=list)

    def hear(self, pcm: bytes) -> None:
        self.pieces.append((asyncio.get_running_loop().time(), pcm))

    @property
    def pcm(self) -> bytes:
        return b"".join(pcm for _, pcm in self.pieces)

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / VOICE_RATE

    def loudness(self, begin: float, end: float) -> float:
        part = self.pcm[2 * round(begin * VOICE_RATE) : 2 * round(end * VOICE_RATE)]
        return float(np.std(np.frombuffer(part, "<i2")))


@dataclass
class Line:
    """A sender, and a receiver that takes its packets at times of the virtual clock.

    Attributes:
        payload_type: of the packets.
        copies: how many packets before it are repeated in each (RED).
    """

    payload_type: int = OPUS
    copies: int = 0
    ear: Ear = field(default_factory=Ear)
    ssrc: int = 7
    first: int = 65_500

    def __post_init__(self) -> None:
        self.inbound = Inbound(self.ear.hear)
        self.inbound._codecs = CODECS

    def packets(self, pcm: bytes) -> list[RtpPacket]:
        encoder: VoiceEncoder = encoder_for(NAMES[self.payload_type])
        made: list[RtpPacket] = []
        sent: list[tuple[int, bytes]] = []
        for number in range(len(pcm) // FRAME_BYTES):
            payload = encoder.encode(pcm[number * FRAME_BYTES : (number + 1) * FRAME_BYTES])
            timestamp = (2**32 - 4800 + number * encoder.clock_rate // 50) % 2**32
            sent.append((number * encoder.clock_rate // 50, payload))
            kind = self.payload_type
            if self.copies:
                blocks = sent[-1 - self.copies :]
                kind = RED
                payload = join_red([RedBlock(self.payload_type, sent[-1][0] - at, it) for at, it in blocks])
            sequence = (self.first + number) % 65536
            made.append(RtpPacket(kind, 0, sequence, timestamp, self.ssrc, payload))
        return made

    async def play(self, arrivals: Iterable[tuple[float, RtpPacket]], then: float = 0.0) -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for at, packet in sorted(arrivals, key=lambda arrival: arrival[0]):
            await asyncio.sleep(max(0.0, begin + at - loop.time()))
            self.inbound.receive(packet)
        await asyncio.sleep(then)

    @property
    def reception(self) -> Reception:
        return self.inbound.reception


def steadily(packets: Sequence[RtpPacket], *, without: Iterable[int] = ()) -> list[tuple[float, RtpPacket]]:
    return [(n * FRAME_S, packet) for n, packet in enumerate(packets) if n not in set(without)]


def on_a_line(scenario: Callable[[Line], Coroutine[Any, Any, None]], **line: Any) -> Line:
    made = Line(**line)

    async def main() -> None:
        await scenario(made)
        made.inbound.close()

    run(main())
    return made


async def rest(seconds: float) -> None:
    """Let nothing come for so long."""
    await asyncio.sleep(seconds)
