"""A real HTTP server on 127.0.0.1 that answers as it is told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import pytest


@dataclass
class Answer:
    """What the server answers to one request.

    Attributes:
        pieces: of the body, sent one by one.
        status: HTTP status.
        kind: its content type.
        ending: `done` ends properly, `cut` drops the connection in the middle, `stall` says nothing more,
            `refuse` drops it before anything was said, `silence` never answers.
    """

    pieces: Sequence[bytes] = ()
    status: int = 200
    kind: str = "application/octet-stream"
    ending: str = "done"

    @classmethod
    def json(cls, body: Any, status: int = 200) -> Answer:
        return cls([json.dumps(body).encode()], status, "application/json")

    @classmethod
    def events(cls, *events: Any, ending: str = "done") -> Answer:
        lines = [event if isinstance(event, str) else json.dumps(event) for event in events]
        return cls([f"data: {line}\n\n".encode() for line in lines], 200, "text/event-stream", ending)


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, bytes]:
        """The fields of a multipart form."""
        boundary = self.headers["content-type"].partition("boundary=")[2].encode()
        fields = {}
        for part in self.body.split(b"--" + boundary)[1:-1]:
            head, _, value = part.strip(b"\r\n").partition(b"\r\n\r\n")
            fields[head.decode().partition('name="')[2].partition('"')[0]] = value
        return fields


@dataclass
class HttpServer:
    """Answers its requests in order, then repeats the last answer."""

    answers: list[Answer]
    asked: list[Asked] = field(default_factory=list)
    hung_up: asyncio.Event = field(default_factory=asyncio.Event)

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.asked, self.hung_up = list(answers), [], asyncio.Event()

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
            while await self._answer(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            self.hung_up.set()
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        method, path, _ = first.split(" ")
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.asked.append(Asked(method, path, headers, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer.ending == "refuse":
            return False
        if answer.ending != "silence":
            head = f"HTTP/1.1 {answer.status} X\r\nContent-Type: {answer.kind}\r\nTransfer-Encoding: chunked"
            writer.write(head.encode() + b"\r\n\r\n")
            for piece in answer.pieces:
                writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                await writer.drain()
        if answer.ending in {"stall", "silence"}:
            await reader.read(1)
            self.hung_up.set()
            return False
        if answer.ending == "cut":
            return False
        writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True


@pytest.fixture
def http_server() -> type[HttpServer]:
    """The server, to be entered inside the test's own event loop."""
    return HttpServer


@pytest.fixture
def answer() -> type[Answer]:
    """What it answers."""
    return Answer
