"""Everything private of aiortc and aioice that this room touches, beside `webrtc.inbound`'s two attributes.

Each function names one thing; each has a test that fails when a new version moves it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, cast

from aiortc.rtcsctptransport import Chunk, InitChunk

from vivavoce.webrtc.screening import Association

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from aioice import Connection
    from aioice.ice import CandidatePair, StunProtocol
    from aiortc import RTCDtlsTransport, RTCRtpCodecParameters, RTCRtpTransceiver, RTCSctpTransport

FIRST_WAIT_S, LEAST_WAIT_S, MOST_WAIT_S = 0.5, 0.4, 3.0
"""Seconds until a data channel sends again: before it knows its network, then, and while it is set up."""


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


def send_again_soon(sctp: RTCSctpTransport) -> None:
    """Have a data channel send again what was lost as soon as browsers do; before its association begins.

    RFC 4960 has it wait for three seconds at first and one at least: a person would hear nothing of a call
    whose `session.update` was lost. A peer that is slow to begin is asked ever later, for 19 seconds.
    """
    update, expired, transmit = sctp._update_rto, sctp._t1_expired, sctp._transmit  # noqa: SLF001

    def update_rto(R: float) -> None:  # noqa: N803 - aiortc's name
        update(R)
        sctp._rto = max(LEAST_WAIT_S, (sctp._srtt or R) + 4 * (sctp._rttvar or 0))  # noqa: SLF001

    def t1_expired() -> None:
        sctp._rto = min(FIRST_WAIT_S * 1.5 ** (sctp._t1_failures + 1), MOST_WAIT_S)  # noqa: SLF001
        expired()
        sctp._rto = FIRST_WAIT_S  # noqa: SLF001

    async def try_to_transmit() -> None:
        with contextlib.suppress(ConnectionError):  # the peer has gone, and nobody waits for this
            await transmit()

    sctp._rto = FIRST_WAIT_S  # noqa: SLF001
    sctp._transmit = try_to_transmit  # type: ignore[method-assign]  # noqa: SLF001
    sctp._update_rto = update_rto  # type: ignore[method-assign]  # noqa: SLF001
    sctp._t1_expired = t1_expired  # type: ignore[method-assign]  # noqa: SLF001


def begin_untagged(sctp: RTCSctpTransport) -> None:
    """Have an association begin without a tag each time it is asked for, as RFC 4960 (8.5.1) wants.

    Once the peer has asked, too, aiortc would put the peer's tag on what it sends again, which its own kind
    drops: where both first answers were lost, two of them would never agree.
    """
    send = sctp._send_chunk  # noqa: SLF001

    async def send_chunk(chunk: Chunk) -> None:
        if not isinstance(chunk, InitChunk):
            await send(chunk)
            return
        tag, sctp._remote_verification_tag = sctp._remote_verification_tag, 0  # noqa: SLF001
        try:
            await send(chunk)  # nothing is waited for on the way to the socket
        finally:
            sctp._remote_verification_tag = tag  # noqa: SLF001

    sctp._send_chunk = send_chunk  # type: ignore[method-assign]  # noqa: SLF001


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


def screen_media(
    transport: RTCDtlsTransport,
    recv: Callable[[], Coroutine[Any, Any, bytes]],
    rtp: Callable[[bytes], bool],
    rtcp: Callable[[bytes], bytes],
) -> None:
    """Let datagrams come from here, and decrypted media through only as these say: whether, and what of it.

    After `carry`, and before anything comes.
    """
    transport.transport._recv = recv  # noqa: SLF001
    handle_rtp, handle_rtcp = transport._handle_rtp_data, transport._handle_rtcp_data  # noqa: SLF001

    async def take_rtp(data: bytes, arrival_time_ms: int) -> None:
        if rtp(data):
            await handle_rtp(data, arrival_time_ms=arrival_time_ms)

    async def take_rtcp(data: bytes) -> None:
        await handle_rtcp(rtcp(data))

    transport._handle_rtp_data = take_rtp  # type: ignore[method-assign]  # noqa: SLF001
    transport._handle_rtcp_data = take_rtcp  # type: ignore[method-assign]  # noqa: SLF001


def screen_messages(sctp: RTCSctpTransport, takes: Callable[[bytes, Association], bool]) -> None:
    """Let decrypted SCTP packets through only where this says so."""
    handle = sctp._handle_data  # noqa: SLF001

    async def take(data: bytes) -> None:
        if takes(data, association(sctp)):
            await handle(data)

    sctp._handle_data = take  # type: ignore[method-assign]  # noqa: SLF001


def association(sctp: RTCSctpTransport) -> Association:
    """How far the exchange of messages is."""
    return Association(
        next_tsn=sctp._local_tsn,  # noqa: SLF001
        received=sctp._last_received_tsn or 0,  # noqa: SLF001
        ahead=len(sctp._sack_misordered),  # noqa: SLF001
        pieces=sum(len(stream.reassembly) for stream in sctp._inbound_streams.values()),  # noqa: SLF001
    )


def unread(sctp: RTCSctpTransport) -> int:
    """Bytes of messages that came in part; a peer that keeps to the protocol stays within a mebibyte."""
    return 1024 * 1024 - sctp._advertised_rwnd  # noqa: SLF001


async def abandon_relay(transport: object) -> None:
    """Close the way to a TURN server that does not answer; it frees the rest when its time is over."""
    closing = cast("asyncio.Task[None] | None", getattr(transport, "_TurnTransport__close_task", None))
    if closing is not None:
        closing.cancel()
        await asyncio.wait([closing])
