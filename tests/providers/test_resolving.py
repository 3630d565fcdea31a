from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.providers.base import Endpoint, Target
from vivavoce.providers.resolving import ProviderName, endpoint_of

AZURE = "https://res.openai.azure.com"


def resolve(provider: ProviderName | None = None, **fields: Any) -> Endpoint:
    return asyncio.run(endpoint_of(Target(**{"api_key": "k", "model": "m", **fields}), provider))


@pytest.mark.parametrize(
    ("provider", "url", "expected", "header"),
    [
        (None, None, "wss://api.openai.com/v1/realtime?model=m", "Authorization"),
        ("openai", None, "wss://api.openai.com/v1/realtime?model=m", "Authorization"),
        (None, "ws://host", "ws://host/v1/realtime?model=m", "Authorization"),
        (None, AZURE, "wss://res.openai.azure.com/openai/v1/realtime?model=m", "api-key"),
        ("openai", AZURE, "wss://res.openai.azure.com/openai/v1/realtime?model=m", "api-key"),
        ("azure", "ws://host", "ws://host/openai/v1/realtime?model=m", "api-key"),
    ],
)
def test_a_target_belongs_to_a_provider(
    provider: ProviderName | None, url: str | None, expected: str, header: str
) -> None:
    endpoint = resolve(provider, url=url)
    assert endpoint.url == expected
    assert list(endpoint.headers) == [header]


def test_the_base_url_in_the_environment_may_be_azures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"{AZURE}/openai/v1")
    assert resolve().url == "wss://res.openai.azure.com/openai/v1/realtime?model=m"


def test_azure_must_be_somewhere() -> None:
    with pytest.raises(ConfigurationError, match="resource is missing"):
        resolve("azure")
