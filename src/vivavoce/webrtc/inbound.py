"""The voice that comes in: from RTP packets to samples, in order and without holes.

aiortc's own way is a buffer that stands still for 16 packets at every loss, and a thread that decodes. Here a
packet is decoded when it comes, on the event loop (some 60 µs), and a missing one is waited for as
`PacketOrder` says. Everything private of aiortc that this needs is in `Inbound.tap`.
"""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vivavoce.audio.packets import InOrder, PacketOrder
from vivavoce.audio.red import RedBlock, split_red
from vivavoce.errors import AudioFormatError
from vivavoce.webrtc.codecs import CODECS, FRAME_SAMPLES, VOICE_RATE, VoiceDecoder, decoder_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aiortc import RTCRtpCodecParameters, RTCRtpReceiver
    from aiortc.rtp import RtpPacket

PAUSE_S = 0.16
"""Without packets for so long, in seconds, a voice has paused: longer than jitter and `PacketOrder` take."""

MAX_CONCEALED = round(0.1 * VOICE_RATE)
"""Samples of a hole in which sound is made up; then there is silence."""

MAX_HOLE = 2 * VOICE_RATE
"""Samples that a hole is filled with at most: enough for any end of a turn."""

MAX_COPIES = 4
"""Earlier packets that are read of one packet; browsers send one, rarely two."""

MAX_AHEAD = 10 * VOICE_RATE
"""Samples by which a voice may be ahead of the time since it began: a network may have held it up so long."""

_FRAME_S = FRAME_SAMPLES / VOICE_RATE


@dataclass(frozen=True, slots=True)
class Reception:
    """What came of a voice, counted since the beginning.

    Attributes:
        packets: packets that came.
        lost: packets that were missing when their turn was over.
        late: packets that came after they had been told as lost.
        duplicates: packets that came again.
        recovered: missing packets of which a copy came with a later packet (RED).
        broken: packets that no decoder could read.
        refused: packets with more sound than there was time for.
        concealed_ms: milliseconds of sound made up in the place of packets that did not come.
        silence_ms: milliseconds of silence in their place.
    """

    packets: int = 0
    lost: int = 0
    late: int = 0
    duplicates: int = 0
    recovered: int = 0
    broken: int = 0
    refused: int = 0
    concealed_ms: int = 0
    silence_ms: int = 0


