"""The process: its listening socket, and how it ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, closing

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from vivavoce.errors import ConfigurationError
from vivavoce.server import ServerConfig
from vivavoce.server.listener import UNSENT_BYTES, open_listener

Serve = Callable[..., AbstractAsyncContextManager[str]]


def test_an_address_in_use_is_named_with_the_way_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1 port {port}.*--port"):
            open_listener(ServerConfig(port=port))


def test_an_unknown_host_is_a_clear_error() -> None:
    with pytest.raises(ConfigurationError, match=r"no-such-host\.invalid"):
        open_listener(ServerConfig(host="no-such-host.invalid", api_keys=("sk-1",)))


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="the platform has no TCP_NOTSENT_LOWAT")
def test_connections_inherit_the_options_that_make_a_slow_reader_visible() -> None:
    with closing(open_listener(ServerConfig(port=0))) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT) == UNSENT_BYTES
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_cancelling_the_server_says_goodbye_to_its_sessions(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving() as url:
            peer = await connect(url)
            await peer.recv()
        with pytest.raises(ConnectionClosed) as caught:
            await peer.recv()
        assert caught.value.rcvd is not None
        assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (1001, "The server is shutting down.")
        with pytest.raises(ConnectionRefusedError):
            await connect(url)

    asyncio.run(scenario())
