"""What every provider has: a target that the user named, and the endpoint that it leads to."""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from vivavoce import __version__
from vivavoce.errors import ConfigurationError, ConnectionLostError, VivavoceError
from vivavoce.urls import shown_url

ApiKey: TypeAlias = str | Callable[[], str | Awaitable[str]]
"""A key, or a function, plain or async, that returns one whenever a connection is made."""

USER_AGENT = f"vivavoce/{__version__}"
KEY_HEADERS = ("authorization", "api-key")
"""Headers that carry a key."""
NAMES_THE_SESSION = frozenset({"model", "deployment", "call_id", "intent"})
"""Parts of a query that say which session is meant, so that no model need be named."""

REFUSAL_CHARACTERS = 500
"""What is shown of a server's answer that is no error of the API."""

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
        headers: of the opening request; never shown, for they hold the key. Space around a value is dropped:
            a key that was read from a file often ends in a line break.
        hint: what to look at when the server refuses, or empty.

    Raises:
        ConfigurationError: a header holds a character that no header may hold.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)
    hint: str = ""

    def __post_init__(self) -> None:
        headers = {name: text.strip() for name, text in self.headers.items()}
        for name, text in headers.items():
            if not text.replace("\t", " ").isprintable():
                # The value is not shown: it may be a key.
                raise ConfigurationError(
                    f"the header {name!r} cannot be sent: its value has a line break or another character "
                    "that no header may have; look at the key or the header that was given"
                )
        object.__setattr__(self, "headers", headers)

    @property
    def place(self) -> str:
        """The URL without what may be secret in it: a user's name, a password, the query."""
        return shown_url(self.url)


async def resolve_key(api_key: ApiKey | None) -> str | None:
    """Return the key itself; a plain function is called in a thread, for it may ask a network.

    Raises:
        ConfigurationError: the function returned something that is not a text.
        ConnectionLostError: the function raised. The next try may have more luck.
    """
    if api_key is None or isinstance(api_key, str):
        return api_key
    try:
        key: object = await (
            api_key() if inspect.iscoroutinefunction(api_key) else asyncio.to_thread(api_key)
        )
        if inspect.isawaitable(key):
            key = await key
    except VivavoceError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        raise ConnectionLostError(f"There is no key: the api_key function failed: {reason}") from error
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
            f"{shown_url(url)!r} is no URL of a realtime server; use ws://, wss://, http:// or https://"
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


def refusal_text(body: str) -> str:
    """Return the words of a server that refused: the message of the API's error, or what there is.

    Args:
        body: of the answer.
    """
    try:
        form = json.loads(body)
    except (ValueError, RecursionError):
        form = None
    error = form.get("error", form) if isinstance(form, Mapping) else None
    message = error.get("message") if isinstance(error, Mapping) else error
    words = message if isinstance(message, str) else body
    return " ".join(words.split())[:REFUSAL_CHARACTERS]
