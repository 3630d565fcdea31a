"""What can be done to a session by its id."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedOK

from vivavoce.server import ServerConfig
from vivavoce.testing import run

CALLS = "/v1/realtime/calls"


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


def test_webrtc_is_refused_so_that_no_client_tries_again(home: Any) -> None:
    async def scenario() -> None:
        answer = await home.ask("POST", CALLS, "sk-1", content=b"v=0")
        assert (answer.status_code, answer.json()["error"]["code"]) == (501, "webrtc_not_supported")
        assert answer.headers["x-should-retry"] == "false"
        assert (await home.ask("POST", CALLS)).status_code == 401

    run(scenario())


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
