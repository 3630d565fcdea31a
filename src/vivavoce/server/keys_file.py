"""API keys from a file: TOML with a name and a hash for each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vivavoce.errors import ConfigurationError
from vivavoce.server.keys import ApiKey, ApiKeys, KeyLimits

if TYPE_CHECKING:
    from vivavoce.server.config import ServerConfig

__all__ = ["keys_from", "load_keys", "read_keys_file"]

_LIMITS = tuple(field.name for field in fields(KeyLimits))


def load_keys(config: ServerConfig) -> ApiKeys:
    """Return every key of a server: those given, those of its configuration and those of its keys file.

    Raises:
        ConfigurationError: the file cannot be read, two keys have one name, or keys were to be asked for and
            there is none.
    """
    of_file = read_keys_file(config.keys_file) if config.keys_file is not None else ()
    given = dict.fromkeys(ApiKey.from_text(text) for text in config.api_keys)
    keys = ApiKeys([*given, *config.hashed_keys, *of_file])
    if config.asks_for_keys and not keys:
        # Without this check an empty file would open the server to everybody on this machine.
        raise ConfigurationError(
            f"the keys file {config.keys_file} holds no key; make one with `vivavoce keys new NAME`, or "
            "leave the file out"
        )
    return keys


def read_keys_file(path: Path) -> tuple[ApiKey, ...]:
    """Read keys from a TOML file.

    Each is `name = "sha256:…"`, or a table with the name, a `hash` and limits of its own.

    Raises:
        ConfigurationError: the file cannot be read; the message names it and the key.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"the keys file {path} cannot be read: {reason}") from error
    try:
        return keys_from(table)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def keys_from(table: Mapping[str, Any]) -> tuple[ApiKey, ...]:
    """Return the keys of a TOML table.

    Raises:
        ConfigurationError: one of them is no key; the message names it.
    """
    return tuple(_key(name, value) for name, value in table.items())


def _key(name: str, value: object) -> ApiKey:
    if isinstance(value, str):
        return ApiKey.from_hash(name, value)
    if not isinstance(value, Mapping) or not isinstance(value.get("hash"), str):
        raise ConfigurationError(
            f'key {name!r} needs a hash: {name} = "sha256:…", or a table [{name}] with hash = "sha256:…"'
        )
    for field, bound in value.items():
        if field == "hash":
            continue
        if field not in _LIMITS:
            raise ConfigurationError(
                f"key {name!r} has no setting {field!r}{nearest(field, ('hash', *_LIMITS))}"
            )
        whole = field == "max_sessions"
        if isinstance(bound, bool) or not isinstance(bound, int if whole else int | float):
            raise ConfigurationError(
                f"{field} of key {name!r} is {bound!r}; it must be a {'whole ' if whole else ''}number"
            )
    try:
        limits = KeyLimits(**{field: bound for field, bound in value.items() if field != "hash"})
    except ConfigurationError as error:
        raise ConfigurationError(f"key {name!r}: {error}") from error
    return ApiKey.from_hash(name, value["hash"], limits)


def nearest(name: str, known: tuple[str, ...]) -> str:
    """Return words that name what may have been meant, and else everything there is."""
    if close := get_close_matches(name, known, n=1):
        return f"; did you mean {close[0]!r}?"
    return f"; there are {', '.join(known)}" if known else ""
