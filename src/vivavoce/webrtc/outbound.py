"""The voice that goes out: a track that gives packets instead of frames, at the pace of its own clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiortc import MediaStreamTrack

if TYPE_CHECKING:
    from collections.abc import Callable

    from av.packet import Packet


class SpeakerTrack(MediaStreamTrack):
    """A track of 20 ms packets that are encoded already, so that aiortc's sender neither encodes nor waits.

    Args:
        pull: asked every 20 ms for 960 bytes (PCM16 mono, 24 kHz), or ``b""`` for silence.
    """

    kind = "audio"

    def __init__(self, pull: Callable[[], bytes]) -> None:
        super().__init__()
        self._pull = pull

    def use(self, codec: str) -> None:
        """Encode with this codec, from the next packet on.

        Call it between the exchange of the SDP and the first packet; without a call it is Opus.

        Args:
            codec: ``opus``, ``PCMU`` or ``PCMA``, in any case: `name` of the negotiated codec.

        Raises:
            ConfigurationError: the codec is none of them.
        """
        raise NotImplementedError

    async def recv(self) -> Packet:
        """Wait for the next 20 ms and give their packet.

        Raises:
            aiortc.mediastreams.MediaStreamError: the track has been stopped.
        """
        raise NotImplementedError
