"""API keys by name."""

from __future__ import annotations

import hashlib

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.server.keys import ApiKey, ApiKeys, KeyLimits, digest_of, parse_keys


def test_keys_are_split_at_commas() -> None:
    assert parse_keys(" a, b,,c ,") == ("a", "b", "c")
    assert parse_keys("") == ()


@pytest.mark.parametrize(
    ("text", "name", "key"),
    [
        ("shop=sk-1", "shop", "sk-1"),
        ("web.shop-2=a=b", "web.shop-2", "a=b"),
        ("shop=c2stMQ==", "shop", "c2stMQ=="),
    ],
)
def test_a_key_may_bring_its_name(text: str, name: str, key: str) -> None:
    assert ApiKey.from_text(text) == ApiKey(name, digest_of(key))


@pytest.mark.parametrize("text", ["sk-1", "c2stMQ==", "sk-a=b", "with blank=x", "=x", "x="])
def test_a_key_without_a_name_is_called_after_its_digest(text: str) -> None:
    digest = hashlib.sha256(text.encode()).digest()
    assert ApiKey.from_text(text) == ApiKey(f"key-{digest.hex()[:8]}", digest)


def test_a_key_can_be_known_by_its_hash_alone() -> None:
    key = ApiKey.from_hash("shop", f" sha256:{digest_of('sk-1').hex().upper()} ", KeyLimits(max_sessions=2))
    assert ApiKeys([key]).find(["sk-1"]) is key
    assert key.limits.max_sessions == 2
    assert digest_of("sk-1").hex() not in repr(key)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("shop", "sk-1", "'sha256:' and 64 hexadecimal digits"),
        ("shop", "sha256:12", "keys new"),
        ("shop", "sk-1", "`vivavoce keys hash NAME`"),
        ("a name", f"sha256:{'0' * 64}", "no name of a key"),
        ("", f"sha256:{'0' * 64}", "no name of a key"),
    ],
)
def test_a_hash_that_is_none_is_refused(name: str, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        ApiKey.from_hash(name, text)
    assert "sk-1" not in str(caught.value)


def test_names_and_keys_are_there_once() -> None:
    assert len(ApiKeys.from_texts(["a=1", "a=1", "2"])) == 2
    with pytest.raises(ConfigurationError, match="two API keys have the name 'a'"):
        ApiKeys.from_texts(["a=1", "a=2"])
    with pytest.raises(ConfigurationError, match="under two names, one of them 'b'"):
        ApiKeys.from_texts(["a=1", "b=1"])


def test_the_first_of_the_keys_that_is_offered_is_found() -> None:
    keys = ApiKeys.from_texts(["a=1", "b=2"])
    assert [key.name for key in keys] == ["a", "b"]
    found = keys.find(["2", "1"])
    assert found is not None
    assert found.name == "a"
    assert keys.find(["3", "\udcff"]) is None
    assert keys.find([]) is None
    assert keys.named("b") is not None
    assert keys.named("c") is None
    assert set(keys.limits) == {"a", "b"}


@pytest.mark.parametrize("limits", [{"max_sessions": 0}, {"max_minutes_per_day": -1.0}])
def test_limits_are_positive(limits: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="must be above 0"):
        KeyLimits(**limits)
