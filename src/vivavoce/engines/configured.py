"""From a table of options to a call of a constructor: unknown names and wrong types are refused in words."""

from __future__ import annotations

import dataclasses
import inspect
import os
import types
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from vivavoce.errors import ConfigurationError

T = TypeVar("T")


def configured(make: Callable[..., T], options: Mapping[str, Any], where: str) -> T:
    """Call a constructor with options that a user wrote.

    Values are checked against the constructor's annotations: text, numbers, truth values, one of several
    words, tables and lists of text, and dataclasses as tables of their fields. Where there is an `api_key`,
    `api_key_env` names the environment variable that holds it.

    Args:
        make: the constructor; its keyword parameters are the options.
        options: what the user wrote.
        where: whose options they are, for messages: `"stt 'faster-whisper'"`.

    Raises:
        ConfigurationError: an option is unknown, missing or of a wrong type, or a variable is not set.
    """
    hints = get_type_hints(make.__init__ if inspect.isclass(make) else make)
    parameters = inspect.signature(make).parameters
    given = _with_key(dict(options), "api_key" in parameters, where)
    unknown = sorted(set(given) - set(parameters))
    if unknown:
        known = ", ".join(parameters) or "none"
        raise ConfigurationError(f"{where} has no option '{unknown[0]}'; its options are: {known}")
    missing = [n for n, p in parameters.items() if p.default is inspect.Parameter.empty and n not in given]
    if missing:
        raise ConfigurationError(f"{where} needs the option '{missing[0]}'")
    return make(**{name: _fit(value, hints[name], f"{where}: {name}") for name, value in given.items()})


def _with_key(options: dict[str, Any], takes_key: bool, where: str) -> dict[str, Any]:
    if not takes_key or "api_key_env" not in options:
        return options
    name = options.pop("api_key_env")
    key = os.environ.get(name) if isinstance(name, str) else None
    if not key:
        raise ConfigurationError(f"{where}: api_key_env names the variable '{name}', which is not set")
    return {**options, "api_key": key}


def _fit(value: Any, kind: Any, where: str) -> Any:
    """Return the value in the form of an annotation."""
    origin = get_origin(kind)
    if origin in {Union, types.UnionType}:
        return _fit_one_of(value, get_args(kind), where)
    if origin is Literal:
        if value not in get_args(kind):
            words = ", ".join(repr(word) for word in get_args(kind))
            raise ConfigurationError(f"{where} is {value!r}; it must be one of {words}")
        return value
    if origin is not None and issubclass(origin, Mapping):
        return _fit_table(value, get_args(kind), where)
    if origin is not None and issubclass(origin, Sequence):
        return _fit_list(value, get_args(kind), where)
    if dataclasses.is_dataclass(kind) and not isinstance(value, kind):  # type: ignore[arg-type]
        return configured(kind, _table(value, where), where)  # type: ignore[arg-type]
    return _fit_plain(value, kind, where)


def _fit_one_of(value: Any, kinds: Sequence[Any], where: str) -> Any:
    if value is None and type(None) in kinds:
        return None
    if type(value) in kinds:
        return value
    failures = []
    for kind in kinds:
        if kind is not type(None):
            try:
                return _fit(value, kind, where)
            except ConfigurationError as error:
                failures.append(error)
    raise failures[0]


def _fit_table(value: Any, kinds: Sequence[Any], where: str) -> dict[str, Any]:
    return {str(name): _fit(part, kinds[1], f"{where}.{name}") for name, part in _table(value, where).items()}


def _fit_list(value: Any, kinds: Sequence[Any], where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong(value, "a list", where)
    return tuple(_fit(part, kinds[0], where) for part in value)


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(value, "a table", where)
    return value


def _fit_plain(value: Any, kind: Any, where: str) -> Any:
    if kind is Any:
        return value
    if kind is Path and isinstance(value, str):
        return Path(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, bool) and kind is not bool:
        raise _wrong(value, _WORDS.get(kind, kind.__name__), where)
    if not isinstance(value, kind):
        raise _wrong(value, _WORDS.get(kind, kind.__name__), where)
    return value


def _wrong(value: Any, wanted: str, where: str) -> ConfigurationError:
    # The value itself is not shown: it may be a key that slipped into the wrong place.
    return ConfigurationError(f"{where} is of type {type(value).__name__}; it must be {wanted}")


_WORDS: dict[Any, str] = {
    str: "text",
    Path: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}
