"""A realtime server that knows no model and costs little: what the clients of both SDKs are measured with.

It answers as far as clients need, and how much it says is in the query of the URL that they connect to. For
each connection that saw something worth a clock it prints one line of JSON when that ends.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from bench.speech import FRAME_BYTES
from vivavoce.conversation.settings import initial_session
from vivavoce.pipeline import SessionOptions
from vivavoce.protocol.codec import to_builtins

TOOL = "measured"
"""Name of the tool that is called."""
WORDS = "All that in so many words. "
_FRAME = base64.b64encode(bytes(FRAME_BYTES)).decode()


@dataclass(slots=True)
class Script:
    """What one connection is to see.

    Attributes:
        deltas: pieces of speech in each answer, 20 ms each.
        words: pieces of transcript in each answer.
        calls: calls of the tool, one after another, before the first answer.
    """

    deltas: int = 1
    words: int = 0
    calls: int = 0

    @classmethod
    def of(cls, path: str) -> Script:
        """Read the query of a URL; what is none of it is passed over."""
        query = parse_qsl(urlsplit(path).query)
        return cls(**{name: int(value) for name, value in query if name in cls.__dataclass_fields__})


@dataclass(slots=True)
class Peer:
    """One connection."""

    socket: ServerConnection
    script: Script
    found: dict[str, Any] = field(default_factory=dict)
    _ids: count[int] = field(default_factory=count)
    _called_at: float = 0.0
    _last: dict[str, Any] = field(default_factory=dict)

    async def run(self) -> None:
        """Answer until the client is gone."""
        session = to_builtins(initial_session("sess_1", SessionOptions()))
        await self._send("session.created", session=session)
        async for frame in self.socket:
            event = json.loads(frame)
            match event["type"]:
                case "session.update":
                    await self._send("session.updated", session=session)
                case "conversation.item.create":
                    await self._take(event["item"])
                case "conversation.item.retrieve":
                    await self._send("conversation.item.retrieved", item=self._last)
                case "response.create":
                    await self._respond()
                case "input_audio_buffer.commit":
                    await self._hear()
                    await self._speak()
                case "input_audio_buffer.clear":
                    # Nobody needs this of a measurement, so it stands for the network that fails.
                    self.found["cut_at"] = time.monotonic()
                    self.socket.transport.abort()

    async def _send(self, kind: str, **fields: Any) -> None:
        event = {"type": kind, "event_id": f"event_{next(self._ids)}", **fields}
        await self.socket.send(json.dumps(event))

    async def _add(self, item: dict[str, Any]) -> None:
        for step in ("added", "done"):
            await self._send(f"conversation.item.{step}", previous_item_id=None, item=item)

    async def _take(self, item: dict[str, Any]) -> None:
        """Confirm an item of the client's."""
        if item["type"] == "function_call_output":
            self._note("output_ms")
        await self._add({"id": f"item_{next(self._ids)}", "status": "completed", **item})

    def _note(self, name: str) -> None:
        self.found.setdefault(name, []).append((time.monotonic() - self._called_at) * 1000)

    async def _hear(self) -> None:
        """Take what the user said for a turn."""
        item_id = f"item_{next(self._ids)}"
        await self._send("input_audio_buffer.committed", previous_item_id=None, item_id=item_id)
        part = {"type": "input_audio", "transcript": None}
        await self._add(
            {"id": item_id, "type": "message", "status": "completed", "role": "user", "content": [part]}
        )
        await self._send(
            "conversation.item.input_audio_transcription.completed",
            item_id=item_id,
            content_index=0,
            transcript=WORDS,
            usage={"type": "duration", "seconds": 1},
        )

    async def _respond(self) -> None:
        if self._called_at:
            self._note("response_ms")
        if self.script.calls:
            self.script.calls -= 1
            await self._call()
        else:
            self._called_at = 0.0
            await self._speak()

    async def _call(self) -> None:
        """Call the tool; from the moment it is complete the client is timed."""
        response_id, item_id = await self._begin()
        item = {
            "id": item_id,
            "type": "function_call",
            "call_id": f"call_{item_id}",
            "name": TOOL,
            "arguments": "",
        }
        where = {"response_id": response_id, "output_index": 0}
        await self._send("response.output_item.added", **where, item={**item, "status": "in_progress"})
        await self._send(
            "conversation.item.added", previous_item_id=None, item={**item, "status": "in_progress"}
        )
        item |= {"status": "completed", "arguments": "{}"}
        await self._send("conversation.item.done", previous_item_id=None, item=item)
        self._called_at = time.monotonic()
        await self._send("response.output_item.done", **where, item=item)
        await self._end(response_id, item)

    async def _speak(self) -> None:
        """Give an answer as long as the script says."""
        response_id, item_id = await self._begin()
        where: dict[str, Any] = {"response_id": response_id, "output_index": 0}
        part = {**where, "item_id": item_id, "content_index": 0}
        item = {"id": item_id, "type": "message", "role": "assistant", "content": []}
        begun = {**item, "status": "in_progress"}
        await self._send("response.output_item.added", **where, item=begun)
        await self._send("conversation.item.added", previous_item_id=None, item=begun)
        await self._send("response.content_part.added", **part, part={"type": "audio", "transcript": ""})
        for _ in range(self.script.words):
            await self._send("response.output_audio_transcript.delta", **part, delta=WORDS)
        # Made once: the server must be faster than the client that is measured.
        delta = json.dumps(
            {"type": "response.output_audio.delta", "event_id": "event_delta", **part, "delta": _FRAME}
        )
        for _ in range(self.script.deltas):
            await self.socket.send(delta)
        said = WORDS * self.script.words
        await self._send("response.output_audio.done", **part)
        await self._send("response.output_audio_transcript.done", **part, transcript=said)
        await self._send("response.content_part.done", **part, part={"type": "audio", "transcript": said})
        self._last = {
            **item,
            "status": "completed",
            "content": [{"type": "output_audio", "transcript": said}],
        }
        await self._send("conversation.item.done", previous_item_id=None, item=self._last)
        await self._send("response.output_item.done", **where, item=self._last)
        await self._end(response_id, self._last)

    async def _begin(self) -> tuple[str, str]:
        number = next(self._ids)
        response_id = f"resp_{number}"
        await self._send("response.created", response=_response(response_id, "in_progress"))
        return response_id, f"item_{number}"

    async def _end(self, response_id: str, item: dict[str, Any]) -> None:
        await self._send("response.done", response=_response(response_id, "completed", item))


def _response(response_id: str, status: str, *output: dict[str, Any]) -> dict[str, Any]:
    return {
        "object": "realtime.response",
        "id": response_id,
        "status": status,
        "status_details": None,
        "output": output,
        "conversation_id": "conv_1",
        "usage": None,
        "metadata": None,
    }


async def _hold(socket: ServerConnection) -> None:
    assert socket.request is not None
    peer = Peer(socket, Script.of(socket.request.path))
    with contextlib.suppress(ConnectionClosed):
        await peer.run()
    if peer.found:
        print(json.dumps(peer.found), flush=True)


async def _serve() -> None:
    async with serve(_hold, "127.0.0.1", 0, compression=None, max_size=None) as listener:
        port = next(iter(listener.sockets)).getsockname()[1]
        print(f"vivavoce: listening on ws://127.0.0.1:{port}/v1/realtime", flush=True)
        await listener.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve())
