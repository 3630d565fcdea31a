"""An HTTP server in the hands of a test: it answers each request as the test says, and keeps them all."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

Answer = tuple[int, Any] | bytes | None
"""A status and a JSON body; or raw bytes; ``None`` is no answer at all."""


@dataclass
class Heard:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class PlainHttp:
    """The server; `answer` may be changed at any time."""

    answer: Callable[[Heard], Answer]
    heard: list[Heard] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                method, path, _ = head[0].split(" ")
                headers = {
                    name.lower(): value
                    for name, _, value in (line.partition(": ") for line in head[1:] if line)
                }
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                request = Heard(method, path, headers, json.loads(body) if body else None)
                self.heard.append(request)
                answer = self.answer(request)
                if answer is None:
                    continue
                writer.write(answer if isinstance(answer, bytes) else packed(*answer))
                await writer.drain()


def certificate(folder: Path, name: str) -> Path:
    """Write a certificate for a name, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "certificate.pem"
    file.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return file


def packed(status: int, body: Any = None, **headers: str) -> bytes:
    """An answer as bytes."""
    text = b"" if body is None else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(text)}", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + text


@contextlib.asynccontextmanager
async def plain_http(
    answer: Callable[[Heard], Answer], tls: ssl.SSLContext | None = None
) -> AsyncIterator[PlainHttp]:
    """Serve on a free port of this machine."""
    plain = PlainHttp(answer)
    tasks: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        try:
            await plain.serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    plain.port = server.sockets[0].getsockname()[1]
    try:
        yield plain
    finally:
        server.close()
        running = {task for task in tasks if task is not None and not task.done()}
        for task in running:
            task.cancel()
        if running:
            await asyncio.wait(running)


def mcp_server(
    call: Callable[[Heard], Answer] | None = None, *tools: dict[str, Any]
) -> Callable[[Heard], Answer]:
    """Answer as an MCP server does whose answers to calls are `call`'s."""

    def answer(request: Heard) -> Answer:
        if request.method != "POST":
            return 405, None
        asked = request.body
        if "id" not in asked:
            return 202, None
        match asked["method"]:
            case "initialize":
                info = {"name": "plain", "version": "1"}
                version = asked["params"]["protocolVersion"]
                result: Any = {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": info}
            case "tools/list":
                result = {"tools": tools or [{"name": "look", "inputSchema": {"type": "object"}}]}
            case "tools/call" if call is not None:
                return call(request)
            case _:
                error = {"code": -32601, "message": "no such method"}
                return 200, {"jsonrpc": "2.0", "id": asked["id"], "error": error}
        return 200, {"jsonrpc": "2.0", "id": asked["id"], "result": result}

    return answer


def said(text: str) -> Callable[[Heard], Answer]:
    """The answer of a tool that returns a text."""

    def call(request: Heard) -> Answer:
        result = {"content": [{"type": "text", "text": text}]}
        return 200, {"jsonrpc": "2.0", "id": request.body["id"], "result": result}

    return call
