"""Against a Realtime server on a real socket; the key that is minted opens a session there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from starlette.requests import Request
from websockets.asyncio.client import connect

from vivavoce.engines.registry import EngineChoice
from vivavoce.errors import ConfigurationError
from vivavoce.protocol.codec import decode_server_event
from vivavoce.server import ServerConfig, serve
from vivavoce.web import client_secret_routes

PATH = "/voice/client_secret"
KEY = "sk-own"


@asynccontextmanager
async def serving() -> AsyncIterator[str]:
    config = replace(ServerConfig(), port=0, engines=EngineChoice(preset="bench"), api_keys=(KEY,))
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        server = tasks.create_task(serve(config, on_ready=ready.set_result))
        try:
            yield await ready
        finally:
            server.cancel()


def of_header(request: Request) -> str | None:
    return request.headers.get("x-user")


async def greeting(user: str) -> dict[str, Any]:
    return {"type": "realtime", "model": "any", "instructions": f"Call the user {user}."}


def test_the_key_of_a_user_opens_the_session_that_the_program_decided_on(browsing: Any, app_of: Any) -> None:
    async def story() -> None:
        async with serving() as url:
            routes = client_secret_routes(
                PATH,
                greeting,
                authorize=of_header,
                api_key=KEY,
                base_url=url.replace("/realtime", ""),
                expires_after_s=60,
            )
            async with browsing(app_of(routes)) as browser:
                assert (await browser.post(PATH)).status_code == 401
                answer = await browser.post(PATH, headers={"x-user": "ada"}, json={"instructions": "mine"})
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
            assert KEY not in answer.text
            assert answer.json().keys() == {"value", "expires_at"}
            key = answer.json()["value"]
            async with connect(url, additional_headers={"authorization": f"Bearer {key}"}) as socket:
                created: Any = decode_server_event(await socket.recv())
            assert created.session.instructions == "Call the user ada."

    asyncio.run(story())


@pytest.mark.parametrize(
    ("options", "session", "status"),
    [
        ({"base_url": "ws://127.0.0.1:9", "api_key": "sk-secret"}, {"type": "realtime", "model": "m"}, 502),
        ({"base_url": "ws://127.0.0.1:9", "api_key": "sk-secret"}, {"type": "realtime", "moodel": "m"}, 500),
        (
            {"base_url": "ws://127.0.0.1:9/x?api-version=1", "api_key": "sk-secret", "provider": "azure"},
            None,
            500,
        ),
    ],
)
def test_what_goes_wrong_is_logged_and_the_page_learns_nothing_of_it(
    browsing: Any,
    app_of: Any,
    caplog: pytest.LogCaptureFixture,
    options: dict[str, Any],
    session: dict[str, Any] | None,
    status: int,
) -> None:
    async def story() -> Any:
        routes = client_secret_routes(PATH, lambda _user: session or {}, authorize=of_header, **options)
        async with browsing(app_of(routes)) as browser:
            return await browser.post(PATH, headers={"x-user": "ada"})

    answer = asyncio.run(story())
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, "client_secret_unavailable")
    assert "127.0.0.1" not in answer.text
    assert "client secret could not be made" in caplog.text
    assert "sk-secret" not in caplog.text


def test_a_log_without_a_key_says_what_this_function_has(
    browsing: Any, app_of: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)

    async def story() -> Any:
        async with browsing(app_of(client_secret_routes(PATH, {}, authorize=of_header))) as browser:
            return await browser.post(PATH, headers={"x-user": "ada"})

    assert asyncio.run(story()).status_code == 500
    assert "set OPENAI_API_KEY, or pass api_key" in caplog.text
    assert "model" not in caplog.messages[-1]


@pytest.mark.parametrize("seconds", [5, 7201, "60"])
def test_a_time_out_of_range_is_refused_at_once(seconds: Any) -> None:
    with pytest.raises(
        ConfigurationError, match=f"expires_after_s must be .* from 10 to 7200, got {seconds!r}"
    ):
        client_secret_routes(PATH, greeting, authorize=of_header, expires_after_s=seconds)


def test_settings_that_no_session_has_are_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="moodel"):
        client_secret_routes(PATH, {"type": "realtime", "moodel": "m"}, authorize=of_header)


def test_an_origin_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="origin"):
        client_secret_routes(PATH, {}, authorize=of_header, origins=["example.com"])
