"""What every provider has: a target that the user named, and the endpoint that it leads to."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from vivavoce import __version__
from vivavoce.errors import ConfigurationError

ApiKey: TypeAlias = str | Callable[[], str | Awaitable[str]]
"""A key, or a function, plain or async, that returns one whenever a connection is made."""

USER_AGENT = f"vivavoce/{__version__}"
KEY_HEADERS = ("authorization", "api-key")
"""Headers that carry a key."""
NAMES_THE_SESSION = frozenset({"model", "deployment", "call_id", "intent"})
"""Parts of a query that say which session is meant, so that no model need be named."""

_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


@dataclass(frozen=True, slots=True)
class Target:
    """What a user said about a server.

    Attributes:
        url: its URL, whole or only the base; ``None`` leaves it to the provider and the environment.
        is_base: whether `url` is the base of an API, to which the path is always added.
        api_key: the key given for it.
        headers: HTTP headers of the user's own; one that carries a key stands for any other key.
        model: which model, or ``None``.
        call_id: the call to attach to, in the place of a new session with a model.
    """

    url: str | None = None
    is_base: bool = False
    api_key: ApiKey | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    model: str | None = None
    call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server's door.

    Attributes:
        url: of the WebSocket.
        headers: of the opening request; never shown, for they hold the key.
        hint: what to look at when the server refuses, or empty.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    hint: str = ""


async def resolve_key(api_key: ApiKey | None) -> str | None:
    """Return the key itself; a plain function is called in a thread, for it may ask a network.

    Raises:
        ConfigurationError: the function returned something that is not a text.
        Exception: whatever the function raised.
    """
    if api_key is None or isinstance(api_key, str):
        return api_key
    key: object = await (api_key() if inspect.iscoroutinefunction(api_key) else asyncio.to_thread(api_key))
    if inspect.isawaitable(key):
        key = await key
    if not isinstance(key, str) or not key:
        raise ConfigurationError("the api_key function must return a text that is not empty")
    return key


def split_url(url: str) -> SplitResult:
    """Take a URL of a realtime server apart.

    Raises:
        ConfigurationError: it is no such URL.
    """
    try:
        parts = urlsplit(url)
        valid = parts.scheme in _SCHEMES and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid:
        raise ConfigurationError(
            f"{url!r} is no URL of a realtime server; use ws://, wss://, http:// or https://"
        )
    return parts


def join_url(parts: SplitResult, path: str, query: Mapping[str, str]) -> str:
    """Return the WebSocket URL of a server: ``http`` becomes ``ws``, and the query is added to its own.

    Args:
        parts: the server's URL.
        path: the path to use.
        query: added where the URL's own query does not have the name.
    """
    own = parse_qsl(parts.query, keep_blank_values=True)
    names = {name for name, _ in own}
    added = [(name, value) for name, value in query.items() if name not in names]
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, path, urlencode(own + added), ""))


def query_of(parts: SplitResult) -> dict[str, str]:
    """Return the query of a URL."""
    return dict(parse_qsl(parts.query, keep_blank_values=True))


def same_server(url: str, other: str | None) -> bool:
    """Return whether two URLs name the same host and port, both encrypted or both not."""
    if not other:
        return False
    one, two = split_url(url), split_url(other)
    return _place(one) == _place(two)


def _place(parts: SplitResult) -> tuple[str | None, int, bool]:
    secure = _SCHEMES[parts.scheme] == "wss"
    return parts.hostname, parts.port or (443 if secure else 80), secure


def carries(headers: Mapping[str, str], *names: str) -> bool:
    """Return whether one of the headers, in any case, is there."""
    return bool({name.lower() for name in headers} & set(names))
