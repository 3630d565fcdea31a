"""On real sockets; what a refusal says is in `test_websocket_refusals.py`."""

from __future__ import annotations

import asyncio

import pytest
from websockets.asyncio.server import ServerConnection, serve

from vivavoce.connections.dialing import dial
from vivavoce.connections.transport import TransportOptions
from vivavoce.errors import ConfigurationError, ConnectionLostError
from vivavoce.providers.base import Endpoint
from vivavoce.testing import run


async def found(url: str) -> Endpoint:
    return Endpoint(url, {"Authorization": "Bearer k"})


def test_it_opens_a_socket_with_the_headers_of_the_door() -> None:
    shown: list[str | None] = []

    async def handler(socket: ServerConnection) -> None:
        assert socket.request is not None
        shown.append(socket.request.headers.get("Authorization"))

    async def main() -> None:
        async with serve(handler, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            socket = await dial(found(f"ws://127.0.0.1:{port}/v1/realtime"), TransportOptions())
            await socket.wait_closed()

    asyncio.run(main())
    assert shown == ["Bearer k"]


def test_what_is_secret_of_the_url_is_not_in_the_words() -> None:
    with pytest.raises(ConnectionLostError) as caught:
        asyncio.run(dial(found("ws://me:secret@127.0.0.1:1/v1/realtime?key=secret"), TransportOptions()))
    assert "127.0.0.1:1/v1/realtime" in str(caught.value)
    assert "Is the server running?" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_looking_for_the_key_counts_too() -> None:
    async def never() -> Endpoint:
        await asyncio.Event().wait()
        raise AssertionError

    async def main() -> None:
        with pytest.raises(ConnectionLostError, match="api_key function did not answer within 3 s"):
            await dial(never(), TransportOptions(connect_s=3.0))

    run(main())


def test_what_is_wrong_with_the_configuration_stays_that() -> None:
    async def wrong() -> Endpoint:
        raise ConfigurationError("no key")

    with pytest.raises(ConfigurationError, match="no key"):
        asyncio.run(dial(wrong(), TransportOptions()))
