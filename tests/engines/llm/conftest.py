"""A real HTTP server on 127.0.0.1 that speaks Chat Completions as it is told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import pytest


@dataclass
class Reply:
    """What the server answers to one request.

    Attributes:
        events: payloads of the stream; a str goes out as it is, anything else as JSON.
        status: HTTP status; with any but 200 the first event is the whole body.
        headers: further response headers.
        ending: `done` ends properly, `cut` drops the connection, `stall` says nothing more.
    """

    events: Sequence[Any] = ()
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    ending: str = "done"


@dataclass
class Received:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class ChatServer:
    """Answers its requests with the replies given, in order, then repeats the last one."""

    def __init__(
        self, *replies: Reply, models: Sequence[str] = ("first", "second"), models_status: int = 200
    ) -> None:
        self._replies = list(replies)
        self._models_status = models_status
        self._models = models
        self.requests: list[Received] = []
        self.hung_up = asyncio.Event()
        self.sent = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")) != b"":
                if not await self._answer(head.decode(), reader, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            self.hung_up.set()
        finally:
            writer.close()

    async def _answer(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        path = first.split(" ")[1]
        self.requests.append(Received(path, headers, json.loads(raw or b"{}")))
        if path.endswith("/models"):
            listed = [{"id": name, "object": "model"} for name in self._models]
            self._send(writer, self._models_status, {}, json.dumps({"object": "list", "data": listed}))
            return True
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        if reply.status != 200:
            self._send(writer, reply.status, reply.headers, json.dumps(reply.events[0]))
            return True
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for event in reply.events:
            data = event if isinstance(event, str) else f"data: {json.dumps(event)}\n\n"
            self._chunk(writer, data)
            await writer.drain()
        self.sent.set()
        if reply.ending == "stall":
            await reader.read(1)
            self.hung_up.set()
            return False
        if reply.ending == "cut":
            return False
        self._chunk(writer, "data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    @staticmethod
    def _chunk(writer: asyncio.StreamWriter, data: str) -> None:
        raw = data.encode()
        writer.write(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")

    @staticmethod
    def _send(writer: asyncio.StreamWriter, status: int, headers: dict[str, str], body: str) -> None:
        raw = body.encode()
        lines = {"Content-Type": "application/json", "Content-Length": str(len(raw)), **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + raw)


@pytest.fixture
def chat_server() -> type[ChatServer]:
    """The server, to be entered inside the test's own event loop."""
    return ChatServer


@pytest.fixture
def reply() -> type[Reply]:
    """What it answers."""
    return Reply
