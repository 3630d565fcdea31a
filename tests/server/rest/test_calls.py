"""What can be done to a session by its id."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedOK

from vivavoce.server import Limits, ServerConfig
from vivavoce.testing import run

CALLS = "/v1/realtime/calls"
SDP = {"content-type": "application/sdp"}


@pytest.fixture
def home(house: Callable[..., Any]) -> Any:
    return house(api_keys=("sk-1", "sk-2"))


@pytest.mark.parametrize("verb", ["hangup", "accept", "reject", "refer"])
def test_a_call_that_is_not_there_is_not_found(home: Any, verb: str) -> None:
    async def scenario() -> None:
        path = f"{CALLS}/rtc_1/{verb}"
        assert await home.refused("POST", path, "sk-1") == (404, "call_id_not_found", "call_id")
        assert await home.refused("POST", path) == (401, "invalid_api_key", None)

    run(scenario())


def test_where_calls_are_switched_off_no_client_tries_again(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(api_keys=("sk-1",), webrtc=None)
        for path in (CALLS, "/openai/v1/realtime/calls", "/v1/realtime"):
            answer = await home.ask("POST", path, "sk-1", content=b"v=0")
            assert (answer.status_code, answer.json()["error"]["code"]) == (501, "webrtc_not_supported")
            assert answer.headers["x-should-retry"] == "false"
            assert (await home.ask("POST", path)).status_code == 401

    run(scenario())


def test_without_the_extra_the_answer_says_what_to_install(
    home: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What an import finds that finds nothing.
    monkeypatch.setitem(sys.modules, "vivavoce.webrtc.wiring", None)

    async def scenario() -> None:
        answer = await home.ask("POST", CALLS, "sk-1", content=b"v=0", headers=SDP)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (501, "webrtc_not_supported")
        assert "pip install 'vivavoce[webrtc]'" in error["message"]
        assert answer.headers["x-should-retry"] == "false"

    asyncio.run(scenario())


FORM = {"content-type": "multipart/form-data; boundary=b"}
VOICED = '{"voice": 1, "type": "realtime"}'
TRANSLATED = '{"type": "translation"}'
NO_TOOL = '{"tool_choice": {"type": "function", "name": "no"}}'


def form(**parts: str) -> bytes:
    """The body of a form."""
    head = "--b\r\nContent-Disposition: form-data; name="
    pieces = [f'{head}"{name}"\r\n\r\n{text}\r\n' for name, text in parts.items()]
    return "".join([*pieces, "--b--\r\n"]).encode()


@pytest.mark.parametrize(
    ("headers", "content", "refused"),
    [
        (SDP, b"", (400, "invalid_offer", "sdp")),
        (SDP, b"v=0", (400, "invalid_offer", "sdp")),
        (SDP, b"{}", (400, "invalid_offer", "sdp")),
        (SDP, b"\xff\xfe", (400, "invalid_offer", "sdp")),
        (SDP, b"v" * (64 * 1024 + 1), (413, "request_too_large", None)),
        ({}, b"v=0", (415, "unsupported_content_type", "Content-Type")),
        ({"content-type": "application/json"}, b"{}", (415, "unsupported_content_type", "Content-Type")),
        (FORM, b"x", (400, "invalid_multipart", None)),
        (FORM, form(session="{}"), (400, "missing_required_parameter", "sdp")),
        (FORM, form(sdp="v=0", more="1"), (400, "unknown_parameter", "more")),
        (FORM, form(sdp="v=0"), (400, "invalid_offer", "sdp")),
        (FORM, form(sdp="v" * (64 * 1024 + 1)), (413, "request_too_large", "sdp")),
        (FORM, form(sdp="v" * (1024 * 1024 + 1)), (413, "request_too_large", None)),
        (FORM, form(sdp="v=0", session="{"), (400, "invalid_json", "session")),
        (FORM, form(sdp="v=0", session="[]"), (400, "invalid_type", "session")),
        (FORM, form(sdp="v=0", session=VOICED), (400, "unknown_parameter", "session.voice")),
        (FORM, form(sdp="v=0", session=TRANSLATED), (400, "translation_not_supported", "session.type")),
        (FORM, form(sdp="v=0", session=NO_TOOL), (400, "invalid_value", "session.tool_choice")),
        (FORM, form(sdp="v=0", session="{}"), (400, "invalid_offer", "sdp")),
    ],
)
def test_what_is_no_offer_is_refused_and_takes_no_place(
    home: Any, headers: dict[str, str], content: bytes, refused: tuple[int, str, str | None]
) -> None:
    async def scenario() -> None:
        assert await home.refused("POST", CALLS, "sk-1", content=content, headers=headers) == refused
        assert home.app.sessions == 0

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ("?intent=translation", (400, "invalid_intent", "intent")),
        ("?model=" + "m" * 300, (400, "invalid_model", "model")),
    ],
)
def test_what_is_no_session_is_refused(home: Any, query: str, refused: Any) -> None:
    async def scenario() -> None:
        assert await home.refused("POST", CALLS + query, "sk-1", content=b"v=0", headers=SDP) == refused

    asyncio.run(scenario())


def test_a_full_house_takes_no_call(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(api_keys=("sk-1",), limits=Limits(max_sessions_per_key=1))
        (key,) = home.app.keys
        home.app._sessions.admission.admit(key.name)
        answer = await home.ask("POST", CALLS, "sk-1", content=b"v=0", headers=SDP)
        assert (answer.status_code, answer.json()["error"]["code"]) == (429, "key_session_limit_reached")
        assert answer.headers["retry-after"] == "5"

    asyncio.run(scenario())


def test_a_secret_for_transcripts_opens_no_conversation(home: Any) -> None:
    async def scenario() -> None:
        made = await home.ask(
            "POST", "/v1/realtime/client_secrets", "sk-1", json={"session": {"type": "transcription"}}
        )
        body = form(sdp="v=0", session='{"type": "realtime"}')
        refused = await home.refused("POST", CALLS, made.json()["value"], content=body, headers=FORM)
        assert refused == (400, "invalid_value", "session.type")

    asyncio.run(scenario())


def test_pages_may_ask_from_where_they_are_allowed(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(api_keys=("sk-1",), origins=("https://app.example.com",))
        asked = {
            "origin": "https://app.example.com",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type,x-openai-agents-sdk",
        }
        preflight = await home.ask("OPTIONS", CALLS, headers=asked)
        assert preflight.status_code == 200
        allowed = preflight.headers["access-control-allow-headers"].lower()
        assert all(name in allowed for name in ("authorization", "content-type", "x-openai-agents-sdk"))
        page = {**SDP, "origin": asked["origin"]}
        answer = await home.ask("POST", CALLS, "sk-1", content=b"v=0", headers=page)
        assert answer.headers["access-control-allow-origin"] == asked["origin"]
        exposed = answer.headers["access-control-expose-headers"].lower()
        assert "location" in exposed
        assert "x-request-id" in exposed
        elsewhere = {**SDP, "origin": "https://evil.example.com"}
        refused = await home.refused("POST", CALLS, "sk-1", content=b"v=0", headers=elsewhere)
        assert refused == (403, "origin_not_allowed", "Origin")

    asyncio.run(scenario())


def test_a_session_is_hung_up_by_the_key_that_opened_it(
    serving: Callable[..., AbstractAsyncContextManager[str]],
) -> None:
    async def scenario() -> None:
        async with serving(ServerConfig(api_keys=("sk-1", "sk-2"))) as url:
            base = url.replace("ws://", "http://")
            async with connect(f"{url}?api-key=sk-1") as peer, httpx.AsyncClient() as client:
                call = httpx.Response(200, content=await peer.recv()).json()["session"]["id"]

                async def post(verb: str, key: str) -> int:
                    answer = await client.post(f"{base}/calls/{call}/{verb}", headers={"api-key": key})
                    return answer.status_code

                assert [await post("hangup", "sk-2"), await post("accept", "sk-1")] == [404, 400]
                assert await post("hangup", "sk-1") == 200
                with pytest.raises(ConnectionClosedOK):
                    await peer.recv()

    run(scenario())
