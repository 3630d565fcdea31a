"""`/v1/realtime` on real sockets: who gets in, what a frame can do, and that nothing stays behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from vivavoce.pipeline import LocalSession, SessionOptions
from vivavoce.server import Limits, ServerConfig

Serve = Callable[..., AbstractAsyncContextManager[str]]

TEXT_SESSION = {"type": "session.update", "session": {"type": "realtime", "output_modalities": ["text"]}}


async def send(peer: ClientConnection, event: dict[str, Any]) -> None:
    await peer.send(json.dumps(event))


async def receive(peer: ClientConnection, *types: str) -> dict[str, Any]:
    """The next event, or with `types` the next one of those."""
    async with asyncio.timeout(10):
        while True:
            event: dict[str, Any] = json.loads(await peer.recv())
            if not types or event["type"] in types:
                return event


def message_item(text: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return {
        "type": "conversation.item.create",
        "item": {"type": "message", "role": "user", "content": content},
    }


async def health(url: str) -> dict[str, Any]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(url.replace("ws://", "http://").replace("/v1/realtime", "/healthz"))
        health: dict[str, Any] = answer.json()
        return health


async def until_empty(url: str) -> None:
    async with asyncio.timeout(10):
        while (await health(url))["sessions"]:
            pass


async def refused(url: str, **options: Any) -> InvalidStatus:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(url, **options):
            pass
    return caught.value


def error_of(refusal: InvalidStatus) -> dict[str, Any]:
    assert refusal.response.headers["content-type"] == "application/json"
    assert refusal.response.headers["x-request-id"].startswith("req_")
    error: dict[str, Any] = json.loads(refusal.response.body or b"")["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return error


def test_a_session_begins_with_session_created_and_the_model_asked_for(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving() as url, connect(f"{url}?model=gpt-realtime") as peer:
            created = await receive(peer)
            assert created["type"] == "session.created"
            assert created["session"]["model"] == "gpt-realtime"
            assert peer.subprotocol is None
            assert peer.response is not None
            assert peer.response.headers["x-request-id"].startswith("req_")
            assert "sec-websocket-extensions" not in peer.response.headers
            await send(peer, TEXT_SESSION)
            assert (await receive(peer))["type"] == "session.updated"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    "path", ["/openai/v1/realtime?model=m", "/openai/realtime?api-version=x&deployment=m"]
)
def test_azure_addresses_lead_to_the_same_place(serving: Serve, path: str) -> None:
    async def scenario() -> None:
        async with serving() as url, connect(url.replace("/v1/realtime", path)) as peer:
            assert (await receive(peer))["session"]["model"] == "m"

    asyncio.run(scenario())


def test_a_browser_presents_its_key_as_a_subprotocol(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving(ServerConfig(api_keys=("sk-1",))) as url:
            offered = [Subprotocol("realtime"), Subprotocol("openai-insecure-api-key.sk-1")]
            async with connect(url, subprotocols=offered, origin="https://app.example.com") as peer:  # type: ignore[arg-type] # a NewType of str
                assert peer.subprotocol == "realtime"
                assert (await receive(peer))["type"] == "session.created"

    asyncio.run(scenario())


def test_a_wrong_key_is_refused_at_the_upgrade(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving(ServerConfig(api_keys=("sk-1",))) as url:
            refusal = await refused(url, additional_headers={"Authorization": "Bearer sk-2"})
            assert refusal.response.status_code == 401
            assert error_of(refusal)["code"] == "invalid_api_key"
            assert (await health(url))["sessions"] == 0

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("target", "options", "status", "code"),
    [
        ("", {"origin": "https://evil.example.com"}, 403, "origin_not_allowed"),
        ("?call_id=rtc_1", {}, 404, "call_id_not_found"),
        ("?intent=nonsense", {}, 400, "invalid_intent"),
        ("/nothing", {}, 404, "not_found"),
    ],
)
def test_handshakes_are_refused_with_the_reason(
    serving: Serve, target: str, options: dict[str, Any], status: int, code: str
) -> None:
    async def scenario() -> None:
        async with serving() as url:
            refusal = await refused(url + target, **options)
            assert refusal.response.status_code == status
            assert error_of(refusal)["code"] == code

    asyncio.run(scenario())


def test_a_name_that_a_page_has_rebound_is_refused(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving() as url:
            port = urlsplit(url).port
            refusal = await refused(
                f"ws://rebound.example.com:{port}/v1/realtime", host="127.0.0.1", port=port
            )
            assert refusal.response.status_code == 403
            assert error_of(refusal)["code"] == "host_not_allowed"

    asyncio.run(scenario())


def test_a_full_house_refuses_at_the_door_and_lets_in_again(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving(ServerConfig(limits=Limits(max_sessions=2))) as url:
            async with connect(url) as first, connect(url):
                refusal = await refused(url)
                assert refusal.response.status_code == 503
                assert int(refusal.response.headers["retry-after"]) > 0
                assert error_of(refusal)["code"] == "session_limit_reached"
                assert (await health(url))["sessions"] == 2
                await receive(first, "session.created")
                await send(first, TEXT_SESSION)
                await receive(first, "session.updated")
            await until_empty(url)
            async with connect(url) as later:
                await receive(later, "session.created")

    asyncio.run(scenario())


def test_a_key_that_has_its_share_is_refused_while_others_come_in(serving: Serve) -> None:
    def bearer(key: str) -> dict[str, Any]:
        return {"additional_headers": {"Authorization": f"Bearer {key}"}}

    async def scenario() -> None:
        config = ServerConfig(api_keys=("sk-1", "sk-2"), limits=Limits(max_sessions_per_key=1))
        async with serving(config) as url:
            async with connect(url, **bearer("sk-1")):
                refusal = await refused(url, **bearer("sk-1"))
                assert refusal.response.status_code == 429
                error = error_of(refusal)
                assert (error["type"], error["code"]) == ("rate_limit_error", "key_session_limit_reached")
                async with connect(url, **bearer("sk-2")) as other:
                    await receive(other, "session.created")
            await until_empty(url)
            async with connect(url, **bearer("sk-1")) as later:
                await receive(later, "session.created")

    asyncio.run(scenario())


def test_the_log_says_who_came_and_went_and_who_was_sent_away(
    serving: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "vivavoce")
    ids: dict[str, str] = {}

    async def scenario() -> None:
        async with serving(ServerConfig(api_keys=("sk-1", "lab=sk-2"))) as url:
            async with connect(f"{url}?api-key=sk-2") as peer:
                await receive(peer)
                assert peer.response is not None
                ids["session started"] = ids["session ended"] = peer.response.headers["x-request-id"]
            refusal = await refused(url)
            ids["connection refused"] = refusal.response.headers["x-request-id"]
            await until_empty(url)

    asyncio.run(scenario())
    lines = {record.message: vars(record) for record in caplog.records if record.message in ids}
    assert {message: line["request_id"] for message, line in lines.items()} == ids
    assert {line["client"] for line in lines.values()} == {"127.0.0.1"}
    assert (lines["session started"]["key"], lines["connection refused"]["key"]) == ("lab", None)
    assert lines["session ended"]["close_code"] == 1000
    assert "sk-" not in caplog.text


def test_a_bad_frame_is_answered_and_the_session_goes_on(serving: Serve) -> None:
    bad: list[str | bytes] = [
        "{",
        "[]",
        "null",
        "{}",
        '{"type": 3}',
        '{"type": "no.such.event"}',
        '{"type": "input_audio_buffer.append", "audio": "%%%"}',
        '{"type": "conversation.item.create", "item": {"type": "message"}}',
        b"\x00\x01",
        "[" * 20_000,
        '{"type": "session.update", "session": {"type": "realtime", "instructions": 7}}',
    ]

    async def scenario() -> None:
        async with serving() as url, connect(url) as peer:
            await receive(peer, "session.created")
            for frame in bad:
                await peer.send(frame)
                answer = await receive(peer)
                assert answer["type"] == "error", frame
                assert answer["error"]["type"] == "invalid_request_error"
                assert answer["error"]["message"]
            await send(peer, TEXT_SESSION)
            assert (await receive(peer))["type"] == "session.updated"

    asyncio.run(scenario())


def test_a_flood_of_bad_frames_drops_no_connection(serving: Serve) -> None:
    async def scenario() -> None:
        async with (
            serving(ServerConfig(limits=Limits(max_consecutive_errors=3))) as url,
            connect(url + "/") as peer,
        ):
            await receive(peer, "session.created")
            for _ in range(10):
                await peer.send("{")
                await receive(peer, "error")
            await peer.send(json.dumps(TEXT_SESSION))
            await receive(peer, "session.updated")

    asyncio.run(scenario())


def test_too_large_a_message_closes_its_own_connection_only(serving: Serve) -> None:
    async def scenario() -> None:
        limits = Limits(max_message_bytes=10_000)
        async with serving(ServerConfig(limits=limits)) as url, connect(url) as other, connect(url) as peer:
            await receive(peer, "session.created")
            await send(peer, message_item("x" * 9_000))
            await receive(peer, "conversation.item.done")
            await send(peer, message_item("x" * 11_000))
            with pytest.raises(ConnectionClosed):
                await receive(peer, "never")
            await receive(other, "session.created")
            await send(other, TEXT_SESSION)
            await receive(other, "session.updated")

    asyncio.run(scenario())


def test_a_session_that_reaches_its_length_is_closed_with_the_words_of_the_api(serving: Serve) -> None:
    async def scenario() -> None:
        config = ServerConfig(session=SessionOptions(max_session_s=0.05))
        async with serving(config) as url, connect(url) as peer:
            error = (await receive(peer, "error"))["error"]
            assert error["code"] == "session_expired"
            with pytest.raises(ConnectionClosed) as caught:
                await receive(peer)
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1001
            assert caught.value.rcvd.reason.startswith("Your session hit the maximum duration")
            await until_empty(url)

    asyncio.run(scenario())


def test_a_fault_in_one_session_ends_that_one_with_1011(
    serving: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with serving() as url, connect(url) as healthy, connect(url) as peer:
            await receive(peer, "session.created")
            await receive(healthy, "session.created")
            with monkeypatch.context() as patch:

                def fail(self: LocalSession, event: object) -> None:
                    raise KeyError("a bug")

                patch.setattr(LocalSession, "receive", fail)
                await send(peer, TEXT_SESSION)
                with pytest.raises(ConnectionClosed) as caught:
                    await receive(peer)
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 1011
            await send(healthy, TEXT_SESSION)
            assert (await receive(healthy))["type"] == "session.updated"

    asyncio.run(scenario())


def test_a_session_that_cannot_end_cleanly_gives_its_place_back(
    serving: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(self: LocalSession) -> None:
        raise KeyError("a bug")

    async def scenario() -> None:
        async with serving() as url:
            with monkeypatch.context() as patch:
                patch.setattr(LocalSession, "aclose", fail)
                async with connect(url) as peer:
                    await receive(peer, "session.created")
                await until_empty(url)

    asyncio.run(scenario())


def test_two_hundred_visits_leave_nothing_behind(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving() as url:
            async with connect(url) as peer:
                await receive(peer, "session.created")
            await until_empty(url)
            before = {task.get_name() for task in asyncio.all_tasks()}

            async def visit(number: int) -> None:
                async with connect(url) as peer:
                    await receive(peer, "session.created")
                    await send(peer, TEXT_SESSION)
                    await receive(peer, "session.updated")
                    if number % 4 == 0:
                        peer.transport.abort()

            for start in range(0, 200, 20):
                async with asyncio.TaskGroup() as visits:
                    for number in range(start, start + 20):
                        visits.create_task(visit(number))
            await until_empty(url)
            left = [task for task in asyncio.all_tasks() if task.get_name() not in before]
            if left:
                # A connection's own task outlives its session by the echo of the close frame.
                await asyncio.wait(left, timeout=5)
            assert [task for task in left if not task.done()] == []

    asyncio.run(scenario())


@pytest.mark.parametrize("path", ["/v1/realtime/translations", "/openai/v1/realtime/translations"])
def test_a_translation_is_refused_where_its_clients_look_for_it(serving: Serve, path: str) -> None:
    async def scenario() -> None:
        async with serving() as url, connect(url.replace("/v1/realtime", path) + "?model=t") as peer:
            error = (await receive(peer))["error"]
            assert (error["type"], error["code"]) == ("invalid_request_error", "translation_not_supported")
            with pytest.raises(ConnectionClosed) as caught:
                await receive(peer)
            assert caught.value.rcvd is not None
            assert caught.value.rcvd.code == 4000
            assert caught.value.rcvd.reason == "invalid_request_error.translation_not_supported"
            assert (await health(url))["sessions"] == 0

    asyncio.run(scenario())
