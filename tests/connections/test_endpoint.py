from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.connections.endpoint import Endpoint, resolve_endpoint, websocket_url
from vivavoce.errors import ConfigurationError


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ws://host:8000", "ws://host:8000/v1/realtime?model=m"),
        ("http://host:8000/", "ws://host:8000/v1/realtime?model=m"),
        ("https://host/v1", "wss://host/v1/realtime?model=m"),
        ("https://host/openai/v1/", "wss://host/openai/v1/realtime?model=m"),
        ("wss://host/v1/realtime", "wss://host/v1/realtime?model=m"),
        ("wss://host/v1/realtime?model=other", "wss://host/v1/realtime?model=other"),
        ("wss://host/v1/realtime?call_id=rtc_1", "wss://host/v1/realtime?call_id=rtc_1"),
        ("wss://host/elsewhere?x=", "wss://host/elsewhere?x=&model=m"),
    ],
)
def test_what_a_user_calls_a_url(url: str, expected: str) -> None:
    assert websocket_url(url, "m") == expected


@pytest.mark.parametrize("url", ["ftp://host", "host:8000", "", "ws://"])
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ConfigurationError, match="is no URL of a realtime server"):
        websocket_url(url, "m")


def resolve(config: dict[str, Any], **fields: Any) -> Endpoint:
    return asyncio.run(resolve_endpoint(config, **fields))  # type: ignore[arg-type]  # tables of plain dicts


async def _async_key() -> str:
    return "from a coroutine"


@pytest.mark.parametrize(
    ("key", "shown"),
    [("text", "text"), (lambda: "from a function", "from a function"), (_async_key, "from a coroutine")],
)
def test_a_key_may_be_text_or_a_function(key: Any, shown: str) -> None:
    endpoint = resolve({"api_key": key})
    assert endpoint.url == "wss://api.openai.com/v1/realtime?model=gpt-realtime"
    assert endpoint.headers == {"Authorization": f"Bearer {shown}"}
    assert shown not in repr(endpoint)


def test_a_function_may_return_an_awaitable_key() -> None:
    def key() -> object:
        return _async_key()

    assert resolve({"api_key": key}).headers["Authorization"] == "Bearer from a coroutine"


def test_a_key_function_must_return_text() -> None:
    with pytest.raises(ConfigurationError, match="must return a text"):
        resolve({"api_key": lambda: None})


def test_the_environment_names_server_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1")
    endpoint = resolve({"initial_model_settings": {"model_name": "m"}})
    assert endpoint.url == "ws://127.0.0.1:8000/v1/realtime?model=m"
    assert endpoint.headers == {"Authorization": "Bearer sk-env"}


def test_openais_key_is_not_shown_to_a_strange_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    assert resolve({}, url="ws://elsewhere").headers == {}
    assert resolve({"url": "ws://elsewhere", "api_key": "mine"}).headers == {"Authorization": "Bearer mine"}


def test_the_users_headers_go_first() -> None:
    endpoint = resolve({"api_key": "k", "headers": {"authorization": "Basic x", "OpenAI-Project": "p"}})
    assert endpoint.headers == {"authorization": "Basic x", "OpenAI-Project": "p"}


def test_openai_without_a_key_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="set OPENAI_API_KEY"):
        resolve({})
