"""Keys from a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.server import ServerConfig
from vivavoce.server.keys import ApiKey, KeyLimits, digest_of
from vivavoce.server.keys_file import load_keys, nearest, read_keys_file

HASH = f"sha256:{digest_of('sk-1').hex()}"
OTHER = f"sha256:{digest_of('sk-2').hex()}"


def test_a_key_is_a_name_and_a_hash_and_may_have_limits(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text(
        f"shop = '{HASH}'\n[lab]\nhash = '{OTHER}'\nmax_sessions = 2\nmax_minutes_per_day = 1.5\n"
    )
    assert read_keys_file(file) == (
        ApiKey("shop", digest_of("sk-1")),
        ApiKey("lab", digest_of("sk-2"), KeyLimits(max_sessions=2, max_minutes_per_day=1.5)),
    )


def test_all_keys_of_a_server_come_together(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text(f"lab = '{OTHER}'\n")
    config = ServerConfig(
        api_keys=("a=sk-3", "a=sk-3"), hashed_keys=(ApiKey("shop", digest_of("sk-1")),), keys_file=file
    )
    assert [key.name for key in load_keys(config)] == ["a", "shop", "lab"]
    assert len(load_keys(ServerConfig())) == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("shop = = 1", "cannot be read: .*line 1"),
        ("shop = 5", "key 'shop' needs a hash"),
        ("[shop]\nmax_sessions = 1", "key 'shop' needs a hash"),
        ("shop = 'sk-1'", "hash of key 'shop' is not"),
        (
            f"[shop]\nhash = '{HASH}'\nmax_session = 1",
            "no setting 'max_session'; did you mean 'max_sessions'",
        ),
        (
            f"[shop]\nhash = '{HASH}'\nmax_sessions = 1.5",
            "max_sessions of key 'shop' is 1.5; .* whole number",
        ),
        (f"[shop]\nhash = '{HASH}'\nmax_minutes_per_day = '1'", "max_minutes_per_day of key 'shop' is '1'"),
        (f"[shop]\nhash = '{HASH}'\nmax_sessions = true", "is True"),
        (f"[shop]\nhash = '{HASH}'\nmax_sessions = 0", "key 'shop': max_sessions is 0"),
    ],
)
def test_what_is_wrong_in_it_is_named(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "keys.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=words) as caught:
        read_keys_file(file)
    assert str(file) in str(caught.value)


def test_a_file_without_keys_does_not_open_the_door(tmp_path: Path) -> None:
    file = tmp_path / "keys.toml"
    file.write_text("# later\n")
    with pytest.raises(ConfigurationError, match="holds no key"):
        load_keys(ServerConfig(keys_file=file))
    assert len(load_keys(ServerConfig(keys_file=file, api_keys=("sk-1",)))) == 1


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"keys\.toml cannot be read: No such file"):
        read_keys_file(tmp_path / "keys.toml")


def test_the_nearest_name_is_offered_and_else_all_of_them() -> None:
    assert nearest("hos", ("host", "port")) == "; did you mean 'host'?"
    assert nearest("zzz", ("host", "port")) == "; there are host, port"
    assert nearest("zzz", ()) == ""
