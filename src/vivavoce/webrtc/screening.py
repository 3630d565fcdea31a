"""What of a peer's packets reaches the machinery, and how much of our time they take. Decides, never waits.

aiortc takes what authenticated peers send as they send it: a field of length zero keeps it busy for ever, an
acknowledgement of a kilobyte for seconds, and whoever asks for packets again gets hundreds for one. A page's
visitor is such a peer, and everybody else's call waits meanwhile. So packets that no honest peer sends are
left out here, as if the network had lost them.
"""

from __future__ import annotations

import struct
from collections import Counter
from dataclasses import dataclass

MAX_PACKET = 2048
"""Bytes of a packet, decrypted; all are made to fit into a datagram of some 1200."""

MAX_STREAMS = 256
"""Streams of messages; a channel is one, and one channel is wanted."""

MAX_AHEAD = 512
"""Chunks that are kept behind a missing one; of more, only the missing one is taken."""

MAX_PIECES = 2048
"""Chunks of messages that are not complete. A mebibyte in pieces as browsers make them has 900."""

MAX_STEPS = 16384
"""Chunks that a packet brings, times pieces that wait: for each one, all of those are gone through."""

MAX_SOURCES = 8
"""Synchronization sources of a peer's media: one voice, however often its microphone is changed."""

SHARE = 0.25
"""Of a processor's time, what the packets of one peer may take for long; a talking browser takes 0.03."""

CREDIT_S = 0.1
"""Seconds of a processor that they may take at once, after a quiet time."""

TURN_S = 0.01
"""Seconds of a processor after which everybody else has a turn."""

_HEADER = 12
_DATA, _INIT, _INIT_ACK, _SACK, _FORWARD_TSN = 0, 1, 2, 3, 192
# Bytes before the parameters of those kinds of chunks that have some.
_PARAMETERS = {_INIT: 16, _INIT_ACK: 16, 4: 0, 5: 0, 6: 0, 9: 0, 130: 0}
_MAX_PARAMETERS = 32
_MAX_SKIPPED_STREAMS = 8
_MODULO = 2**32
_FEEDBACK, _NACK = 205, 1


@dataclass(frozen=True, slots=True)
class Association:
    """How far the exchange of messages is.

    Attributes:
        next_tsn: number of the next chunk that we send.
        received: number up to which every chunk of the peer has come.
        ahead: how many have come after it.
        pieces: how many wait for the rest of their message, or for their turn.
    """

    next_tsn: int
    received: int
    ahead: int
    pieces: int


class Screen:
    """Looks at the packets of one peer."""

    def __init__(self) -> None:
        self._sources: set[bytes] = set()

    def messages(self, packet: bytes, association: Association) -> bool:
        """Whether an SCTP packet (RFC 9260), decrypted, is taken.

        Args:
            packet: the packet.
            association: how far things are.
        """
        if len(packet) > MAX_PACKET:
            return False
        at, kinds = _HEADER, Counter[int]()
        while at <= len(packet) - 4:
            kind, length = packet[at], int.from_bytes(packet[at + 2 : at + 4])
            body = packet[at + 4 : at + length]
            kinds[kind] += 1
            if length < 4 or at + length > len(packet) or not _is_sound(kind, body, association):
                return False
            at += length + -length % 4
        if kinds.pop(_DATA, 0) * association.pieces > MAX_STEPS:
            return False
        return all(number == 1 for number in kinds.values())

    def media(self, packet: bytes) -> bool:
        """Whether a datagram, still encrypted, may be of the media that were heard so far, or no media.

        Every source costs memory as soon as it is decrypted; but only then it is certain whose it is.
        """
        source = _source(packet)
        return source is None or source in self._sources or len(self._sources) < MAX_SOURCES

    def rtp(self, packet: bytes) -> bool:
        """Whether a decrypted RTP packet is taken; its source is known from now on."""
        return len(packet) <= MAX_PACKET and self._is_known(packet)

    def rtcp(self, packet: bytes) -> bytes:
        """What is taken of a decrypted RTCP packet: everything but requests to send something again.

        Nobody was promised that, and one request would bring hundreds of packets.
        """
        if len(packet) > MAX_PACKET or not self._is_known(packet):
            return b""
        taken, at = b"", 0
        while at <= len(packet) - 4:
            end = at + 4 + 4 * int.from_bytes(packet[at + 2 : at + 4])
            if (packet[at] & 0x1F, packet[at + 1]) != (_NACK, _FEEDBACK):
                taken += packet[at:end]
            at = end
        return taken

    def _is_known(self, packet: bytes) -> bool:
        source = _source(packet)
        if source is None or not self.media(packet):
            return False
        self._sources.add(source)
        return True


