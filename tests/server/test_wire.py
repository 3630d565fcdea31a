"""A real server and peers that would hold it up, from below HTTP and from below messages."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.frames import Frame, Opcode

from vivavoce.server import wire

Serve = Callable[..., AbstractAsyncContextManager[str]]
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]

_HANDSHAKE = (
    b"GET /v1/realtime HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


async def _opened(url: str) -> Streams:
    parts = urlsplit(url)
    return await asyncio.open_connection(parts.hostname, parts.port)


def _frame(opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


def _run(scenario: Callable[[], Coroutine[None, None, None]]) -> None:
    async def in_time() -> None:
        async with asyncio.timeout(20):
            await scenario()

    asyncio.run(in_time())


async def _messages(reader: asyncio.StreamReader, text: bytes) -> bytes:
    """Read until these bytes are there."""
    read = b""
    while text not in read:
        piece = await reader.read(65536)
        assert piece, "the server closed"
        read += piece
    return read


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * wire.MAX_HEAD_BYTES * 2,
        b"GET / HTTP/1.1\r\nx: " + b"a" * wire.MAX_HEAD_BYTES * 2,
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * (wire.MAX_HEAD_BYTES // 3),
    ],
    ids=["url", "header", "headers"],
)
def test_a_head_without_end_is_cut_off(serving: Serve, head: bytes) -> None:
    async def scenario() -> None:
        async with serving() as url:
            reader, writer = await _opened(url)
            with contextlib.suppress(ConnectionError):
                writer.write(head)
                assert (await reader.read()).startswith(b"HTTP/1.1 400 ")
            writer.close()

    _run(scenario)


@pytest.mark.parametrize("before", [b"", b"GET /healthz HTTP/1.1\r\n"], ids=["nothing", "half a head"])
def test_a_request_that_does_not_come_ends_its_connection(
    serving: Serve, before: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.05)

    async def scenario() -> None:
        async with serving() as url:
            reader, writer = await _opened(url)
            writer.write(before)
            assert await reader.read() == b""
            writer.close()

    _run(scenario)


def test_a_second_head_has_its_own_time(serving: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.3)

    async def scenario() -> None:
        async with serving() as url:
            reader, writer = await _opened(url)
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTTP")
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")  # and then it was closed
            writer.close()

    _run(scenario)


def test_a_session_outlives_the_time_for_its_head(serving: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "HEAD_S", 0.05)

    async def scenario() -> None:
        async with serving() as url, connect(url) as peer:
            await peer.recv()
            # The server's own clock has to pass the time: it ends an idle connection of HTTP meanwhile.
            reader, writer = await _opened(url)
            assert await reader.read() == b""
            writer.close()
            await peer.send('{"type": "session.update", "session": {"type": "realtime"}}')
            assert json.loads(await peer.recv())["type"] == "session.updated"

    _run(scenario)


@pytest.mark.parametrize(
    "flood",
    [
        _frame(Opcode.PONG) * 2000,
        _frame(Opcode.PING) * 2000,
        _frame(Opcode.TEXT, fin=False) + _frame(Opcode.CONT, fin=False) * 2000 + _frame(Opcode.CONT),
    ],
    ids=["pongs", "pings", "fragments"],
)
def test_frames_without_a_message_are_read_at_a_pace(
    serving: Serve, flood: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "FRAMES_PER_S", 1_000_000)
    read: list[float] = []
    paced = wire.WebSocketProtocol._read_on

    def noted(self: wire.WebSocketProtocol, seconds: float) -> None:
        read.append(seconds)
        paced(self, seconds)

    monkeypatch.setattr(wire.WebSocketProtocol, "_read_on", noted)

    async def scenario() -> None:
        async with serving() as url:
            reader, writer = await _opened(url)
            writer.write(_HANDSHAKE)
            await _messages(reader, b"session.created")
            writer.write(flood + _frame(Opcode.TEXT, b'{"type": "after.the.flood"}'))
            await _messages(reader, b"after.the.flood")
            writer.close()

    _run(scenario)
    slowest = max(read)
    assert 0 < slowest <= (wire._SLICE_BYTES / 6 + 1) / 1_000_000
    assert sum(read) >= 1900 / 1_000_000


def test_a_long_message_and_what_follows_it_arrive_whole_and_in_order(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving() as url:
            reader, writer = await _opened(url)
            writer.write(_HANDSHAKE)
            await _messages(reader, b"session.created")
            long = b'{"type": "long.one", "x": "' + b"a" * 3_000_000 + b'"}'
            short = [_frame(Opcode.TEXT, b'{"type": "short.%d"}' % number) for number in range(500)]
            writer.write(_frame(Opcode.TEXT, long) + b"".join(short))
            answers = await _messages(reader, b"'short.499'")
            places = [answers.index(b"'long.one'")] + [
                answers.index(b"'short.%d'" % number) for number in range(500)
            ]
            assert places == sorted(places)
            writer.close()

    _run(scenario)


def test_the_farewell_of_a_peer_is_seen_behind_what_was_not_read(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving() as url, httpx.AsyncClient() as operator:
            reader, writer = await _opened(url)
            writer.write(_HANDSHAKE)
            greeting = await _messages(reader, b"sess_")
            [session_id] = set(re.findall(r"sess_\w+", greeting.decode(errors="ignore")))
            # More garbage than is read at once, and behind it the peer's farewell; the session ends first.
            garbage = _frame(Opcode.TEXT, b"?") * 3000
            writer.write(garbage + _frame(Opcode.CLOSE, b"\x03\xe8"))
            await _messages(reader, b"invalid_json")
            base = url.replace("ws://", "http://")
            assert (await operator.post(f"{base}/calls/{session_id}/hangup")).status_code == 200
            async with asyncio.timeout(5):  # uvicorn gives a peer ten seconds to answer
                while await reader.read(65536):
                    pass
            writer.close()

    _run(scenario)
