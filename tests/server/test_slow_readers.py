"""Peers that read too slowly, on real sockets: their own session waits or ends, nobody else's."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from vivavoce.engines.scripted import scripted_engines
from vivavoce.server import Limits, ServerConfig

Serve = Callable[..., AbstractAsyncContextManager[str]]


async def send(peer: ClientConnection, event: dict[str, Any]) -> None:
    await peer.send(json.dumps(event))


async def receive(peer: ClientConnection) -> dict[str, Any]:
    event: dict[str, Any] = json.loads(await asyncio.wait_for(peer.recv(), 10))
    return event


def message_item(text: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {
        "type": "conversation.item.create",
        "item": {"type": "message", "role": "user", "content": content},
    }


def small_receiver(url: str) -> socket.socket:
    """A connected socket whose kernel takes little that the program does not read."""
    address = urlsplit(url)
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
    peer.connect((address.hostname, address.port))
    return peer


def test_one_who_does_not_read_loses_the_connection_and_slows_nobody(serving: Serve) -> None:
    """Answers pile up that one peer never reads; after each of its questions another one is answered."""

    async def scenario() -> None:
        limits = Limits(high_water_bytes=100_000, max_queued_bytes=1_000_000, close_grace_s=0.1)
        async with (
            serving(ServerConfig(limits=limits)) as url,
            connect(url) as lively,
            connect(url, sock=small_receiver(url), max_queue=1, close_timeout=0) as silent,
        ):
            assert (await receive(lively))["type"] == "session.created"
            answered = 0
            while await still_takes(silent, message_item("x" * 50_000)):
                await send(lively, {"type": "conversation.item.retrieve", "item_id": "none"})
                assert (await receive(lively))["type"] == "error"
                answered += 1
            assert answered > limits.max_queued_bytes / (2 * 50_000)
            # One session is over, the other goes on.
            await send(lively, {"type": "conversation.item.retrieve", "item_id": "none"})
            assert (await receive(lively))["type"] == "error"

    asyncio.run(scenario())


def test_a_reader_that_pauses_gets_the_whole_answer_later(serving: Serve) -> None:
    """The session holds its audio back while nobody reads, and goes on when somebody does."""

    async def scenario() -> None:
        # Three seconds of speech in real time, 192 kB: more than the buffers on the way and the bound hold.
        words = " ".join(["word"] * 6)
        engines = scripted_engines(answers=[[words], [words]], word_ms=500)
        limits = Limits(low_water_bytes=1000, high_water_bytes=8_000, max_queued_bytes=45_000)
        config = ServerConfig(limits=limits)
        async with (
            serving(config, engines) as url,
            connect(url) as lively,
            connect(url, sock=small_receiver(url), max_queue=1) as peer,
        ):
            for each in (peer, lively):
                await send(each, message_item("Hello"))
                await send(each, {"type": "response.create"})
            # The peer reads nothing while the other one hears its whole answer, of the same length.
            heard = await spoken(lively)
            assert heard > 190_000
            assert await spoken(peer) == heard

    asyncio.run(scenario())


async def still_takes(peer: ClientConnection, event: dict[str, Any]) -> bool:
    """Send an event; tell whether the connection was there to take it."""
    try:
        await send(peer, event)
    except ConnectionClosed:
        return False
    return True


async def spoken(peer: ClientConnection) -> int:
    """Bytes of audio (in base64) until the answer is complete."""
    size = 0
    while (event := await receive(peer))["type"] != "response.done":
        size += len(event.get("delta", "")) if event["type"] == "response.output_audio.delta" else 0
    assert event["response"]["status"] == "completed"
    return size