class Inbound:
    """Gives the voice of a peer as PCM16 mono at 24 kHz.

    What comes in order is given at once. The place of lost packets is filled: 100 ms with what the voice was
    just doing, then with silence. So is, in real time, a pause in which no packets come (a microphone taken
    away, a gap in the network); after 2 s of one hole nothing is given until packets come again.

    Args:
        on_audio: called on the event loop with the next samples, usually 20 ms. It must not raise.
    """

    def __init__(self, on_audio: Callable[[bytes], None]) -> None:
        self._on_audio = on_audio
        self._order: PacketOrder[tuple[int, bytes]] = PacketOrder()
        self._codecs: Mapping[int, RTCRtpCodecParameters] = {}
        self._decoders: dict[int, VoiceDecoder | None] = {}
        self._decoder: VoiceDecoder | None = None  # of the last packet
        self._ssrc: int | None = None
        self._expected: int | None = None  # timestamp at which the last packet ends
        self._given_at = 0.0  # when the last packet was given
        self._silence_due = math.inf  # when, if no packet comes, the next silence is given
        self._hole = 0  # samples given since then
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._closed = False
        self._ahead, self._ahead_at = 0.0, 0.0  # samples ahead of real time, and when that was so
        self._packets = self._broken = self._refused = self._concealed = self._silence = 0

    @property
    def reception(self) -> Reception:
        """What came so far."""
        order = self._order
        return Reception(
            packets=self._packets,
            lost=order.lost,
            late=order.late,
            duplicates=order.duplicates,
            recovered=order.recovered,
            broken=self._broken,
            refused=self._refused,
            concealed_ms=self._concealed * 1000 // VOICE_RATE,
            silence_ms=self._silence * 1000 // VOICE_RATE,
        )

    def tap(self, receiver: RTCRtpReceiver) -> None:
        """Take the packets of this receiver, so that none reaches its decoder; RTCP goes on as ever.

        Call it before the first packet comes, so before the peer is connected.
        """
        # The receiver fills this mapping when it starts.
        self._codecs = receiver._RTCRtpReceiver__codecs  # type: ignore[attr-defined]  # noqa: SLF001
        receiver._RTCRtpReceiver__jitter_buffer = _Tap(self.receive)  # type: ignore[attr-defined]  # noqa: SLF001

    def receive(self, packet: RtpPacket) -> None:
        """Take the next packet from the network. `tap` does it."""
        if self._closed:
            return
        self._packets += 1
        now = asyncio.get_running_loop().time()
        if packet.ssrc != self._ssrc:
            self._ssrc = packet.ssrc
            self._order.restart()
        for back, block in self._blocks(packet):
            sequence, timestamp = packet.sequence_number - back, packet.timestamp - block.offset
            content = (block.payload_type, block.payload)
            self._give(self._order.receive(sequence, timestamp, content, now, copy=back > 0), now)
        self._set_timer()

    def close(self) -> None:
        """Give nothing any more and let go of timers and decoders; twice is fine."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._decoders.clear()
        self._decoder = None

    def _blocks(self, packet: RtpPacket) -> list[tuple[int, RedBlock]]:
        """The payloads of a packet, each with how many packets ago it was due; oldest first."""
        codec = self._codecs.get(packet.payload_type)
        if codec is None or codec.name.lower() != "red":
            return [(0, RedBlock(packet.payload_type, 0, packet.payload))]
        try:
            blocks = split_red(packet.payload)[-1 - MAX_COPIES :]
        except AudioFormatError:
            # It keeps its place in the order, where nobody can read it.
            return [(0, RedBlock(packet.payload_type, 0, b""))]
        return [(len(blocks) - 1 - number, block) for number, block in enumerate(blocks)]

    def _give(self, packets: list[InOrder[tuple[int, bytes]]], now: float) -> None:
        for packet in packets:
            payload_type, payload = packet.payload
            decoder = self._decoder_of(payload_type)
            if decoder is None:
                self._broken += 1
                continue
            self._ahead = max(0.0, self._ahead - (now - self._ahead_at) * VOICE_RATE)
            self._ahead_at = now
            if self._ahead > MAX_AHEAD:
                self._refused += 1
                self._expected = None
                continue
            if packet.restarted or self._expected is None:
                self._expected = packet.timestamp
            ahead = (packet.timestamp - self._expected) * VOICE_RATE // decoder.clock_rate
            self._decoder = decoder
            self._fill(min(ahead, MAX_HOLE) - self._hole)
            sound = self._sound(decoder, payload)
            end = packet.timestamp + len(sound) // 2 * decoder.clock_rate // VOICE_RATE
            self._expected = max(self._expected, end)
            self._ahead += len(sound) // 2
            self._given_at, self._silence_due, self._hole = now, now + PAUSE_S, 0
            if sound:
                self._on_audio(sound)

    def _sound(self, decoder: VoiceDecoder, payload: bytes) -> bytes:
        if not payload:
            return b""
        try:
            return decoder.decode(payload)
        except AudioFormatError:
            self._broken += 1
            return b""

    def _decoder_of(self, payload_type: int) -> VoiceDecoder | None:
        if payload_type not in self._decoders:
            codec = self._codecs.get(payload_type)
            known = codec is not None and codec.name.lower() in {name.lower() for name in CODECS}
            self._decoders[payload_type] = decoder_for(codec.name) if codec is not None and known else None
        return self._decoders[payload_type]

    def _fill(self, samples: int) -> None:
        """Give the next samples of a hole, as far as holes are filled."""
        concealed = min(samples, MAX_CONCEALED - self._hole)
        if concealed > 0 and self._decoder is not None:
            self._on_audio(self._decoder.conceal(concealed)[: 2 * concealed])
            self._concealed += concealed
            self._hole += concealed
            samples -= concealed
        silent = min(samples, MAX_HOLE - self._hole)
        if silent > 0:
            self._on_audio(bytes(2 * silent))
            self._silence += silent
            self._hole += silent

    def _set_timer(self) -> None:
        """Be called again when the first of what is waited for is due."""
        due = self._order.next_deadline()
        if due is None:
            due = self._silence_due if self._hole < MAX_HOLE else math.inf
        # It fires before it is due more often than not: cheaper than a new timer for each packet.
        if due == math.inf or (self._timer is not None and self._timer_due <= due):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_at(due, self._fire)
        self._timer_due = due

    def _fire(self) -> None:
        # The clock of a loop may be a little behind the timer that it lets go.
        now = max(asyncio.get_running_loop().time(), self._timer_due)
        self._timer = None
        self._give(self._order.handle_deadline(now), now)
        # Where something waits, what is missing before it will soon be known.
        if now >= self._silence_due and self._order.next_deadline() is None:
            # At twice the pace, until the silence has caught up with the time in which nobody knew of it.
            self._fill(min(2 * FRAME_SAMPLES, round((now - self._given_at) * VOICE_RATE) - self._hole))
            self._silence_due = now + _FRAME_S
        if not self._closed:
            self._set_timer()


class _Tap:
    """Stands in the place of aiortc's `JitterBuffer`, and never has a frame for its decoder."""

    def __init__(self, receive: Callable[[RtpPacket], None]) -> None:
        self._receive = receive

    def add(self, packet: RtpPacket) -> tuple[bool, None]:
        """Take a packet. The answer: no picture is asked for, no frame is complete."""
        self._receive(packet)
        return False, None
