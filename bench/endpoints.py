"""The engines behind both servers of `bench.peers`: HTTP endpoints that cost next to nothing.

They speak as OpenAI's do: `/v1/audio/transcriptions`, `/v1/chat/completions` (whole or streamed) and
`/v1/audio/speech` (PCM16 at 24 kHz, streamed), and answer at once, whatever they are asked.
"""

from __future__ import annotations

import json
import math
import struct
from typing import TYPE_CHECKING, Any

from bench.listen import listen

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

SENTENCE = "This is a benchmark tone."
HEARD = "Tell me what the weather will be."
_PIECE = 9600
"""Bytes of speech in one piece: 200 ms."""
_TONE = struct.pack("<24000h", *(int(8000 * math.sin(math.tau * 440 * at / 24000)) for at in range(24000)))
"""One second."""
_USAGE = {"prompt_tokens": 12, "completion_tokens": 6, "total_tokens": 18}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request."""
    assert scope["type"] == "http"
    body = await _body(receive)
    path = scope["path"]
    if path == "/v1/audio/transcriptions":
        await _answer(send, "application/json", json.dumps({"text": HEARD}).encode())
    elif path == "/v1/chat/completions":
        asked = json.loads(body)
        if asked.get("stream"):
            await _answer(send, "text/event-stream", *_streamed())
        else:
            await _answer(send, "application/json", _whole())
    elif path == "/v1/audio/speech":
        await _answer(send, "audio/pcm", *(_TONE[at : at + _PIECE] for at in range(0, len(_TONE), _PIECE)))
    elif path == "/v1/models":
        await _answer(send, "application/json", b'{"object":"list","data":[{"id":"bench","object":"model"}]}')
    else:
        await _answer(send, "application/json", b'{"error":{"message":"no such endpoint"}}', status=404)


async def _body(receive: Receive) -> bytes:
    pieces = []
    more = True
    while more:
        message = await receive()
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(pieces)


async def _answer(send: Send, kind: str, *pieces: bytes, status: int = 200) -> None:
    headers = [(b"content-type", kind.encode())]
    if len(pieces) == 1:
        headers.append((b"content-length", str(len(pieces[0])).encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    for piece in pieces:
        message: Message = {"type": "http.response.body", "body": piece, "more_body": True}
        await send(message)
    await send({"type": "http.response.body", "body": b""})


def _completion(**parts: Any) -> bytes:
    return json.dumps({"id": "chatcmpl-bench", "created": 0, "model": "bench", **parts}).encode()


def _streamed() -> list[bytes]:
    chunk = "chat.completion.chunk"
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word} for word in SENTENCE.partition(" ")[::2]]
    deltas[1]["content"] += " "
    choices: list[list[dict[str, Any]]] = [
        [{"index": 0, "delta": delta, "finish_reason": None}] for delta in deltas
    ]
    choices.append([{"index": 0, "delta": {}, "finish_reason": "stop"}])
    events = [_completion(object=chunk, choices=choice) for choice in choices]
    events.append(_completion(object=chunk, choices=[], usage=_USAGE))
    return [b"data: " + event + b"\n\n" for event in [*events, b"[DONE]"]]


def _whole() -> bytes:
    message = {"role": "assistant", "content": SENTENCE}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    return _completion(object="chat.completion", choices=choices, usage=_USAGE)


if __name__ == "__main__":
    listen(app)
