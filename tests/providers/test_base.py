from __future__ import annotations

import asyncio
import functools
import threading
from typing import Any

import pytest

import vivavoce
from vivavoce.errors import ConfigurationError, ConnectionLostError
from vivavoce.providers.base import (
    USER_AGENT,
    Endpoint,
    Target,
    carries,
    join_url,
    query_of,
    refusal_text,
    resolve_key,
    same_server,
    split_url,
)


async def _async_key() -> str:
    return "from a coroutine"


def _returns_awaitable() -> object:
    return _async_key()


@pytest.mark.parametrize(
    ("key", "resolved"),
    [
        (None, None),
        ("text", "text"),
        (lambda: "from a function", "from a function"),
        (_async_key, "from a coroutine"),
        (functools.partial(_async_key), "from a coroutine"),
        (_returns_awaitable, "from a coroutine"),
    ],
)
def test_a_key_may_be_text_or_a_function(key: Any, resolved: str | None) -> None:
    assert asyncio.run(resolve_key(key)) == resolved


def test_a_plain_function_does_not_hold_up_the_event_loop() -> None:
    threads: list[int] = []

    def key() -> str:
        threads.append(threading.get_ident())
        return "k"

    asyncio.run(resolve_key(key))
    assert threads != [threading.get_ident()]


@pytest.mark.parametrize("returned", [None, 3, ""])
def test_a_key_function_must_return_text(returned: Any) -> None:
    with pytest.raises(ConfigurationError, match="must return a text that is not empty"):
        asyncio.run(resolve_key(lambda: returned))


@pytest.mark.parametrize(
    "url",
    ["ftp://host", "host:8000", "", "ws://", "ws:///path", "ws://host:none", "ws://host:0", "ws://[::1"],
)
def test_what_is_no_url(url: str) -> None:
    with pytest.raises(ConfigurationError, match="is no URL of a realtime server"):
        split_url(url)


def test_a_query_is_added_where_the_url_has_none_of_that_name() -> None:
    parts = split_url("https://host:1/base?model=own&empty=")
    assert query_of(parts) == {"model": "own", "empty": ""}
    assert join_url(parts, "/path", {"model": "other", "x": "a b"}) == (
        "wss://host:1/path?model=own&empty=&x=a+b"
    )
    assert join_url(split_url("http://host"), "/path", {}) == "ws://host/path"


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("wss://host/v1/realtime", "https://HOST:443/v1", True),
        ("ws://host:8000", "http://host:8000/v1", True),
        ("ws://host:8000", "http://host:8001", False),
        ("ws://host:443", "wss://host", False),
        ("wss://host.evil", "wss://host", False),
        ("wss://host", None, False),
        ("wss://host", "", False),
    ],
)
def test_when_two_urls_are_one_server(one: str, two: str | None, same: bool) -> None:
    assert same_server(one, two) is same


def test_headers_are_found_in_any_case() -> None:
    assert carries({"API-Key": "k"}, "authorization", "api-key")
    assert not carries({"Accept": "x"}, "authorization", "api-key")


def test_no_secret_is_shown() -> None:
    secrets = {"Authorization": "Bearer secret"}
    shown = repr(Endpoint("wss://host", secrets)) + repr(Target(api_key="secret", headers=secrets))
    assert "secret" not in shown
    assert f"vivavoce/{vivavoce.__version__}" == USER_AGENT


async def _failing_key() -> str:
    raise LookupError("the vault is closed")


def _absent_key() -> str:
    raise ConfigurationError("no key is kept for this customer")


def test_a_key_function_that_fails_is_a_connection_that_could_not_be_made() -> None:
    with pytest.raises(ConnectionLostError, match="failed: LookupError: the vault is closed"):
        asyncio.run(resolve_key(_failing_key))
    with pytest.raises(ConfigurationError, match="no key is kept"):
        asyncio.run(resolve_key(_absent_key))


def test_space_around_a_key_is_dropped() -> None:
    assert Endpoint("wss://host", {"Authorization": "Bearer sk-1\n"}).headers == {
        "Authorization": "Bearer sk-1"
    }


@pytest.mark.parametrize("broken", ["sk-1\nsk-2", "sk\r1", "sk\x001", "sk\x7f1"])
def test_a_key_that_no_header_can_hold_is_refused_unseen(broken: str) -> None:
    with pytest.raises(ConfigurationError, match="'api-key' cannot be sent") as refused:
        Endpoint("wss://host", {"api-key": broken})
    assert "sk" not in str(refused.value)


def test_what_is_no_url_shows_no_secret() -> None:
    with pytest.raises(ConfigurationError, match="'htps://host' is no URL"):
        split_url("htps://me:pw@host?key=k")


def test_a_place_holds_no_secret() -> None:
    assert Endpoint("wss://me:secret@host:1/v1/realtime?key=secret", {}).place == "wss://host:1/v1/realtime"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"error": {"message": "No such\\nkey."}}', "No such key."),
        ('{"error": "overloaded"}', "overloaded"),
        ('{"message": "Not here."}', "Not here."),
        ('{"detail": 3}', '{"detail": 3}'),
        ("<h1>Bad gateway</h1>\n", "<h1>Bad gateway</h1>"),
        ("[" * 100_000, "[" * 500),
        ("", ""),
    ],
)
def test_the_words_of_a_refusal(body: str, words: str) -> None:
    assert refusal_text(body) == words