class Pace:
    """Says how long the packets of one peer must wait, so that they take no more than their share of time.

    What comes meanwhile waits in the queue of the connection, which is bounded.

    Args:
        now: time in seconds.
    """

    def __init__(self, now: float) -> None:
        self._paid_until = now
        self._in_turn = 0.0

    def wait_s(self, spent: float, now: float) -> float | None:
        """Note what a packet took, and return for how long the next one must wait.

        Args:
            spent: seconds of a processor.
            now: time in seconds.

        Returns:
            Seconds, at least 0, for which all others have their turn; ``None`` where that is not due.
        """
        self._paid_until = max(self._paid_until, now - CREDIT_S / SHARE) + spent / SHARE
        self._in_turn += spent
        if self._paid_until <= now and self._in_turn < TURN_S:
            return None
        self._in_turn = 0.0
        return max(0.0, self._paid_until - now)


def _is_sound(kind: int, body: bytes, association: Association) -> bool:
    if kind == _DATA:
        return _is_sound_data(body, association)
    if kind == _SACK:
        return _is_sound_sack(body, association)
    if kind == _FORWARD_TSN:
        return 4 <= len(body) <= 4 + 4 * _MAX_SKIPPED_STREAMS
    return kind not in _PARAMETERS or _has_sound_parameters(body[_PARAMETERS[kind] :])


def _is_sound_data(body: bytes, association: Association) -> bool:
    if len(body) <= _HEADER:
        return False  # without a byte of content, it would count for nothing and be kept all the same
    tsn, stream = struct.unpack_from("!LH", body)
    missing = tsn == (association.received + 1) % _MODULO
    return (
        stream < MAX_STREAMS
        and association.pieces < MAX_PIECES
        and (missing or association.ahead < MAX_AHEAD)
    )


def _is_sound_sack(body: bytes, association: Association) -> bool:
    """Whether what is acknowledged was sent, and each chunk once: every number between is gone through."""
    if len(body) < 12:
        return False
    up_to, _, gaps, _ = struct.unpack_from("!LLHH", body)
    unacknowledged = (association.next_tsn - 1 - up_to) % _MODULO
    if len(body) < 12 + 4 * gaps or unacknowledged >= _MODULO // 2:
        return False
    edges = struct.unpack_from(f"!{2 * gaps}H", body, 12)
    rises = all(start <= end for start, end in zip(edges[::2], edges[1::2], strict=True))
    apart = all(end < start for end, start in zip(edges[1::2], edges[2::2], strict=False))
    return rises and apart and all(edge <= unacknowledged for edge in edges[-1:])


def _has_sound_parameters(body: bytes) -> bool:
    at = number = 0
    while at <= len(body) - 4:
        length, number = int.from_bytes(body[at + 2 : at + 4]), number + 1
        if length < 4 or number > _MAX_PARAMETERS:
            return False
        at += length + -length % 4
    return True


def _source(packet: bytes) -> bytes | None:
    """The synchronization source of RTP or RTCP, encrypted or not; ``None`` for what is neither."""
    if len(packet) < 8 or not 128 <= packet[0] < 192:
        return None
    at = 4 if 192 <= packet[1] < 224 else 8
    return packet[at : at + 4] if len(packet) >= at + 4 else None
