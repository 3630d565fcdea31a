"""The voice that goes out: a track that gives packets instead of frames, at the pace of its own clock.

What is encoded already passes through aiortc's sender: it needs neither its encoder nor a thread for it.
"""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import TYPE_CHECKING

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError
from av.packet import Packet

from vivavoce.webrtc.codecs import FRAME_SAMPLES, SILENCE, VOICE_RATE, encoder_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.stream import Stream

FRAME_S = FRAME_SAMPLES / VOICE_RATE

MAX_BURST = 3
"""Packets that are given at once after the event loop has stood still; the clock goes on without others."""

ENCODED_SILENCE = 5
"""Frames of silence that are encoded after speech, so that both ends come to rest; then one is repeated."""


class SpeakerTrack(MediaStreamTrack):
    """A track of 20 ms packets. In silence it repeats one packet and encodes nothing.

    Its clock is the event loop's. When the loop has stood still, at most 3 packets follow at once, and the
    timestamps tell the peer of the rest: a pause, in which `pull` was not asked.

    Args:
        pull: asked every 20 ms for 960 bytes (PCM16 mono, 24 kHz), or ``b""`` for silence. It must not raise.
    """

    kind = "audio"

    def __init__(self, pull: Callable[[], bytes]) -> None:
        super().__init__()
        self._pull = pull
        self._start: float | None = None  # on the loop's clock
        self._frames = 0  # that the clock has seen since then
        self.use("opus")

    def use(self, codec: str) -> None:
        """Encode with this codec, from the next packet on.

        Call it when the exchange of SDP is done and before the first packet; without a call it is Opus.

        Args:
            codec: ``opus``, ``PCMU`` or ``PCMA``, in any case: `name` of the negotiated codec.

        Raises:
            ConfigurationError: the codec is none of them.
        """
        self._encoder = encoder_for(codec)
        self._ticks = self._encoder.clock_rate * FRAME_SAMPLES // VOICE_RATE
        self._time_base = Fraction(1, self._encoder.clock_rate)
        self._silent = 0  # frames of silence one after another
        self._payload = b""

    async def recv(self) -> Packet[Stream]:
        """Wait for the next 20 ms and give their packet.

        Raises:
            aiortc.mediastreams.MediaStreamError: the track has been stopped.
        """
        loop = asyncio.get_running_loop()
        if self._start is None:
            self._start = loop.time()
        due = self._start + self._frames * FRAME_S
        if (wait := due - loop.time()) > 0:
            await asyncio.sleep(wait)
        elif self.readyState == "live":
            # Without this, packets that are due would leave nobody else a turn.
            await asyncio.sleep(0)
        if self.readyState != "live":
            raise MediaStreamError
        behind = int((loop.time() - due) / FRAME_S)
        self._frames += max(0, behind + 1 - MAX_BURST)
        packet: Packet[Stream] = Packet(self._encode(self._pull()))
        packet.pts = self._frames * self._ticks
        packet.time_base = self._time_base
        self._frames += 1
        return packet

    def _encode(self, pcm: bytes) -> bytes:
        if pcm and pcm != SILENCE:
            self._silent = 0
        else:
            if self._silent == ENCODED_SILENCE:
                return self._payload
            self._silent += 1
            pcm = SILENCE
        self._payload = self._encoder.encode(pcm)
        return self._payload
