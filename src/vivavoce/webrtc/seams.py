"""Everything private of aiortc and aioice that this room touches, beside `webrtc.inbound`'s two attributes.

Each function names one thing; each has a test that fails when a new version moves it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from aioice import Connection
    from aioice.ice import CandidatePair, StunProtocol
    from aiortc import RTCDtlsTransport, RTCRtpCodecParameters, RTCRtpTransceiver, RTCSctpTransport


def carry(transport: RTCDtlsTransport, link: Connection) -> None:
    """Let this transport find its peer by our own ICE connection; before candidates are gathered.

    The peer connection makes its own, with no say in addresses, ports and limits.
    """
    ice = transport.transport
    # The transport makes its credentials known from the gatherer's connection: each must be the same one.
    ice.iceGatherer._connection = link  # noqa: SLF001
    ice._connection = link  # noqa: SLF001
    ice._recv = link.recv  # noqa: SLF001
    ice._send = link.send  # noqa: SLF001


def also_receive(transceiver: RTCRtpTransceiver, codec: RTCRtpCodecParameters) -> None:
    """Let a transceiver negotiate one more codec, after those it knows; before its description is made."""
    transceiver._codecs.append(codec)  # noqa: SLF001


def protocols(link: Connection) -> list[StunProtocol]:
    """The sockets of a connection, which it closes with itself."""
    return link._protocols  # noqa: SLF001


def waiting(link: Connection) -> int:
    """How many datagrams wait to be read."""
    return link._queue.qsize()  # noqa: SLF001


def nominated(link: Connection) -> list[CandidatePair]:
    """The pairs of addresses in use."""
    return list(link._nominated.values())  # noqa: SLF001


def unread(sctp: RTCSctpTransport) -> int:
    """Bytes of messages that came in part; a peer that keeps to the protocol stays within a mebibyte."""
    return 1024 * 1024 - sctp._advertised_rwnd  # noqa: SLF001


async def abandon_relay(transport: object) -> None:
    """Close the way to a TURN server that does not answer; it frees the rest when its time is over."""
    closing = cast("asyncio.Task[None] | None", getattr(transport, "_TurnTransport__close_task", None))
    if closing is not None:
        closing.cancel()
        await asyncio.wait([closing])
