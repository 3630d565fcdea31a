"""The sending half of a WebSocket, against an ASGI peer that reads when the test lets it."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

from vivavoce.protocol import ConversationItemDeleted
from vivavoce.server.limits import Limits
from vivavoce.server.socket import MAX_CLOSE_REASON_BYTES, RealtimeSocket
from vivavoce.testing import run

if TYPE_CHECKING:
    import pytest

LIMITS = Limits(low_water_bytes=500, high_water_bytes=1000, max_queued_bytes=2000, stall_s=30.0)


class Peer:
    """An ASGI `send` whose far end can stop reading, vanish, or be a server that has already closed."""

    def __init__(self) -> None:
        self.received: list[Any] = []
        self.reading = asyncio.Event()
        self.reading.set()
        self.fault: Exception | None = None
        self.transport = Transport()

    async def send(self, message: Any) -> None:
        await self.reading.wait()
        if self.fault is not None:
            raise self.fault
        self.received.append(message)

    @property
    def texts(self) -> list[str]:
        return [json.loads(m["text"])["item_id"] for m in self.received if m["type"] == "websocket.send"]

    @property
    def closes(self) -> list[tuple[int, str]]:
        return [(m["code"], m["reason"]) for m in self.received if m["type"] == "websocket.close"]


class Transport:
    """Remembers whether the connection was cut."""

    def __init__(self) -> None:
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True


def event(item_id: str) -> ConversationItemDeleted:
    return ConversationItemDeleted(event_id="event_1", item_id=item_id)


async def settle() -> None:
    """Let the writer do everything it can do now."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_events_leave_in_order_then_the_close_frame() -> None:
    async def scenario() -> None:
        peer = Peer()
        socket = RealtimeSocket(peer.send, LIMITS)
        socket.send([event("a"), event("b")])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(socket.run())
            await settle()
            socket.send([event("c")])
            socket.close(1001, "bye")
            socket.close(1011, "too late")
            socket.send([event("never")])
        assert peer.texts == ["a", "b", "c"]
        assert peer.closes == [(1001, "bye")]
        assert socket.closing == (1001, "bye")
        assert not socket.writable

    run(scenario())


def test_closing_before_the_writer_starts_is_kept() -> None:
    async def scenario() -> None:
        peer = Peer()
        socket = RealtimeSocket(peer.send, LIMITS)
        socket.send([event("a")])
        socket.close(4000, "reason")
        await socket.run()
        assert (peer.texts, peer.closes) == (["a"], [(4000, "reason")])

    run(scenario())


def test_a_reason_is_cut_to_the_frame_between_characters() -> None:
    async def scenario() -> None:
        peer = Peer()
        socket = RealtimeSocket(peer.send, LIMITS)
        socket.close(1008, "é" * 100)
        await socket.run()
        ((_, reason),) = peer.closes
        assert reason == "é" * (MAX_CLOSE_REASON_BYTES // 2)

    run(scenario())


def test_a_slow_reader_loses_writable_and_gets_it_back_when_drained() -> None:
    async def scenario() -> None:
        peer, drained = Peer(), []
        socket = RealtimeSocket(peer.send, LIMITS, on_writable=lambda: drained.append(True))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(socket.run())
            peer.reading.clear()
            socket.send([event("x" * 400)])
            marks = [socket.writable]
            socket.send([event("y" * 600)])
            marks.append(socket.writable)
            await asyncio.sleep(LIMITS.stall_s - 1)
            peer.reading.set()
            await settle()
            marks.append(socket.writable)
            assert marks == [True, False, True]
            assert drained == [True]
            # The deadline of the stall is gone with it.
            await asyncio.sleep(2 * LIMITS.stall_s)
            socket.close(1000)
        assert peer.closes == [(1000, "")]

    run(scenario())


def test_a_reader_stalled_too_long_is_cut_off(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        peer = Peer()
        socket = RealtimeSocket(peer.send, LIMITS)
        peer.reading.clear()
        socket.send([event("x" * 1000)])
        # The mark was passed before the writer ran; its deadline counts from there.
        await asyncio.wait_for(socket.run(), LIMITS.stall_s + 1)
        assert asyncio.get_running_loop().time() == LIMITS.stall_s
        assert peer.transport.aborted
        assert peer.received == []

    with caplog.at_level(logging.WARNING):
        run(scenario())
    assert [record.message for record in caplog.records] == ["peer did not read in time; connection dropped"]


def test_a_full_queue_closes_with_a_reason_if_the_peer_reads_again() -> None:
    async def scenario() -> None:
        peer = Peer()
        socket = RealtimeSocket(peer.send, LIMITS)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(socket.run())
            peer.reading.clear()
            socket.send([event("x" * 700) for _ in range(4)])
            assert socket.closing is not None
            peer.reading.set()
        assert peer.closes == [(1008, "Too many events are unread; read faster.")]
        assert not peer.transport.aborted

    run(scenario())


def test_a_peer_that_never_reads_cannot_hold_up_a_close() -> None:
    async def scenario() -> None:
        peer = Peer()
        socket = RealtimeSocket(peer.send, LIMITS)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(socket.run())
            peer.reading.clear()
            socket.send([event("x")])
            await settle()
            socket.close(1001, "bye")
        assert asyncio.get_running_loop().time() == LIMITS.close_grace_s
        assert peer.transport.aborted

    run(scenario())


def test_a_peer_that_left_ends_the_writer() -> None:
    async def scenario() -> None:
        peer = Peer()
        socket = RealtimeSocket(peer.send, LIMITS)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(socket.run())
            await settle()
            socket.peer_gone(1000)
            socket.send([event("unheard")])
            socket.close(1001)
            socket.peer_gone()
        assert peer.received == []
        assert socket.closing is None
        assert socket.close_code == 1000

    run(scenario())


def test_a_connection_that_broke_while_sending_ends_the_writer_quietly() -> None:
    async def scenario(fault: Exception) -> None:
        peer = Peer()
        peer.fault = fault
        socket = RealtimeSocket(peer.send, LIMITS)
        socket.send([event("x")])
        await socket.run()
        assert peer.transport.aborted

    run(scenario(BrokenPipeError("gone")))
    run(scenario(RuntimeError("Unexpected ASGI message 'websocket.send', after sending 'websocket.close'.")))
