"""How long a peer is waited for: on the virtual clock, with real sockets."""

from __future__ import annotations

import asyncio

import pytest
from tests.webrtc.ends import LOCAL, End, call, cut, nothing_left
from tests.webrtc.test_sdp import CHROMIUM

from vivavoce.testing import run
from vivavoce.webrtc.peer import RtcPeer


def test_who_vanishes_is_missed_in_time() -> None:
    async def vanish() -> None:
        loop = asyncio.get_running_loop()
        with nothing_left():
            async with call() as (caller, near, callee, _):
                await near.hears(0.2)
                cut(callee)
                before = loop.time()
                await near.until(lambda end: end.ends)
                assert near.ends == ["nothing was heard of the peer for 8 s"]
                assert loop.time() - before == pytest.approx(8, abs=0.1)
                assert not caller.connected
                assert not caller.send("nobody")
                said = near.said
                await asyncio.sleep(5)
                assert near.said == said, "no voice is asked for any more"
                assert len(near.ends) == 1

    run(vanish())


def test_who_says_nothing_is_asked_and_stays() -> None:
    async def be_silent() -> None:
        loop = asyncio.get_running_loop()
        async with call() as (caller, near, callee, far):
            # Both keep quiet: no voice, no reports of it, no checks of their own. Only the probes are left.
            for peer in (caller, callee):
                wiring = peer._wiring
                assert wiring is not None
                await wiring._transceiver.stop()
                consent = wiring.link._query_consent_task
                assert consent is not None
                consent.cancel()
            started = loop.time()
            await asyncio.sleep(60)
            assert loop.time() - started >= 60
            assert near.ends == far.ends == []
            assert caller.connected

    run(be_silent())


def test_who_never_comes_is_not_waited_for() -> None:
    async def wait() -> None:
        loop = asyncio.get_running_loop()
        with nothing_left():
            end = End()
            peer = RtcPeer(LOCAL, end)
            await peer.answer(CHROMIUM)
            before = loop.time()
            await end.until(lambda end: end.ends)
            assert end.ends == ["the peer did not connect within 15 s"]
            assert loop.time() - before == pytest.approx(15, abs=0.01)
            await peer.aclose()

    run(wait())


def test_who_sends_pieces_that_never_become_a_message_is_dropped() -> None:
    async def flood() -> None:
        with nothing_left():
            async with call() as (caller, _, _, far):
                assert caller._wiring is not None
                sctp = caller._wiring.connection.sctp
                assert sctp is not None
                await sctp._send(caller._channel._channel.id, 51, bytes(2_500_000))  # type: ignore[union-attr, arg-type]
                sctp._outbound_queue[-1].flags = 0  # the last piece is not the last
                await far.until(lambda end: end.ends)
                assert far.ends == ["the peer sends more than it may"]

    run(flood())


def test_a_closed_peer_that_is_answered_expects_nobody() -> None:
    async def close_meanwhile() -> None:
        loop = asyncio.get_running_loop()
        with nothing_left():
            end = End()
            peer = RtcPeer(LOCAL, end)
            task = loop.create_task(peer.answer(CHROMIUM))
            await asyncio.sleep(0)
            await peer.aclose()
            await asyncio.wait([task])
            await asyncio.sleep(30)
            assert end.ends == []

    run(close_meanwhile())
