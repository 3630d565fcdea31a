"""A peer that never answers the closing handshake does not hold anybody up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import pytest

from vivavoce.connections import ConnectionStatus
from vivavoce.connections.transport import TransportOptions
from vivavoce.connections.websocket import WebSocketRealtimeModel


async def with_a_peer_that_ignores_closing(
    test: Callable[[WebSocketRealtimeModel, list[object]], Coroutine[Any, Any, None]],
) -> None:
    gone = asyncio.Event()

    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from websockets.server import ServerProtocol

        protocol = ServerProtocol()
        while not (requests := protocol.events_received()):
            protocol.receive_data(await reader.read(4096))
        protocol.send_response(protocol.accept(requests[0]))  # type: ignore[arg-type]  # the opening request
        writer.write(b"".join(protocol.data_to_send()))
        with suppress(ConnectionError):
            await reader.read()  # reads on, answers nothing, until the line is cut
        writer.close()
        gone.set()

    server = await asyncio.start_server(ignore, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    model = WebSocketRealtimeModel(f"ws://127.0.0.1:{port}")
    events: list[object] = []
    model.add_listener(events.append)
    await test(model, events)
    async with asyncio.timeout(5):
        await gone.wait()
    server.close()
    await server.wait_closed()


def test_closing_does_not_wait_for_a_peer_that_ignores_it() -> None:
    async def test(model: WebSocketRealtimeModel, events: list[object]) -> None:
        await model.connect({})
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await model.close()
        assert loop.time() - begin < TransportOptions().close_s + 0.5
        assert events[-1] == ConnectionStatus("disconnected")
        await model.close()

    asyncio.run(with_a_peer_that_ignores_closing(test))


def test_whoever_has_no_patience_for_closing_cuts_the_line() -> None:
    async def test(model: WebSocketRealtimeModel, events: list[object]) -> None:
        await model.connect({"transport": {"close_timeout": 60}})
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await model.close()
        assert events[-1] == ConnectionStatus("disconnected")
        await model.close()

    asyncio.run(with_a_peer_that_ignores_closing(test))
