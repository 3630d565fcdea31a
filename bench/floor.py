"""The floor under a server: the same WebSocket stack and JSON codec, and no conversation behind them.

It reads and decodes what comes, and sends as much audio as the bench engines would. What a vivavoce server
costs above that is its own.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import uvicorn
import uvloop

from vivavoce.protocol import ResponseOutputAudioDelta
from vivavoce.protocol.codec import decode_client_event, encode_text
from vivavoce.server import Limits

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

FRAMES_PER_DELTA = 14
"""A cycle of 158 frames brings 11 deltas: one second of audio, the first delta short."""
_AUDIO = bytes(4800)


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one WebSocket."""
    assert scope["type"] == "websocket"
    await receive()
    await send({"type": "websocket.accept"})
    count = 0
    while (message := await receive())["type"] == "websocket.receive":
        decode_client_event(message["text"])
        count += 1
        if count % FRAMES_PER_DELTA == 0:
            delta = ResponseOutputAudioDelta(
                event_id=f"event_{count}",
                response_id="resp_floor",
                item_id="item_floor",
                output_index=0,
                content_index=0,
                delta=_AUDIO,
            )
            await send({"type": "websocket.send", "text": encode_text(delta)})


class _Server(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        assert sockets
        print(f"vivavoce: listening on ws://127.0.0.1:{sockets[0].getsockname()[1]}/", flush=True)


def main() -> None:
    """Listen on any free port and say which, as `vivavoce serve` does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            app,
            http="httptools",
            ws="websockets-sansio",
            ws_max_size=Limits().max_message_bytes,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=None,
            access_log=False,
        )
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_Server(config).serve(sockets=[listener]))


if __name__ == "__main__":
    main()
