from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.connections.endpoint import resolve_endpoint
from vivavoce.providers.base import Endpoint


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def resolve(config: dict[str, Any], **fields: Any) -> Endpoint:
    return asyncio.run(resolve_endpoint(config, **fields))  # type: ignore[arg-type]  # tables of plain dicts


OWN = {"url": "ws://own", "api_key": "own"}


@pytest.mark.parametrize(
    ("config", "url", "key"),
    [
        ({}, "ws://own/v1/realtime?model=gpt-realtime", "own"),
        ({"api_key": "k"}, "ws://own/v1/realtime?model=gpt-realtime", "k"),
        ({"initial_model_settings": {"model_name": "m"}}, "ws://own/v1/realtime?model=m", "own"),
        ({"url": "ws://host/x"}, "ws://host/x?model=gpt-realtime", "own"),
        ({"base_url": "ws://host/x"}, "ws://host/x/realtime?model=gpt-realtime", "own"),
        ({"url": "ws://host/x", "base_url": "ws://other"}, "ws://host/x?model=gpt-realtime", "own"),
        ({"call_id": "rtc_1"}, "ws://own/v1/realtime?call_id=rtc_1", "own"),
    ],
)
def test_the_runs_configuration_goes_before_the_connections_own(
    config: dict[str, Any], url: str, key: str
) -> None:
    assert resolve(config, **OWN) == Endpoint(url, {"Authorization": f"Bearer {key}"})


def test_the_users_headers_go_first() -> None:
    headers = {"authorization": "Basic x", "OpenAI-Project": "p"}
    assert resolve({"api_key": "k", "headers": headers}).headers == headers


def test_a_provider_may_be_named() -> None:
    config = {"initial_model_settings": {"model_name": "dep"}}
    endpoint = resolve(config, **OWN, provider="azure")
    assert endpoint == Endpoint("ws://own/openai/v1/realtime?model=dep", {"api-key": "own"})
