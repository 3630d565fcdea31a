"""A caller who keeps to no protocol once he is inside: packets by hand, behind the encryption of his call."""

from __future__ import annotations

import struct

from aiortc import RTCSctpTransport
from google_crc32c import value as crc32c
from tests.server.rtc_caller import StockCaller

MODULO = 2**32


def chunk(kind: int, body: bytes, flags: int = 0) -> bytes:
    """A chunk of an SCTP packet."""
    text = struct.pack("!BBH", kind, flags, len(body) + 4) + body
    return text + bytes(-len(text) % 4)


def data(tsn: int, content: bytes, *, stream: int = 0, flags: int = 3, protocol: int = 51) -> bytes:
    """A chunk of a message; 2 in `flags` begins it, 1 ends it, 4 takes it out of the order."""
    return chunk(0, struct.pack("!LHHL", tsn % MODULO, stream, 1, protocol) + content, flags)


def sack(up_to: int, *gaps: tuple[int, int]) -> bytes:
    """An acknowledgement, also of what came after gaps."""
    edges = b"".join(struct.pack("!HH", *gap) for gap in gaps)
    return chunk(3, struct.pack("!LLHH", up_to % MODULO, 1 << 20, len(gaps), 0) + edges)


def channel_opening(label: bytes) -> bytes:
    """What opens a data channel."""
    return struct.pack("!BBHLHH", 3, 0, 0, 0, len(label), 0) + label


class Attacker(StockCaller):
    """A caller who sends what no browser sends."""

    @property
    def _sctp(self) -> RTCSctpTransport:
        assert self.connection.sctp is not None
        return self.connection.sctp

    @property
    def next_tsn(self) -> int:
        """The number that the next chunk of data should have."""
        return self._sctp._local_tsn

    @property
    def received(self) -> int:
        """The number of the last chunk that came."""
        return self._sctp._last_received_tsn or 0

    @property
    def ear(self) -> int:
        """The source of the server's voice."""
        return next(iter(self._sctp.transport._rtp_router.ssrc_table))

    async def send_chunks(self, *chunks: bytes) -> None:
        """Send an SCTP packet."""
        sctp, content = self._sctp, b"".join(chunks)
        head = struct.pack("!HHL", sctp._local_port, sctp._remote_port or 0, sctp._remote_verification_tag)
        checksum = struct.pack("<L", crc32c(head + bytes(4) + content))
        await sctp.transport._send_data(head + checksum + content)

    async def send_media(self, packet: bytes) -> None:
        """Send an RTP or RTCP packet."""
        await self._sctp.transport._send_rtp(packet)
