"""A real HTTP server on 127.0.0.1 that speaks Chat Completions as it is told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any, Self

import pytest

Chunks = list[dict[str, Any]]


def _chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


def says(text: str, finish: str = "stop", tokens: tuple[int, int] | None = (10, 2)) -> Chunks:
    """An answer in words, in two pieces."""
    half = len(text) // 2
    chunks = [_chunk(content=text[:half]), _chunk(content=text[half:]), _chunk(finish)]
    if tokens is not None:
        usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
        chunks.append({**_chunk(), "choices": [], "usage": usage})
    return chunks


def calls(*wanted: tuple[str, Any], ids: Sequence[str | None] = (), text: str = "") -> Chunks:
    """An answer that calls functions: ``("name", arguments)`` each; ids are c0, c1 … unless given."""
    chunks = [_chunk(content=text)] if text else []
    for index, (name, arguments) in enumerate(wanted):
        written = arguments if isinstance(arguments, str) else json.dumps(arguments)
        call = {
            "index": index,
            "id": ids[index] if ids else f"c{index}",
            "type": "function",
            "function": {"name": name, "arguments": written},
        }
        chunks.append(_chunk(tool_calls=[call]))
    return [*chunks, _chunk("tool_calls")]


def refuses(status: int, message: str) -> tuple[int, str]:
    """A refusal of the request."""
    return status, message


STALLS: Chunks = [_chunk(content="Hel")]
"""An answer that begins and goes on only when the client hangs up."""


class Script:
    """The ways to script an answer, for tests that cannot import this file."""

    says = staticmethod(says)
    calls = staticmethod(calls)
    refuses = staticmethod(refuses)
    stalls = STALLS


class ChatServer:
    """Gives its answers in order, one for each request; the last one again and again."""

    def __init__(self, *answers: Chunks | tuple[int, str], lists_models: bool = True) -> None:
        self._answers = list(answers)
        self._lists_models = lists_models
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.stalling = asyncio.Event()
        self.hung_up = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    @property
    def config(self) -> dict[str, Any]:
        """Settings of a run that reach this server."""
        return {"base_url": self.url, "api_key": "sk-test"}

    def messages(self, request: int) -> list[dict[str, Any]]:
        """What a request showed to the model."""
        messages: list[dict[str, Any]] = self.requests[request]["messages"]
        return messages

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                lines = dict(line.split(": ", 1) for line in head.strip().split("\r\n")[1:])
                headers = {name.lower(): value for name, value in lines.items()}
                raw = await reader.readexactly(int(headers.get("content-length", "0")))
                self.headers.append(headers)
                if head.startswith("GET"):
                    models = {"object": "list", "data": [{"id": "m", "object": "model"}]}
                    self._send(writer, 200 if self._lists_models else 404, models)
                    continue
                self.requests.append(json.loads(raw))
                await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.hung_up.set()
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, tuple):
            self._send(writer, answer[0], {"error": {"message": answer[1]}})
            return
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for chunk in answer:
            self._chunk(writer, f"data: {json.dumps(chunk)}\n\n")
        await writer.drain()
        if answer is STALLS:
            self.stalling.set()
            await reader.readexactly(1)
        self._chunk(writer, "data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    @staticmethod
    def _chunk(writer: asyncio.StreamWriter, data: str) -> None:
        raw = data.encode()
        writer.write(f"{len(raw):x}\r\n".encode() + raw + b"\r\n")

    @staticmethod
    def _send(writer: asyncio.StreamWriter, status: int, body: object) -> None:
        raw = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(raw)}\r\n\r\n"
        writer.write(head.encode() + raw)


@pytest.fixture
def chat_server() -> type[ChatServer]:
    """The server, to be entered inside the test's own event loop."""
    return ChatServer


@pytest.fixture
def script() -> Script:
    """The ways to script its answers."""
    return Script()


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reaches a hosted model."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_DEFAULT_MODEL"):
        monkeypatch.delenv(name, raising=False)
