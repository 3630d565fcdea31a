from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest
from tests.connections.rtc_server import RtcServer, parts

from vivavoce import __version__
from vivavoce.connections.webrtc_dialing import ANSWER_BYTES, CallDoor, call_door, place_call, without_calls
from vivavoce.errors import ConfigurationError, ConnectionLostError
from vivavoce.providers.base import Endpoint

AGENT = f"vivavoce/{__version__}"


def door(url: str, headers: dict[str, str] | None = None, **options: Any) -> CallDoor:
    return asyncio.run(call_door(Endpoint(url, headers or {}), **options))


@pytest.mark.parametrize(
    ("url", "calls"),
    [
        ("wss://api.openai.com/v1/realtime?model=m", "https://api.openai.com/v1/realtime/calls"),
        ("ws://127.0.0.1:8000/v1/realtime", "http://127.0.0.1:8000/v1/realtime/calls"),
        ("ws://h/v1/realtime?model=m&x=1&deployment=d", "http://h/v1/realtime/calls?x=1"),
        ("wss://h/my/own/door?model=m", "https://h/my/own/door"),
    ],
)
def test_the_place_of_calls_follows_from_that_of_the_socket(url: str, calls: str) -> None:
    assert door(url).url == calls


@pytest.mark.parametrize(
    ("url", "socket"),
    [
        (None, None),
        ("", ""),
        ("https://h/v1/realtime/calls", "https://h/v1/realtime"),
        ("https://h/v1/realtime/calls/?x=1", "https://h/v1/realtime?x=1"),
        ("https://h/v1/realtime", "https://h/v1/realtime"),
        ("https://h/calls", "https://h/calls"),
    ],
)
def test_the_url_of_calls_is_read_as_that_of_the_socket(url: str | None, socket: str | None) -> None:
    assert without_calls(url) == socket


def test_a_key_goes_with_a_session_and_an_ephemeral_key_brings_its_own() -> None:
    whole = door(
        "wss://h/v1/realtime?model=m", {"Authorization": "Bearer sk-1", "Content-Type": "x", "X-Own": "1"}
    )
    assert whole.session == {"type": "realtime", "model": "m"}
    assert whole.headers == {"User-Agent": AGENT, "Authorization": "Bearer sk-1", "X-Own": "1"}
    assert door("wss://h/v1/realtime").session == {"type": "realtime"}
    ephemeral = door("wss://h/v1/realtime?model=m", {"authorization": "Bearer ek_1", "user-agent": "own/1"})
    assert ephemeral.session is None
    assert ephemeral.headers == {"authorization": "Bearer ek_1", "user-agent": "own/1"}


def test_the_preview_form_of_azure_takes_no_calls() -> None:
    endpoint = Endpoint(
        "wss://r.openai.azure.com/openai/realtime?api-version=1", {"api-key": "k"}, "Use today's."
    )
    with pytest.raises(ConfigurationError, match=r"the form of today only\. Use today's\."):
        asyncio.run(call_door(endpoint))


def test_azure_takes_an_ephemeral_key_as_a_token() -> None:
    azure = door("wss://r.openai.azure.com/openai/v1/realtime?model=d", {"api-key": "ek_1"})
    assert azure.url == "https://r.openai.azure.com/openai/v1/realtime/calls"
    assert azure.headers == {"User-Agent": AGENT, "Authorization": "Bearer ek_1"}
    assert azure.session is None


def test_for_azure_an_ephemeral_key_is_made() -> None:
    secret = json.dumps({"value": "ek_made", "expires_at": 1})
    server = RtcServer(refuses=(200, secret))

    async def main() -> CallDoor:
        async with server.open() as there:
            url = there.url.replace("http", "ws").removesuffix("/calls")
            return await call_door(Endpoint(f"{url}?model=d", {"api-key": "k"}), azure=True)

    azure = asyncio.run(main())
    assert azure.headers["Authorization"] == "Bearer ek_made"
    assert "api-key" not in azure.headers
    [(path, headers, body)] = server.requests
    assert path == "/v1/realtime/client_secrets"
    assert headers["api-key"] == "k"
    assert json.loads(body) == {"session": {"type": "realtime", "model": "d"}}


def place(server: RtcServer, session: dict[str, Any] | None, offer: str = "v=0\r\n") -> Any:
    async def main() -> Any:
        async with server.open() as there:
            return await place_call(CallDoor(there.url, {"X-Own": "1"}, session, "Look here."), offer)

    return asyncio.run(main())


def test_the_offer_goes_raw_or_in_a_form() -> None:
    server = RtcServer(answers="v=0")
    answer = place(server, None)
    assert (answer.sdp, answer.call_id) == ("v=0", None)
    place(server, {"type": "realtime", "model": "m"})
    (path, raw, offer), (_, form, body) = server.requests
    assert path == "/v1/realtime/calls"
    assert (raw["content-type"], offer, raw["x-own"]) == ("application/sdp", "v=0\r\n", "1")
    assert parts(form, body) == {"sdp": "v=0\r\n", "session": '{"type": "realtime", "model": "m"}'}
    assert "Content-Type: application/sdp" in body
    assert "Content-Type: application/json" in body


def test_refusals_have_words_a_status_and_a_hint() -> None:
    server = RtcServer(refuses=(404, '{"error": {"message": "Not here."}}'))
    with pytest.raises(
        ConnectionLostError,
        match=r"refused the call: HTTP 404 Not here\. Look here\. If it has no WebRTC, use WebSocket\w+\.$",
    ) as told:
        place(server, None)
    assert told.value.status == 404


def test_an_answer_has_a_bound() -> None:
    with pytest.raises(ConnectionLostError, match=f"more than {ANSWER_BYTES} bytes"):
        place(RtcServer(answers="x" * (ANSWER_BYTES + 1)), None)


def answered(head: str, body: bytes) -> Any:
    """Place a call to a server that answers with these bytes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 201 Created\r\n{head}Connection: close\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    async def main() -> Any:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            host, port = server.sockets[0].getsockname()
            return await place_call(CallDoor(f"http://{host}:{port}/calls", {}, None), "v=0\r\n")

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("location", "call_id"),
    [("/v1/realtime/calls/rtc_1/", "rtc_1"), ("http://[nobody/rtc_1", None), ("/", None)],
)
def test_a_call_has_the_name_that_its_place_says(location: str, call_id: str | None) -> None:
    assert answered(f"Location: {location}\r\n", b"v=0").call_id == call_id


def test_what_is_compressed_is_not_blown_up() -> None:
    answer = answered("Content-Encoding: gzip\r\n", gzip.compress(bytes(50_000_000)))
    assert len(answer.sdp) <= ANSWER_BYTES
