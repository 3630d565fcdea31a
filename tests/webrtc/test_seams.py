"""One test for each private thing of aiortc and aioice that is touched: a failure says what has moved."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from aioice import Connection
from aioice.turn import TurnTransport
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpCodecParameters
from aiortc.rtcsctptransport import CookieAckChunk, DataChunk, InboundStream, InitChunk
from tests.webrtc.ends import LOCAL, call
from tests.webrtc.ice_servers import PASSWORD, USER, TurnServer, serving

from vivavoce.webrtc import seams
from vivavoce.webrtc.config import IceServer, RtcConfig
from vivavoce.webrtc.ice import IceLink

if TYPE_CHECKING:
    from collections.abc import Coroutine

MOVED = "aiortc or aioice keeps this elsewhere now: see webrtc/seams.py"


def in_loop(work: Coroutine[None, None, None]) -> None:
    asyncio.run(work)


def test_carry_puts_our_link_into_every_place() -> None:
    async def carry() -> None:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        transport = connection.addTransceiver("audio").sender.transport
        link = Connection(ice_controlling=False)
        ice = transport.transport
        places = ((ice.iceGatherer, "_connection"), (ice, "_connection"), (ice, "_recv"), (ice, "_send"))
        assert all(name in vars(place) for place, name in places), MOVED
        seams.carry(transport, link)
        assert ice.iceGatherer.getLocalParameters().usernameFragment == link.local_username, MOVED
        offer = await connection.createOffer()
        assert f"a=ice-ufrag:{link.local_username}\r\n" in offer.sdp, MOVED
        await connection.close()
        assert await link.get_event() is None, MOVED

    in_loop(carry())


def test_a_codec_more_stands_in_the_description() -> None:
    async def negotiate() -> None:
        near, far = (RTCPeerConnection(RTCConfiguration(iceServers=[])) for _ in range(2))
        near.addTransceiver("audio")
        await near.setLocalDescription()
        transceiver = far.addTransceiver("audio")
        await far.setRemoteDescription(near.localDescription)
        red = RTCRtpCodecParameters("audio/red", 48000, channels=2, payloadType=63)
        seams.also_receive(transceiver, red)
        assert "a=rtpmap:63 red/48000/2\r\n" in (await far.createAnswer()).sdp, MOVED
        await near.close()
        await far.close()

    in_loop(negotiate())


def test_the_sockets_of_a_link_are_those_it_closes() -> None:
    async def gather() -> None:
        link = Connection(ice_controlling=False)
        assert seams.protocols(link) == [], MOVED
        await link.gather_candidates()
        sockets = seams.protocols(link)[:]
        assert len(sockets) == len(link.local_candidates) > 0, MOVED
        await link.close()
        assert all(protocol.transport.is_closing() for protocol in sockets), MOVED

    in_loop(gather())


def test_what_waits_and_what_works_and_what_is_unread() -> None:
    async def look() -> None:
        async with call() as (_, _, callee, far):
            wiring = callee._wiring
            assert wiring is not None
            (pair,) = seams.nominated(wiring.link)
            assert pair.remote_addr[0] == "127.0.0.1", MOVED
            before = seams.waiting(wiring.link)
            wiring.link.data_received(b"\x80", 1)
            assert seams.waiting(wiring.link) == before + 1, MOVED
            assert wiring.unread == 0, MOVED
            assert vars(wiring.connection.sctp)["_advertised_rwnd"] == 1024 * 1024, MOVED
            await far.hears(0.1)

    in_loop(look())


def test_a_relay_that_closes_can_be_left_behind() -> None:
    async def abandon() -> None:
        server = TurnServer()
        async with serving(server) as at:
            link = IceLink(
                RtcConfig(addresses=LOCAL.addresses, ice_servers=(IceServer(f"turn:{at}", USER, PASSWORD),)),
                lambda: None,
            )
            await link.gather_candidates()
            (relay,) = [p.transport for p in seams.protocols(link) if isinstance(p.transport, TurnTransport)]
            server.deaf = True
            await seams.abandon_relay(relay)  # nothing to leave yet
            relay.close()
            await asyncio.sleep(0)
            await seams.abandon_relay(relay)
            assert len(asyncio.all_tasks()) == 1, MOVED
            await link.close()

    in_loop(abandon())


def test_a_data_channel_sends_again_sooner() -> None:
    async def look() -> None:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.createDataChannel("oai-events")
        sctp = connection.sctp
        assert sctp is not None
        assert sctp._rto == 3.0, MOVED
        seams.send_again_soon(sctp)
        assert sctp._rto == 0.5
        sctp._update_rto(0.05)
        assert sctp._rto == 0.4
        sctp._update_rto(1.0)
        assert 0.8 < sctp._rto < 1.2, MOVED
        # What begins an association is sent again after 0.5, 0.75, 1.125 seconds …
        loop = asyncio.get_running_loop()
        sctp._rto = 0.5
        waits: list[float] = []
        for _ in range(8):
            sctp._t1_expired()
            assert sctp._t1_handle is not None, MOVED
            waits.append(sctp._t1_handle.when() - loop.time())
            sctp._t1_handle.cancel()
            assert sctp._rto == 0.5
        assert waits[0] == pytest.approx(0.75, abs=0.1)
        assert waits[-1] == pytest.approx(3.0, abs=0.1)
        await connection.close()

    in_loop(look())


def test_what_comes_in_is_screened() -> None:
    async def screen() -> None:
        async with call() as (_, _, callee, far):
            wiring = callee._wiring
            assert wiring is not None
            sctp = wiring.connection.sctp
            assert sctp is not None
            names = (
                "_local_tsn",
                "_last_received_tsn",
                "_sack_misordered",
                "_inbound_streams",
                "_handle_data",
            )
            assert all(name in vars(sctp) for name in names), MOVED
            now = seams.association(sctp)
            assert (now.ahead, now.pieces) == (0, 0), MOVED
            sctp._inbound_streams[1] = InboundStream()
            sctp._inbound_streams[1].add_chunk(DataChunk())
            assert seams.association(sctp).pieces == 1, MOVED
            del sctp._inbound_streams[1]
            transport = sctp.transport
            assert {"_handle_rtp_data", "_handle_rtcp_data"} <= vars(transport).keys(), MOVED
            await far.hears(0.1)
            assert len(wiring._screen._sources) == 1, MOVED

    in_loop(screen())


def test_an_association_begins_without_a_tag() -> None:
    async def look() -> None:
        connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        connection.createDataChannel("oai-events")
        sctp = connection.sctp
        assert sctp is not None
        sent: list[bytes] = []

        async def send(data: bytes) -> None:
            sent.append(data)

        sctp._remote_port = 5000
        sctp._remote_verification_tag = 7  # the peer has asked, too
        sctp.transport._send_data = send  # type: ignore[method-assign]
        await sctp._send_chunk(InitChunk())
        assert sent.pop()[4:8] == bytes([0, 0, 0, 7]), MOVED
        seams.begin_untagged(sctp)
        await sctp._send_chunk(InitChunk())
        assert sent.pop()[4:8] == bytes(4), MOVED
        await sctp._send_chunk(CookieAckChunk())
        assert sent.pop()[4:8] == bytes([0, 0, 0, 7])
        await connection.close()

    in_loop(look())
