"""How the server is, and what it is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vivavoce import __version__
from vivavoce.pipeline import SessionOptions
from vivavoce.server import Limits
from vivavoce.testing import run


def test_health_needs_no_key_and_says_how_full_the_house_is(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(api_keys=("sk-1",), limits=Limits(max_sessions=7))
        for path in ("/healthz", "/readyz"):
            answer = await home.ask("GET", path)
            assert answer.status_code == 200
            assert answer.json() == {
                "status": "ok",
                "sessions": 0,
                "max_sessions": 7,
                "version": __version__,
            }
            assert answer.headers["cache-control"] == "no-store"

    run(scenario())


def test_a_server_that_is_full_or_drains_is_alive_and_not_ready(house: Callable[..., Any]) -> None:
    async def scenario() -> None:
        home = house(limits=Limits(max_sessions=1))
        home.app._sessions.admission.admit()
        assert (await home.ask("GET", "/healthz")).json()["status"] == "ok"
        answer = await home.ask("GET", "/readyz")
        assert (answer.status_code, answer.json()["status"]) == (503, "full")
        assert answer.headers["retry-after"] == "5"
        home.app._sessions.admission.drain()
        answer = await home.ask("GET", "/healthz")
        assert (answer.status_code, answer.json()["status"]) == (200, "draining")
        answer = await home.ask("GET", "/readyz")
        assert (answer.status_code, answer.json()["status"]) == (503, "draining")

    run(scenario())


@pytest.mark.parametrize("prefix", ["/v1", "/openai/v1", "/openai"])
def test_models_names_the_model_to_those_with_a_key(house: Callable[..., Any], prefix: str) -> None:
    async def scenario() -> None:
        home = house(api_keys=("sk-1",), session=SessionOptions(model="house/model"))
        shown = {"id": "house/model", "object": "model", "created": 0, "owned_by": "vivavoce"}
        answer = await home.ask("GET", f"{prefix}/models", "sk-1")
        assert answer.json() == {"object": "list", "data": [shown]}
        answer = await home.ask("GET", f"{prefix}/models/house/model", "sk-1")
        assert answer.json() == shown
        path = f"{prefix}/models/gpt-realtime"
        assert await home.refused("GET", path, "sk-1") == (404, "model_not_found", "model")
        for path in ("/models", "/models/gpt-realtime"):
            assert await home.refused("GET", prefix + path) == (401, "invalid_api_key", None)

    run(scenario())
