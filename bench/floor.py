"""The floor under a server: the same WebSocket stack and JSON codec, and no conversation behind them.

It reads and decodes what comes, and sends as much audio as the bench engines would. What a vivavoce server
costs above that is its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.listen import listen
from vivavoce.protocol import ResponseOutputAudioDelta
from vivavoce.protocol.codec import decode_client_event, encode_text

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


if __name__ == "__main__":
    listen(app)
