"""A small server of the benchmark: an ASGI app on any free port, told as `vivavoce serve` does."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import uvicorn
import uvloop

from vivavoce.server import Limits

if TYPE_CHECKING:
    from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        assert sockets
        print(f"vivavoce: listening on ws://127.0.0.1:{sockets[0].getsockname()[1]}/", flush=True)


def listen(app: ASGIApp) -> None:
    """Serve an app until the process is ended."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        config = uvicorn.Config(
            app,
            http="h11",
            ws="websockets-sansio",
            ws_max_size=Limits().max_message_bytes,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_Server(config).serve(sockets=[listener]))
