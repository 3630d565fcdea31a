"""A realtime server that is reached by calls: a real peer connection, with the words that a test gives it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from vivavoce.webrtc.config import RtcConfig
from vivavoce.webrtc.peer import RtcPeer

LOOPBACK = RtcConfig(addresses=("127.0.0.1",), vanish_s=1.0)
SESSION: dict[str, Any] = {
    "type": "realtime",
    "id": "sess_1",
    "audio": {
        "input": {
            "turn_detection": {"type": "server_vad", "create_response": True, "interrupt_response": True}
        }
    },
}
FRAME = 960


class Caller:
    """One call, seen from the server.

    Attributes:
        heard: what the client has sent.
        voice: what the client has said.
    """

    def __init__(self, server: RtcServer) -> None:
        self.peer = RtcPeer(LOOPBACK, self)
        self.heard: list[dict[str, Any]] = []
        self.voice = bytearray()
        self.reason = ""
        self._server = server
        self._speech = bytearray()
        self._playing = ""
        self._made = ""
        self._news = asyncio.Event()

    async def until(self, found: Callable[[], Any]) -> Any:
        """Wait until something is so, looking whenever anything has happened."""
        async with asyncio.timeout(10):
            while not (result := found()):
                self._news.clear()
                await self._news.wait()
            return result

    async def event(self, kind: str) -> dict[str, Any]:
        """Wait for an event of the client."""
        found = await self.until(lambda: [event for event in self.heard if event["type"] == kind])
        return dict(found[-1])

    def tell(self, kind: str, **fields: Any) -> None:
        assert self.peer.send(json.dumps({"type": kind, "event_id": "event_1", **fields}))

    def say(self, pcm: bytes, response: str = "resp_1", words: str = "Hello.", **output: Any) -> None:
        """Make a whole answer at once, as a quick server does; it then plays in real time."""
        item = {"id": f"item_{response}", "type": "message", "role": "assistant", "content": []}
        part = {"response_id": response, "item_id": item["id"], "output_index": 0, "content_index": 0}
        made = {"id": response, "object": "realtime.response", "conversation_id": "conv_1", "output": []}
        self._speech += pcm + bytes(-len(pcm) % FRAME)
        self._made = response
        self.tell("response.created", response={**made, "status": "in_progress"})
        added = {**item, "status": "in_progress"}
        self.tell("response.output_item.added", response_id=response, output_index=0, item=added)
        self.tell("conversation.item.added", previous_item_id=None, item=added)
        self.tell("response.content_part.added", **part, part={"type": "audio", "transcript": ""})
        self.tell("response.output_audio_transcript.delta", **part, delta=words)
        self.tell("response.output_audio.done", **part)
        self.tell("response.output_audio_transcript.done", **part, transcript=words)
        done = {**item, "status": "completed", "content": [{"type": "output_audio", "transcript": words}]}
        self.tell("conversation.item.done", previous_item_id=None, item=done)
        self.tell("response.output_item.done", response_id=response, output_index=0, item=done)
        self.tell("response.done", response={**made, "status": "completed", "output": [done], **output})

    def clear(self) -> None:
        """Stop playing."""
        self._speech.clear()
        if self._playing:
            self.tell("output_audio_buffer.cleared", response_id=self._playing)
            self._playing = ""

    # --- what the peer connection reports -----------------------------------------------------------------

    def on_open(self) -> None:
        if self._server.greets:
            self.tell("session.created", session=SESSION)

    def on_text(self, text: str) -> None:
        event = json.loads(text)
        self.heard.append(event)
        if event["type"] == "session.update":
            self.tell("session.updated", session={**SESSION, **event["session"], "audio": SESSION["audio"]})
        elif event["type"] == "output_audio_buffer.clear":
            self.clear()
        self._news.set()

    def on_audio(self, pcm: bytes) -> None:
        self.voice += pcm
        self._news.set()

    def pull_audio(self) -> bytes:
        frame = bytes(self._speech[:FRAME])
        del self._speech[:FRAME]
        if frame and not self._playing:
            self._playing = self._made
            self.tell("output_audio_buffer.started", response_id=self._playing)
        elif not frame and self._playing:
            self.tell("output_audio_buffer.stopped", response_id=self._playing)
            self._playing = ""
        return frame

    def on_drained(self) -> None:
        pass

    def on_end(self, reason: str) -> None:
        self.reason = reason
        self._news.set()


class RtcServer:
    """Takes calls at ``url``.

    Args:
        refuses: status and body with which every call is refused.
        answers: body in the place of the SDP; ``None`` answers nothing at all.
        greets: sends `session.created`.
    """

    def __init__(
        self, *, refuses: tuple[int, str] | None = None, answers: str | None = "sdp", greets: bool = True
    ) -> None:
        self.greets = greets
        self.url = ""
        self.requests: list[tuple[str, dict[str, str], str]] = []
        self.calls: list[Caller] = []
        self._refuses = refuses
        self._answers = answers
        self._visits: set[asyncio.Task[Any]] = set()

    @property
    def caller(self) -> Caller:
        """The last call."""
        return self.calls[-1]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[RtcServer]:
        self._visits.clear()
        server = await asyncio.start_server(self._visit, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/realtime/calls"
        try:
            yield self
        finally:
            server.close()
            await server.wait_closed()
            await asyncio.gather(*self._visits, return_exceptions=True)
            await asyncio.gather(*(call.peer.aclose() for call in self.calls))

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.current_task()
        assert visit is not None
        self._visits.add(visit)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        fields = (line.partition(": ") for line in head[1:] if line)
        headers = {name.lower(): value for name, _, value in fields}
        body = (await reader.readexactly(int(headers["content-length"]))).decode()
        self.requests.append((head[0].split(" ")[1], headers, body))
        if self._answers is None:
            await reader.read()
        else:
            status, text, more = await self._answer(headers, body)
            reply = f"HTTP/1.1 {status} X\r\ncontent-length: {len(text.encode())}\r\n{more}\r\n{text}"
            writer.write(reply.encode())
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _answer(self, headers: dict[str, str], body: str) -> tuple[int, str, str]:
        if self._refuses is not None:
            return *self._refuses, ""
        if self._answers != "sdp":
            return 201, str(self._answers), ""
        call = Caller(self)
        self.calls.append(call)
        answer = await call.peer.answer(parts(headers, body)["sdp"])
        return 201, answer, f"Location: /v1/realtime/calls/rtc_{len(self.calls)}\r\n"


def parts(headers: dict[str, str], body: str) -> dict[str, str]:
    """Return the parts of a form, or the raw offer as its only part."""
    kind, _, boundary = headers["content-type"].partition("; boundary=")
    if kind == "application/sdp":
        return {"sdp": body}
    assert kind == "multipart/form-data"
    form: dict[str, str] = {}
    for part in body.split(f"--{boundary}")[1:-1]:
        head, _, text = part.partition("\r\n\r\n")
        form[head.split('name="')[1].split('"')[0]] = text.removesuffix("\r\n")
    return form
