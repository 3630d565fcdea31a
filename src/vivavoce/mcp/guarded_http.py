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
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
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

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._answer.aiter_stream():
            self._left -= len(piece)
            if self._left < 0:
                raise ConnectionLostError(f"it answered with more than {MAX_BODY_BYTES} bytes")
            yield piece

    async def aclose(self) -> None:
        await self._answer.aclose()
