"""An HTTP endpoint of an engine: one client for all sessions, bounded waits, errors in the server's words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import httpx

from vivavoce.errors import ConfigurationError, EngineError
from vivavoce.urls import shown_url

LONGEST_MESSAGE = 500
"""Characters of a server's error that are passed on."""

_LONGEST_BODY = 64 * 1024


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """How to reach an endpoint.

    Attributes:
        headers: further HTTP headers; left out of the `repr`, as a key may be among them.
        connect_s: longest wait for the connection, in seconds.
        answer_s: longest wait for the beginning of an answer, in seconds.
        between_s: longest wait between two pieces of an answer, in seconds.
        connections: requests at once; another one waits `connect_s` for its turn, then fails.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    connect_s: float = 5.0
    answer_s: float = 15.0
    between_s: float = 10.0
    connections: int = 64

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ConfigurationError: one is not above 0.
        """
        for name in ("connect_s", "answer_s", "between_s", "connections"):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name} is {getattr(self, name)}; it must be above 0")


class RefusedError(EngineError):
    """An endpoint answered with an error.

    Args:
        message: which endpoint, and what it said.
        status: the HTTP status.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Endpoint:
    """The server of one engine.

    Args:
        what: what it does, for messages: `"the synthesizer"`.
        base_url: its address up to `/v1`.
        api_key: sent as a bearer token; `None` for a server that asks for none.
        options: headers and waits.

    Raises:
        ConfigurationError: the address is no URL.
    """

    def __init__(
        self, what: str, base_url: str, api_key: str | None, options: HttpOptions | None = None
    ) -> None:
        if not base_url.startswith(("http://", "https://")):
            raise ConfigurationError(
                f"'{shown_url(base_url)}' is no URL of {what}; one looks like http://127.0.0.1:8000/v1"
            )
        self._options = options = options or HttpOptions()
        self._key = api_key
        self.place = f"{what} at {shown_url(base_url)}"
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = httpx.AsyncClient(
            base_url=base_url.rstrip("/") + "/",
            headers={**headers, **options.headers},
            timeout=httpx.Timeout(
                max(options.answer_s, options.between_s), connect=options.connect_s, pool=options.connect_s
            ),
            limits=httpx.Limits(
                max_connections=options.connections, max_keepalive_connections=options.connections
            ),
        )

    @asynccontextmanager
    async def post(self, path: str, **content: Any) -> AsyncGenerator[httpx.Response, None]:
        """Send a request and yield its answer as soon as it begins; a lost connection is tried once more.

        Args:
            path: below the address, without a slash in front.
            **content: `json`, `data` or `files`, as httpx takes them.

        Raises:
            EngineError: there is no answer.
            RefusedError: the answer is an error; the message has the server's words, not the key.
        """
        with self.explained():
            response = await self._send(path, content)
            try:
                if response.status_code >= 400:
                    raise await self._refusal(response)
                yield response
            finally:
                await response.aclose()

    async def pieces(self, response: httpx.Response) -> AsyncGenerator[bytes, None]:
        """Yield the body of an answer as it arrives.

        Raises:
            EngineError: it stops arriving.
        """
        with self.explained():
            async with aclosing(cast("AsyncGenerator[bytes, None]", response.aiter_bytes())) as stream:
                while True:
                    async with asyncio.timeout(self._options.between_s):
                        piece = await anext(stream, None)
                    if piece is None:
                        return
                    yield piece

    async def check(self) -> None:
        """Ask for its models, as nearly every such server can: a wrong address or key shows early.

        Raises:
            EngineError: it cannot be reached or refuses the key.
        """
        with self.explained():
            response = await self._client.get("models")
            # Many a server has no such list, which says nothing of what it is for.
            if response.status_code in {401, 403} or response.status_code >= 500:
                raise await self._refusal(response)

    async def said(self, response: httpx.Response) -> str:
        """Return what an answer says in words: the message of an error, or the beginning of its text."""
        body = bytearray()
        async with aclosing(self.pieces(response)) as pieces:
            async for piece in pieces:
                body += piece
                if len(body) > _LONGEST_BODY:
                    break
        text = bytes(body[:_LONGEST_BODY]).decode(errors="replace")
        return self.clean(error_message(text) or text or response.reason_phrase)

    async def _refusal(self, response: httpx.Response) -> RefusedError:
        status = response.status_code
        return RefusedError(f"{self.place} answered {status}: {await self.said(response)}", status)

    def clean(self, text: object) -> str:
        """Return what a server said, short and without the key, which some servers echo."""
        said = " ".join(str(text).split())
        if self._key:
            said = said.replace(self._key, "***")
        return said[:LONGEST_MESSAGE]

    def explained(self) -> _Explained:
        """Turn failures of HTTP inside a `with` block into an `EngineError`."""
        return _Explained(self)

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        await self._client.aclose()

    async def _send(self, path: str, content: Mapping[str, Any]) -> httpx.Response:
        try:
            return await self._try(path, content)
        except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            # Also a kept connection that the server closed in the same moment; nothing was answered yet.
            return await self._try(path, content)

    async def _try(self, path: str, content: Mapping[str, Any]) -> httpx.Response:
        request = self._client.build_request("POST", path, **content)
        async with asyncio.timeout(self._options.connect_s + self._options.answer_s):
            return await self._client.send(request, stream=True)


class _Explained:
    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        place, clean = self._endpoint.place, self._endpoint.clean
        # Not chained: the original holds the request with its headers.
        if isinstance(error, httpx.PoolTimeout):
            raise EngineError(f"too many requests to {place} are under way") from None
        if isinstance(error, httpx.TimeoutException | TimeoutError):
            raise EngineError(f"{place} did not answer in time") from None
        if isinstance(error, httpx.ConnectError):
            raise EngineError(f"{place} cannot be reached: {clean(error)}") from None
        if isinstance(error, httpx.HTTPError | httpx.StreamError | httpx.InvalidURL):
            raise EngineError(f"{place} failed: {clean(error) or type(error).__name__}") from None


def error_message(text: str) -> str | None:
    """Return the message of an error's JSON body (`{"error": {"message": …}}` and its kin), or `None`."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    for _ in range(2):
        if isinstance(body, Mapping):
            body = next((body[name] for name in ("error", "message", "detail") if name in body), None)
    return body if isinstance(body, str) else None
