"""HTTP to an MCP server that a stranger named: only public addresses, and no more bytes than are good.

Import it where it is needed: it brings `httpx2`, which comes with the package `mcp`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from typing import Any, cast

import httpcore2
import httpx2

from vivavoce.errors import ConnectionLostError
from vivavoce.mcp.guard import GuardedNetwork

MAX_BODY_BYTES = 16 * 1024 * 1024
"""Longest body of one answer, in bytes; also of a stream of events as long as it is open."""

MAX_FIELDS = 20_000
"""Fields of the JSON in one answer, or in one event of a stream. Reading one takes some microseconds, and all
others wait meanwhile."""

_ACCEPTED = b"accept-encoding"

FAILED_STATUSES: ContextVar[list[int] | None] = ContextVar("failed_statuses", default=None)
"""Put a list here to learn with which HTTP statuses your own requests to MCP servers have failed."""


def client_factory(url: str, *, private_addresses: bool) -> Callable[..., httpx2.AsyncClient]:
    """Return what makes the HTTP client of an MCP server (`httpx_client_factory`).

    The client is to be asked for the URL without its query, which often holds a key: it is added as late as
    can be, so that nobody on the way has it to write it into a log. Proxies of the environment are not used:
    they would do the connecting.

    Args:
        url: of the server's endpoint, whole.
        private_addresses: whether it may reach addresses that are not public, see `is_public`.
    """

    def make(**how: Any) -> httpx2.AsyncClient:
        transport = _Transport(httpx2.URL(url).raw_path, private_addresses=private_addresses)
        hooks = {"response": [_note_status]}
        return httpx2.AsyncClient(transport=transport, trust_env=False, event_hooks=hooks, **how)

    return make


async def _note_status(response: httpx2.Response) -> None:
    noted = FAILED_STATUSES.get()
    if noted is not None and response.status_code >= 400:
        noted.append(response.status_code)


class _Transport(httpx2.AsyncBaseTransport):
    """Sends requests through a pool of connections whose network is guarded."""

    def __init__(self, endpoint: bytes, *, private_addresses: bool) -> None:
        self._path, _, self._query = endpoint.partition(b"?")
        # Its default network depends on the event loop's library; here that is asyncio.
        network: Any = httpcore2.AnyIOBackend()
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=httpx2.create_ssl_context(),
            network_backend=cast("Any", network if private_addresses else GuardedNetwork(network)),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        answer = await self._pool.handle_async_request(
            httpcore2.Request(
                method=request.method,
                url=httpcore2.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=self._whole(request.url.raw_path),
                ),
                headers=[
                    *((name, value) for name, value in request.headers.raw if name.lower() != _ACCEPTED),
                    (_ACCEPTED, b"identity"),
                ],
                content=request.stream,
                extensions=request.extensions,
            )
        )
        if any(
            name.lower() == b"content-encoding" and value != b"identity" for name, value in answer.headers
        ):
            await answer.aclose()
            # Of what is packed only the reader would learn how much it is.
            raise ConnectionLostError("its answer is compressed, which was not asked for")
        return httpx2.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Body(answer),
            extensions=answer.extensions,
        )

    def _whole(self, path: bytes) -> bytes:
        return path + b"?" + self._query if self._query and path == self._path else path

    async def aclose(self) -> None:
        await self._pool.aclose()


class _Body(httpx2.AsyncByteStream):
    """What an answer says, up to its bound."""

    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer
        self._left = MAX_BODY_BYTES
        kinds = [value for name, value in answer.headers if name.lower() == b"content-type"]
        self._in_events = any(kind.strip().lower().startswith(b"text/event-stream") for kind in kinds)
        self._fields = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._answer.aiter_stream():
            self._left -= len(piece)
            if self._left < 0:
                raise ConnectionLostError(f"it answered with more than {MAX_BODY_BYTES} bytes")
            self._count(piece)
            yield piece

    def _count(self, piece: bytes) -> None:
        # A blank line ends an event of a stream; in plain JSON it means nothing.
        parts = piece.replace(b"\r", b"").split(b"\n\n") if self._in_events else [piece]
        for number, part in enumerate(parts):
            # JSON within a string has its quotes escaped and is read as nothing but text.
            fields = part.count(b":") - part.count(b'\\":') + part.count(b'\\\\":') + part.count(b",") // 8
            self._fields = fields if number else self._fields + fields
            if self._fields > MAX_FIELDS:
                raise ConnectionLostError(f"it answered with JSON of more than {MAX_FIELDS} fields")

    async def aclose(self) -> None:
        await self._answer.aclose()
