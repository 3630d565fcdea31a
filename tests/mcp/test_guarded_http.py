"""HTTP to a server that a stranger named, over real sockets of this machine."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path
from typing import Any

import pytest
from tests.mcp.plain_http import Heard, PlainHttp, certificate, packed, plain_http

from vivavoce.errors import ConnectionLostError
from vivavoce.mcp import guard, guarded_http
from vivavoce.mcp.guard import PrivateAddressError
from vivavoce.mcp.guarded_http import FAILED_STATUSES, client_factory


def ok(_request: Heard) -> tuple[int, Any]:
    return 200, {"well": "done"}


async def get(plain: PlainHttp, *, private_addresses: bool = True, **how: Any) -> Any:
    async with client_factory(plain.url, private_addresses=private_addresses)(**how) as client:
        return await client.get(plain.url)


def test_a_request_and_its_answer() -> None:
    async def main() -> None:
        async with plain_http(ok) as plain:
            answer = await get(plain, headers={"X-Key": "1"}, timeout=5.0)
            assert (answer.status_code, answer.json()) == (200, {"well": "done"})
            (request,) = plain.heard
            assert (request.path, request.headers["x-key"]) == ("/mcp", "1")
            assert request.headers["host"] == f"127.0.0.1:{plain.port}"

    asyncio.run(main())


def test_a_private_address_is_not_reached() -> None:
    async def main() -> None:
        async with plain_http(ok) as plain:
            with pytest.raises(PrivateAddressError):
                await get(plain, private_addresses=False)
            assert plain.heard == []

    asyncio.run(main())


def test_a_redirect_to_a_private_address_is_not_followed() -> None:
    async def main() -> None:
        async with plain_http(ok) as secret:

            def elsewhere(_request: Heard) -> bytes:
                return packed(302, Location=secret.url)

            async with plain_http(elsewhere) as plain:
                answer = await get(plain)
                assert answer.status_code == 302
                assert secret.heard == []

    asyncio.run(main())


def test_a_query_is_added_on_the_way_to_the_endpoint_only() -> None:
    async def main() -> None:
        async with plain_http(ok) as plain:
            factory = client_factory(f"{plain.url}?key=word", private_addresses=True)
            async with factory() as client:
                answer = await client.get(plain.url)
                assert "word" not in str(answer.url)
                await client.get(f"{plain.url}/messages")
                await client.get(f"{plain.url}?own=1")
            assert [request.path for request in plain.heard] == [
                "/mcp?key=word",
                "/mcp/messages",
                "/mcp?own=1",
            ]

    asyncio.run(main())


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with plain_http(ok) as proxy, plain_http(ok) as plain:
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
            await get(plain)
            assert (len(proxy.heard), len(plain.heard)) == (0, 1)

    asyncio.run(main())


@pytest.mark.parametrize("trusted", [True, False])
def test_tls_asks_for_the_certificate_of_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, trusted: bool
) -> None:
    asked: list[str | None] = []
    file = certificate(tmp_path, "localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(file)
    tls.sni_callback = lambda _socket, name, _context: asked.append(name)
    # Through the guard, which connects to a numeric address.
    monkeypatch.setattr(guard, "is_public", lambda _: True)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(file))

    async def main() -> None:
        async with (
            plain_http(ok, tls) as plain,
            client_factory("https://localhost", private_addresses=False)() as client,
        ):
            url = f"https://localhost:{plain.port}/mcp"
            if trusted:
                assert (await client.get(url)).status_code == 200
            else:
                with pytest.raises(Exception, match="CERTIFICATE_VERIFY_FAILED"):
                    await client.get(url)

    asyncio.run(main())
    assert set(asked) == {"localhost"}


def test_an_answer_without_an_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_http, "MAX_BODY_BYTES", 1000)

    async def main() -> None:
        async with plain_http(lambda _: (200, "x" * 998)) as plain:
            assert len((await get(plain)).content) == 1000
            plain.answer = lambda _: (200, "x" * 999)
            with pytest.raises(ConnectionLostError, match="more than 1000 bytes"):
                await get(plain)

    asyncio.run(main())


@pytest.mark.parametrize("packing", ["gzip", "br", "no-such"])
def test_a_compressed_answer_is_not_unpacked(packing: str) -> None:
    async def main() -> None:
        headers = {"Content-Encoding": packing}
        async with plain_http(lambda _: packed(200, "x", **headers)) as plain:
            with pytest.raises(ConnectionLostError, match="compressed"):
                await get(plain, headers={"Accept-Encoding": "gzip"})
            assert plain.heard[0].headers["accept-encoding"] == "identity"

    asyncio.run(main())


def test_json_of_too_many_fields_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_http, "MAX_FIELDS", 100)
    fields = {str(number): number for number in range(80)}
    for body, refused in (
        (fields, False),
        ([fields, fields], True),
        ({f"{name}\\": fields for name in "ab"}, True),
        ([json.dumps(fields)] * 9, False),
    ):

        async def main(body: object = body, refused: bool = refused) -> None:
            async with plain_http(lambda _: (200, body)) as plain:
                if refused:
                    with pytest.raises(ConnectionLostError, match="more than 100 fields"):
                        await get(plain)
                else:
                    assert (await get(plain)).json() == body

        asyncio.run(main())


def test_each_event_of_a_stream_has_its_own_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarded_http, "MAX_FIELDS", 100)
    event = "data: " + json.dumps({str(number): number for number in range(80)}) + "\r\n"

    def stream(text: str) -> bytes:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {len(text)}\r\n\r\n"
        return (head + text).encode()

    async def main() -> None:
        async with plain_http(lambda _: stream(f"{event}\r\n" * 5)) as plain:
            assert (await get(plain)).text.count("data: ") == 5
            plain.answer = lambda _: stream(event * 2)
            with pytest.raises(ConnectionLostError, match="more than 100 fields"):
                await get(plain)

    asyncio.run(main())


@pytest.mark.parametrize(("status", "noted"), [(200, []), (302, []), (400, [400]), (503, [503])])
def test_failed_statuses_are_noted_for_whoever_asks(status: int, noted: list[int]) -> None:
    async def main() -> None:
        async with plain_http(lambda _: (status, None)) as plain:
            await get(plain)  # nobody asks
            statuses: list[int] = []
            FAILED_STATUSES.set(statuses)
            await get(plain)
            assert statuses == noted

    asyncio.run(main())


def test_each_task_notes_its_own() -> None:
    async def main() -> None:
        async with plain_http(lambda request: (int(request.headers["x-status"]), None)) as plain:
            found: dict[int, list[int]] = {}

            async def ask(status: int) -> None:
                FAILED_STATUSES.set(found.setdefault(status, []))
                await get(plain, headers={"X-Status": str(status)})

            async with asyncio.TaskGroup() as group:
                for status in (404, 500, 204):
                    group.create_task(ask(status))
            assert found == {404: [404], 500: [500], 204: []}

    asyncio.run(main())
