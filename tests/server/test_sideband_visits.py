"""Sidebands and the endings of sessions, on the clock of the test."""

from __future__ import annotations

import asyncio

from tests.server.visits import Handshake, Reluctant, endpoint_for

from vivavoce.server.auth import Caller
from vivavoce.testing import run


def test_a_session_is_hung_up_by_its_id() -> None:
    async def scenario() -> None:
        endpoint = endpoint_for(Caller("lab"))
        peer, side = Handshake(), Handshake("call_id=")
        async with asyncio.TaskGroup() as visits:
            visits.create_task(peer.visit(endpoint))
            await asyncio.sleep(1)
            session_id = peer.events[0]["session"]["id"]
            side.scope["query_string"] = f"call_id={session_id}".encode()
            visits.create_task(side.visit(endpoint))
            await asyncio.sleep(1)
            assert endpoint.sessions.calls.hang_up(session_id, "lab")
        assert peer.close == (1000, "The call was hung up.")
        assert side.close == (1000, "The session has ended.")
        assert not endpoint.sessions.calls.hang_up(session_id, "lab")

    run(scenario())


def test_a_sideband_that_does_not_read_is_dropped_and_slows_nobody() -> None:
    async def scenario() -> None:
        endpoint = endpoint_for()
        peer, side = Handshake(), Reluctant()
        async with asyncio.TaskGroup() as visits:
            visits.create_task(peer.visit(endpoint))
            await asyncio.sleep(1)
            side.scope["query_string"] = b"call_id=" + peer.events[0]["session"]["id"].encode()
            beside = visits.create_task(side.visit(endpoint))
            await asyncio.sleep(1)
            for number in range(12):
                instructions = str(number) * 100_000
                peer.say_event(
                    {"type": "session.update", "session": {"type": "realtime", "instructions": instructions}}
                )
            await asyncio.sleep(1)
            assert len(peer.events) == 13
            assert beside.done()
            assert endpoint.sessions.admission.sessions == 1
            peer.leave()

    run(scenario())


def test_a_session_may_end_while_a_sideband_is_on_its_way_in() -> None:
    async def scenario() -> None:
        endpoint = endpoint_for()
        peer, side = Handshake(), Reluctant()

        async def leave_first() -> None:
            peer.leave()
            await asyncio.sleep(1)

        side.on_accept = leave_first
        async with asyncio.TaskGroup() as visits:
            visits.create_task(peer.visit(endpoint))
            await asyncio.sleep(1)
            side.scope["query_string"] = b"call_id=" + peer.events[0]["session"]["id"].encode()
            await side.visit(endpoint)
        assert side.close == (1000, "The session has ended, or all places beside it are taken.")

    run(scenario())


def test_when_the_server_ends_its_sidebands_hear_why() -> None:
    async def scenario() -> None:
        endpoint = endpoint_for()
        peer, side = Handshake(), Handshake()
        async with asyncio.TaskGroup() as visits:
            visits.create_task(peer.visit(endpoint))
            await asyncio.sleep(1)
            side.scope["query_string"] = b"call_id=" + peer.events[0]["session"]["id"].encode()
            visits.create_task(side.visit(endpoint))
            await asyncio.sleep(1)
            await endpoint.sessions.aclose()
        assert peer.close == side.close == (1001, "The server is shutting down.")

    run(scenario())
