"""Who may come in."""

from __future__ import annotations

from typing import Any

import pytest

from vivavoce.protocol import RealtimeSession
from vivavoce.server.auth import Caller, Guard, is_loopback, offered_keys, select_subprotocol
from vivavoce.server.envelope import Refusal
from vivavoce.server.keys import ApiKeys
from vivavoce.server.origins import Origins
from vivavoce.server.secrets import ClientSecret, ClientSecrets

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


OPERATOR = "a key of the operator"
SESSION = RealtimeSession(instructions="Be brief.")


def bearer(token: str, **headers: str) -> dict[str, Any]:
    return scope({"authorization": f"Bearer {token}", **headers})


def secret_of(key: str | None = "shop", *, expires_at: int = 1000, digest: str | None = None) -> str:
    found = KEYS.named(key or "")
    fingerprint = digest or (found.fingerprint if found else None)
    return ClientSecrets([OPERATOR]).mint(ClientSecret(SESSION, expires_at, key, fingerprint))


def guard(keys: ApiKeys = KEYS, *origins: str) -> Guard:
    return Guard(keys, ClientSecrets([OPERATOR]), Origins(origins), clock=lambda: 999.0)


def test_a_client_secret_comes_in_as_the_key_that_made_it_with_its_settings() -> None:
    assert guard().admit(bearer(secret_of())) == Caller("shop", SESSION, secret=True)
    subprotocols = ("realtime", f"openai-insecure-api-key.{secret_of('lab')}")
    assert guard().admit(scope(subprotocols=subprotocols)) == Caller("lab", SESSION, secret=True)


def test_without_keys_a_client_secret_brings_its_settings_as_well() -> None:
    caller = Caller(None, SESSION, secret=True)
    assert guard(ApiKeys()).admit(bearer(secret_of(None))) == caller
    assert guard(ApiKeys()).admit(bearer(secret_of("shop"))) == caller


@pytest.mark.parametrize(
    ("token", "code"),
    [
        (secret_of(expires_at=999), "client_secret_expired"),
        (secret_of() + "x", "invalid_client_secret"),
        ("ek_123", "invalid_client_secret"),
        (secret_of("gone"), "client_secret_revoked"),
        (secret_of(None), "client_secret_revoked"),
        (secret_of(digest="of the key before"), "client_secret_revoked"),
    ],
)
def test_a_client_secret_that_is_good_no_more_is_refused(token: str, code: str) -> None:
    refusal = guard().admit(bearer(token))
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (401, code)
    assert token not in refusal.message


def test_without_keys_a_bad_client_secret_is_refused_too() -> None:
    refusal = guard(ApiKeys()).admit(bearer("ek_123"))
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (401, "invalid_client_secret")


def test_a_key_beside_a_bad_client_secret_is_enough() -> None:
    assert guard().admit(bearer("ek_123", **{"api-key": "sk-first"})) == Caller("shop")


@pytest.mark.parametrize("keys", [KEYS, ApiKeys()])
def test_a_client_secret_is_for_realtime_only(keys: ApiKeys) -> None:
    refusal = guard(keys).admit(bearer(secret_of()), secrets=False)
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.code) == (403, "client_secret_not_allowed")


def test_where_nobody_reads_client_secrets_one_is_a_wrong_key() -> None:
    refusal = Guard(KEYS).admit(bearer(secret_of()))
    assert isinstance(refusal, Refusal)
    assert refusal.code == "invalid_api_key"


@pytest.mark.parametrize(
    ("keys", "origins", "origin", "comes_in"),
    [
        (KEYS, (), "https://anywhere.test", True),
        (KEYS, ("https://app.test",), "https://app.test", True),
        (KEYS, ("https://app.test",), "https://anywhere.test", False),
        (KEYS, ("https://app.test",), "http://localhost:3000", False),
        (KEYS, ("*",), "https://anywhere.test", True),
        (ApiKeys(), (), "http://localhost:3000", True),
        (ApiKeys(), (), "https://app.test", False),
        (ApiKeys(), ("https://app.test",), "https://app.test", True),
        (ApiKeys(), ("https://app.test",), "http://localhost:3000", True),
        (ApiKeys(), ("https://app.test",), "https://anywhere.test", False),
    ],
)
def test_which_pages_come_in(keys: ApiKeys, origins: tuple[str, ...], origin: str, comes_in: bool) -> None:
    guarding = guard(keys, *origins)
    admitted = guarding.admit(scope({"api-key": "sk-first", "origin": origin}))
    assert isinstance(admitted, Caller) is comes_in
    assert guarding.allows_origin(origin) is comes_in
    if isinstance(admitted, Refusal):
        assert (admitted.status, admitted.code) == (403, "origin_not_allowed")
        assert "--allow-origin" in admitted.message
