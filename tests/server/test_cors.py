"""What a browser must be told."""

from __future__ import annotations

import httpx
import pytest

from vivavoce.engines.registry import EngineChoice, build_local_engines
from vivavoce.server import ServerConfig, create_app
from vivavoce.testing import run

PAGE = "https://app.test"
PREFLIGHT = {
    "Origin": PAGE,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,x-openai-agents-sdk",
}


def ask(config: ServerConfig, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    app = create_app(config, build_local_engines(EngineChoice(preset="bench")))

    async def scenario() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, headers=headers)

    return run(scenario())


@pytest.mark.parametrize(
    "config", [ServerConfig(api_keys=("sk-1",)), ServerConfig(api_keys=("sk-1",), origins=(PAGE,))]
)
def test_a_page_may_ask_and_read_the_answer(config: ServerConfig) -> None:
    answer = ask(config, "OPTIONS", "/v1/realtime/calls", PREFLIGHT)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-headers"] == PREFLIGHT["Access-Control-Request-Headers"]
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in answer.headers
    for key, status in (("sk-1", 200), ("sk-2", 401)):
        headers = {"Origin": PAGE, "Authorization": f"Bearer {key}"}
        answer = ask(config, "GET", "/v1/models", headers)
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert {"Location", "X-Request-Id"} <= set(
            answer.headers["access-control-expose-headers"].split(", ")
        )


@pytest.mark.parametrize(
    "config", [ServerConfig(), ServerConfig(api_keys=("sk-1",), origins=("https://other.test",))]
)
def test_any_other_page_may_not(config: ServerConfig) -> None:
    answer = ask(config, "OPTIONS", "/v1/realtime/calls", PREFLIGHT)
    assert answer.status_code == 400
    assert "access-control-allow-origin" not in answer.headers
    answer = ask(config, "GET", "/v1/models", {"Origin": PAGE, "Authorization": "Bearer sk-1"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "origin_not_allowed")
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_of_the_internet_finds_a_server_in_a_private_network_where_it_may() -> None:
    asking = {**PREFLIGHT, "Access-Control-Request-Private-Network": "true"}
    answer = ask(ServerConfig(api_keys=("sk-1",), origins=(PAGE,)), "OPTIONS", "/v1/realtime/calls", asking)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-private-network"] == "true"
    answer = ask(ServerConfig(), "OPTIONS", "/v1/realtime/calls", asking)
    assert answer.status_code == 400
    assert "access-control-allow-origin" not in answer.headers
