"""HTTP endpoints of engines, against a real server."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest

from vivavoce.engines.http import LONGEST_MESSAGE, Endpoint, HttpOptions, error_message
from vivavoce.errors import ConfigurationError, EngineError

# The server's classes live in conftest.py, which tests cannot import; fixtures hand them over.
Server = Any
KEY = "sk-very-secret"


def post(http_server: Server, *answers: Any, options: HttpOptions | None = None) -> tuple[bytes, Server]:
    """Post `{}` to a server that gives these answers; returns the body of the answer, and the server."""

    async def main() -> tuple[bytes, Server]:
        async with http_server(*answers) as server:
            endpoint = Endpoint("the engine", server.url, KEY, options)
            try:
                async with endpoint.post("audio/x", json={}) as response:
                    return b"".join([piece async for piece in endpoint.pieces(response)]), server
            finally:
                await endpoint.aclose()
                await endpoint.aclose()

    return asyncio.run(main())


def failure(http_server: Server, *answers: Any, options: HttpOptions | None = None) -> str:
    with pytest.raises(EngineError) as caught:
        post(http_server, *answers, options=options)
    assert caught.value.__cause__ is None
    assert KEY not in str(caught.value)
    return str(caught.value)


def test_the_body_comes_with_key_and_headers_sent(http_server: Server, answer: Any) -> None:
    body, server = post(http_server, answer([b"a", b"bc"]), options=HttpOptions({"X-Team": "blue"}))
    assert body == b"abc"
    assert server.asked[0].path == "/v1/audio/x"
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert server.asked[0].headers["x-team"] == "blue"


def test_a_lost_connection_is_tried_once_more(http_server: Server, answer: Any) -> None:
    body, server = post(http_server, answer(ending="refuse"), answer([b"ok"]))
    assert body == b"ok"
    assert len(server.asked) == 2
    assert "failed" in failure(http_server, answer(ending="refuse"))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": f"no such voice, {KEY}"}}, "answered 400: no such voice, \\*\\*\\*"),
        ({"detail": "busy"}, "answered 400: busy"),
        ({"message": "busy"}, "answered 400: busy"),
        ({"error": "busy"}, "answered 400: busy"),
        ([1], r"answered 400: \[1\]"),
    ],
)
def test_a_refusal_has_the_servers_words(http_server: Server, answer: Any, body: Any, said: str) -> None:
    assert re.search(said, failure(http_server, answer.json(body, 400)))


def test_a_long_refusal_is_shortened(http_server: Server, answer: Any) -> None:
    message = failure(http_server, answer([b"x" * 50_000] * 4, 500, "text/plain"))
    assert "answered 500: xxx" in message
    assert len(message) < LONGEST_MESSAGE + 100


def test_waits_have_an_end(http_server: Server, answer: Any) -> None:
    quick = HttpOptions(connect_s=0.05, answer_s=0.05, between_s=0.05)
    assert "did not answer in time" in failure(http_server, answer(ending="silence"), options=quick)
    assert "did not answer in time" in failure(http_server, answer([b"a"], ending="stall"), options=quick)
    assert "failed" in failure(http_server, answer([b"a"], ending="cut"))


def test_nobody_there_is_told_with_the_address(http_server: Server, answer: Any) -> None:
    async def main() -> None:
        endpoint = Endpoint("the engine", "http://127.0.0.1:9/v1", None)
        async with endpoint.post("x", json={}):
            pass

    with pytest.raises(EngineError, match=r"the engine at http://127\.0\.0\.1:9/v1 cannot be reached"):
        asyncio.run(main())


def test_too_many_at_once_fail_instead_of_waiting(http_server: Server, answer: Any) -> None:
    async def main() -> None:
        async with http_server(answer([b"a"], ending="stall")) as server:
            endpoint = Endpoint("the engine", server.url, None, HttpOptions(connect_s=0.05, connections=1))
            async with endpoint.post("x", json={}):
                with pytest.raises(EngineError, match=r"too many requests to the engine at .* are under way"):
                    async with endpoint.post("x", json={}):
                        pass
            await endpoint.aclose()
            await server.hung_up.wait()

    asyncio.run(main())


@pytest.mark.parametrize(
    ("status", "complaint"), [(200, None), (404, None), (401, "answered 401"), (503, "answered 503")]
)
def test_an_address_is_checked_early(
    http_server: Server, answer: Any, status: int, complaint: str | None
) -> None:
    async def main() -> None:
        async with http_server(answer.json({}, status)) as server:
            endpoint = Endpoint("the engine", server.url, KEY)
            try:
                await endpoint.check()
            finally:
                await endpoint.aclose()
            assert server.asked[0].path == "/v1/models"

    if complaint is None:
        asyncio.run(main())
    else:
        with pytest.raises(EngineError, match=complaint):
            asyncio.run(main())


def test_what_is_no_address_and_no_wait_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'ftp://host/v1' is no URL of the engine; one looks like"):
        Endpoint("the engine", "ftp://me:secret@host/v1", None)
    with pytest.raises(ConfigurationError, match="answer_s is 0; it must be above 0"):
        HttpOptions(answer_s=0)


def test_headers_and_keys_are_not_shown() -> None:
    assert "sk-1" not in repr(HttpOptions({"X-Key": "sk-1"}))


def test_an_error_that_is_not_of_http_passes() -> None:
    endpoint = Endpoint("the engine", "http://127.0.0.1:9/v1", None)
    with pytest.raises(ZeroDivisionError), endpoint.explained():
        raise ZeroDivisionError
    with pytest.raises(EngineError, match="failed: ReadError"), endpoint.explained():
        raise httpx.ReadError("")
    asyncio.run(endpoint.aclose())


def test_messages_of_errors() -> None:
    assert error_message("{}") is None
    assert error_message("no json") is None
    assert error_message('{"error": {"code": 1}}') is None
