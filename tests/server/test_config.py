"""Settings that must not be."""

from __future__ import annotations

from pathlib import Path

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.server import ServerConfig
from vivavoce.server.keys import ApiKey


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "voice.example.com", ""])
def test_without_a_key_only_loopback_is_listened_on(host: str) -> None:
    with pytest.raises(ConfigurationError, match="--api-key"):
        ServerConfig(host=host)
    assert ServerConfig(host=host, api_keys=("sk-1",)).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_without_a_key_loopback_is_fine(host: str) -> None:
    assert ServerConfig(host=host).api_keys == ()


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_out_of_range_is_refused(port: int) -> None:
    with pytest.raises(ConfigurationError, match=str(port)):
        ServerConfig(port=port)


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_a_time_to_drain_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(ConfigurationError, match=f"drain_s is {seconds}"):
        ServerConfig(drain_s=seconds)


def test_keys_are_not_shown() -> None:
    assert "sk-secret" not in repr(ServerConfig(api_keys=("sk-secret",)))


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"origins": ("*",)}, "every web page"), ({"origins": ("app.test",)}, "'app.test' is no origin")],
)
def test_origins_are_checked(settings: dict[str, tuple[str, ...]], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        ServerConfig(origins=settings["origins"])


def test_a_hash_or_a_file_of_keys_is_enough_to_serve_others() -> None:
    by_hash = ServerConfig(host="0.0.0.0", hashed_keys=(ApiKey("a", bytes(32)),), origins=("*",))
    by_file = ServerConfig(host="0.0.0.0", keys_file=Path("keys.toml"))
    assert by_hash.asks_for_keys
    assert by_file.asks_for_keys
    assert not ServerConfig().asks_for_keys
    assert "secret" not in repr(ServerConfig(secret_keys=("a secret of the operator",)))
