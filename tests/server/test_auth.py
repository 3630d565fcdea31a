"""Who may come in."""

from __future__ import annotations

from typing import Any

import pytest

from vivavoce.server.auth import Caller, Guard, is_loopback, offered_keys, select_subprotocol
from vivavoce.server.envelope import Refusal
from vivavoce.server.keys import ApiKeys

KEYS = ApiKeys.from_texts(("shop=sk-first", "lab=sk-second"))


def scope(
    headers: dict[str, str] | None = None,
    *,
    query: str = "",
    subprotocols: tuple[str, ...] = (),
    client: tuple[str, int] | None = ("127.0.0.1", 50000),
) -> dict[str, Any]:
    return {
        "type": "websocket",
        "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
        "query_string": query.encode(),
        "subprotocols": list(subprotocols),
        "client": client,
    }


@pytest.mark.parametrize(
    "request_scope",
    [
        scope({"authorization": "Bearer sk-first"}),
        scope({"authorization": "bearer  sk-first "}),
        scope({"api-key": "sk-first"}),
        scope(query="api-version=2025-04-01-preview&api-key=sk-first&deployment=x"),
        scope(subprotocols=("realtime", "openai-insecure-api-key.sk-first")),
        scope({"authorization": "Bearer wrong", "api-key": "sk-first"}),
        scope(
            {"authorization": "Bearer sk-first", "origin": "https://example.com", "host": "voice.example.com"}
        ),
        scope({"authorization": "Bearer sk-first"}, client=("192.0.2.7", 40000)),
    ],
    ids=["bearer", "bearer-blanks", "header", "query", "subprotocol", "any-of", "foreign-origin", "remote"],
)
def test_every_way_of_presenting_a_key_is_accepted(request_scope: dict[str, Any]) -> None:
    assert Guard(KEYS).admit(request_scope) == Caller("shop")


@pytest.mark.parametrize(
    ("request_scope", "words"),
    [
        (scope(), "did not provide"),
        (scope({"authorization": "Basic c2stZmlyc3Q="}), "did not provide"),
        (scope({"authorization": "Bearer "}), "did not provide"),
        (scope({"authorization": "sk-first"}), "did not provide"),
        (scope({"authorization": "Bearer sk-firs"}), "Incorrect"),
        (scope({"authorization": "Bearer sk-first-and-more"}), "Incorrect"),
        (scope({"api-key": "\udcff".encode("utf-8", "surrogateescape").decode("latin-1")}), "Incorrect"),
        (scope(subprotocols=("realtime", "openai-insecure-api-key.nope")), "Incorrect"),
    ],
)
def test_without_a_right_key_the_answer_is_401(request_scope: dict[str, Any], words: str) -> None:
    refusal = Guard(KEYS).admit(request_scope)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (401, "invalid_api_key")
    assert words in refusal.message
    assert "sk-fir" not in refusal.message


@pytest.mark.parametrize(
    "request_scope",
    [
        scope(),
        scope({"authorization": "Bearer anything", "host": "127.0.0.1:8000"}),
        scope({"host": "localhost:8000", "origin": "http://localhost:3000"}),
        scope({"host": "[::1]:8000", "origin": "http://[::1]:5173"}, client=("::1", 1)),
        scope({"host": "agent.localhost"}, client=("::ffff:127.0.0.1", 1)),
        scope(client=None),
    ],
)
def test_without_keys_this_machine_comes_in(request_scope: dict[str, Any]) -> None:
    guard = Guard()
    assert guard.open
    assert guard.admit(request_scope) == Caller(None)


@pytest.mark.parametrize(
    ("request_scope", "code"),
    [
        (scope(client=("192.0.2.7", 40000)), "loopback_only"),
        (scope({"host": "127.0.0.1:8000", "x-forwarded-for": "203.0.113.9"}), "loopback_only"),
        (scope({"host": "127.0.0.1:8000", "forwarded": "for=203.0.113.9"}), "loopback_only"),
        (scope({"host": "127.0.0.1:8000", "x-real-ip": "203.0.113.9"}), "loopback_only"),
        (scope({"host": "127.0.0.1:8000", "via": "1.1 proxy"}), "loopback_only"),
        (scope({"host": "rebound.example.com:8000"}), "host_not_allowed"),
        (scope({"host": "192.168.1.5:8000"}), "host_not_allowed"),
        (scope({"host": "localhost.example.com"}), "host_not_allowed"),
        (scope({"host": ""}), "host_not_allowed"),
        (scope({"host": "127.0.0.1:8000", "origin": "https://example.com"}), "origin_not_allowed"),
        (scope({"host": "127.0.0.1:8000", "origin": "http://127.0.0.1.example.com"}), "origin_not_allowed"),
        (scope({"host": "127.0.0.1:8000", "origin": "null"}), "origin_not_allowed"),
        (scope({"host": "127.0.0.1:8000", "origin": "http://[::1"}), "origin_not_allowed"),
    ],
)
def test_without_keys_everyone_else_stays_outside(request_scope: dict[str, Any], code: str) -> None:
    refusal = Guard().admit(request_scope)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (403, code)


def test_a_request_is_known_by_the_name_of_its_key() -> None:
    guard = Guard(KEYS)
    assert guard.admit(scope({"authorization": "Bearer sk-second"})) == Caller("lab")
    both = scope({"authorization": "Bearer sk-second", "api-key": "sk-first"})
    assert guard.admit(both) == Caller("shop")


def test_with_a_key_a_proxy_may_stand_in_front() -> None:
    passed_on = scope({"authorization": "Bearer sk-first", "x-forwarded-for": "203.0.113.9"})
    assert Guard(KEYS).admit(passed_on) == Caller("shop")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("LOCALHOST.", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("example.com", False),
        ("", False),
    ],
)
def test_which_hosts_are_this_machine(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_every_offered_key_is_seen() -> None:
    request = scope(
        {"authorization": "Bearer one", "api-key": "two"},
        query="api-key=three",
        subprotocols=("realtime", "openai-insecure-api-key.four"),
    )
    assert offered_keys(request) == ["one", "two", "three", "four"]


@pytest.mark.parametrize(
    ("offered", "selected"),
    [
        (("realtime", "openai-insecure-api-key.x"), "realtime"),
        (("openai-insecure-api-key.x", "realtime"), "realtime"),
        (("graphql-ws",), None),
        ((), None),
    ],
)
def test_only_realtime_is_selected(offered: tuple[str, ...], selected: str | None) -> None:
    assert select_subprotocol(scope(subprotocols=offered)) == selected
