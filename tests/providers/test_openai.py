from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.providers.base import Endpoint, Target
from vivavoce.providers.openai import is_openai, openai_endpoint, websocket_url


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
        ("wss://host/v1/realtime?intent=transcription", "wss://host/v1/realtime?intent=transcription"),
        ("wss://host/elsewhere?x=", "wss://host/elsewhere?x=&model=m"),
    ],
)
def test_what_a_user_calls_a_url(url: str, expected: str) -> None:
    assert websocket_url(url, "m") == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://gateway/proxy/openai", "wss://gateway/proxy/openai/realtime?model=m"),
        ("https://gateway/v1", "wss://gateway/v1/realtime?model=m"),
        ("https://gateway", "wss://gateway/v1/realtime?model=m"),
        ("https://gateway/x/realtime", "wss://gateway/x/realtime?model=m"),
    ],
)
def test_a_base_url_always_gets_the_path(url: str, expected: str) -> None:
    assert websocket_url(url, "m", base=True) == expected


def test_a_call_is_attached_to_by_its_id_alone() -> None:
    assert websocket_url("wss://host", "m", call_id="rtc_1") == "wss://host/v1/realtime?call_id=rtc_1"


def resolve(**fields: Any) -> Endpoint:
    return asyncio.run(openai_endpoint(Target(**fields)))


def test_openai_is_reached_without_a_url() -> None:
    endpoint = resolve(api_key=lambda: "k")
    assert endpoint == Endpoint(
        "wss://api.openai.com/v1/realtime?model=gpt-realtime", {"Authorization": "Bearer k"}
    )


def test_the_environment_names_server_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    assert resolve(model="m").headers == {"Authorization": "Bearer sk-env"}
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8000/proxy")
    endpoint = resolve(model="m")
    assert endpoint.url == "ws://127.0.0.1:8000/proxy/realtime?model=m"
    assert endpoint.headers == {"Authorization": "Bearer sk-env"}
    assert resolve(url="http://127.0.0.1:8000").headers == {"Authorization": "Bearer sk-env"}


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("wss://api.openai.com/v1/realtime", True),
        ("https://eu.api.openai.com/v1", True),
        ("ws://api.openai.com", False),
        ("wss://api.openai.com.evil.example", False),
        ("wss://notapi.openai.com.example", False),
        ("wss://xapi.openai.com", False),
        ("ws://elsewhere", False),
    ],
)
def test_openais_key_is_not_shown_to_a_strange_server(
    monkeypatch: pytest.MonkeyPatch, url: str, shown: bool
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    assert is_openai(url) is shown
    assert bool(resolve(url=url).headers) is shown


def test_a_strange_server_gets_the_key_given_for_it_or_none() -> None:
    assert resolve(url="ws://elsewhere", api_key="mine").headers == {"Authorization": "Bearer mine"}
    assert resolve(url="ws://elsewhere").headers == {}


def test_the_users_headers_stand_for_any_key() -> None:
    headers = {"authorization": "Basic x", "OpenAI-Project": "p"}

    def never() -> str:
        raise AssertionError

    assert resolve(api_key=never, headers=headers).headers == headers


def test_openai_without_a_key_is_refused_and_a_server_of_ones_own_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(ConfigurationError, match="set OPENAI_API_KEY"):
        resolve()
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1")
    assert resolve().headers == {}
