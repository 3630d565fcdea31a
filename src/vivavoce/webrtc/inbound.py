"""The voice that comes in: from RTP packets to samples, in order and without holes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiortc import RTCRtpReceiver


@dataclass(slots=True)
class Reception:
    """What came of a voice, counted since the beginning.

    Attributes:
        packets: packets that came.
        lost: packets that were missing when their turn was over.
        late: packets that came after they had been told as lost.
        duplicates: packets that came again.
        recovered: lost packets that came again in the redundancy of a later one (RED).
        broken: packets that no decoder could read.
        concealed_ms: milliseconds of sound made up in the place of lost packets.
        silence_ms: milliseconds of silence given while no packets came.
    """

    packets: int = 0
    lost: int = 0
    late: int = 0
    duplicates: int = 0
    recovered: int = 0
    broken: int = 0
    concealed_ms: int = 0
    silence_ms: int = 0


class Inbound:
    """Gives the voice of a peer as PCM16 mono at 24 kHz.

    Args:
        on_audio: called on the event loop with the next samples, usually 20 ms.
    """

    def __init__(self, on_audio: Callable[[bytes], None]) -> None:
        self._on_audio = on_audio
        self.reception = Reception()

    def tap(self, receiver: RTCRtpReceiver) -> None:
        """Take the packets of this receiver; call it before the first comes."""
        raise NotImplementedError

    def close(self) -> None:
        """Give nothing any more and let go of timers and decoder; twice is fine."""
        raise NotImplementedError
