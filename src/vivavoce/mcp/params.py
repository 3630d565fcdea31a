"""How a server is reached: the dictionaries that users write, and what is refused in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Required, TypedDict
from urllib.parse import urlsplit

from vivavoce.errors import ConfigurationError

CONNECT_TIMEOUT_S = 30.0
"""Seconds to connect, handshake included, where `connect_timeout` is not given: launchers may download."""

HTTP_TIMEOUT_S = 5.0
SSE_READ_TIMEOUT_S = 300.0


class MCPServerStdioParams(TypedDict, total=False):
    """A server that is started as a child process.

    Attributes:
        command: program to start, for example ``"npx"``.
        args: its arguments.
        env: variables to add to the few that are safe to hand on (``PATH``, ``HOME``, …).
        cwd: its working directory.
        encoding: of its messages, default ``"utf-8"``; must be a superset of ASCII.
        encoding_error_handler: what to do with bytes that do not decode, default ``"strict"``: the message is
            dropped.
        connect_timeout: seconds for start and handshake, default 30.
    """

    command: Required[str]
    args: list[str]
    env: dict[str, str]
    cwd: str | Path
    encoding: str
    encoding_error_handler: Literal["strict", "ignore", "replace"]
    connect_timeout: float


class MCPServerStreamableHttpParams(TypedDict, total=False):
    """A server behind streamable HTTP.

    Attributes:
        url: of its endpoint, ``http`` or ``https``.
        headers: sent with every request.
        timeout: seconds for connecting and sending, default 5.
        sse_read_timeout: seconds without a byte of an answer, default 300.
        terminate_on_close: tell the server when the session ends, default true.
        httpx_client_factory: makes the HTTP client from ``headers``, ``timeout`` and ``auth``.
        auth: an `httpx2.Auth`.
        connect_timeout: seconds for connection and handshake, default 30.
    """

    url: Required[str]
    headers: dict[str, str]
    timeout: float
    sse_read_timeout: float
    terminate_on_close: bool
    httpx_client_factory: Callable[..., Any]
    auth: Any
    connect_timeout: float


class MCPServerSseParams(TypedDict, total=False):
    """A server behind the older HTTP transport with server-sent events.

    Attributes:
        url: of its event stream, ``http`` or ``https``.
        headers: sent with every request.
        timeout: seconds for connecting and sending, default 5.
        sse_read_timeout: seconds without an event, default 300.
        httpx_client_factory: makes the HTTP client from ``headers``, ``timeout`` and ``auth``.
        auth: an `httpx2.Auth`.
        connect_timeout: seconds for connection and handshake, default 30.
    """

    url: Required[str]
    headers: dict[str, str]
    timeout: float
    sse_read_timeout: float
    httpx_client_factory: Callable[..., Any]
    auth: Any
    connect_timeout: float


def checked(params: object, kind: Any, needed: str) -> dict[str, Any]:
    """Return a copy of a server's parameters.

    Args:
        params: as the user wrote them.
        kind: one of the typed dictionaries above.
        needed: the key that must be there, a text.

    Raises:
        ConfigurationError: a key is unknown or missing, or a value is not accepted.
    """
    if not isinstance(params, Mapping):
        raise ConfigurationError(f"params must be a dictionary with {needed!r}, got {params!r}")
    accepted = list(kind.__annotations__)
    for key in params:
        if key not in accepted:
            raise ConfigurationError(f"params: unknown key {key!r}, accepted: {', '.join(accepted)}")
    if not isinstance(params.get(needed), str) or not params[needed]:
        raise ConfigurationError(f"params[{needed!r}] must be a text, got {params.get(needed)!r}")
    for key in ("timeout", "sse_read_timeout", "connect_timeout"):
        if key in params:
            check_seconds(f"params[{key!r}]", params[key])
    # None of the values that follow is shown: any of them may be a secret.
    if not _are_texts(args := params.get("args", ())):
        raise ConfigurationError(f"params['args'] must be a list of texts{_odd_one_out(args)}")
    for key in ("env", "headers"):
        texts = params.get(key) or {}
        if not isinstance(texts, Mapping) or not _are_texts([*texts, *texts.values()]):
            raise ConfigurationError(f"params[{key!r}] must be a dictionary of texts{_odd_one_out(texts)}")
    if "encoding" in params:
        _check_encoding(params["encoding"])
    if needed == "url":
        _check_url(params["url"])
    return dict(params)


def _are_texts(values: object) -> bool:
    return isinstance(values, list | tuple) and all(isinstance(value, str) for value in values)


def _odd_one_out(values: object) -> str:
    """Return what is no text among values, by its place and its type."""
    places: Iterable[tuple[object, object]] = ()
    if isinstance(values, Mapping):
        places = values.items()
    elif isinstance(values, list | tuple):
        places = enumerate(values)
    for place, value in places:
        if not isinstance(value, str):
            return f", but at {place!r} there is the type {type(value).__name__}"
    return ", its names too" if isinstance(values, Mapping) else f", got the type {type(values).__name__}"


def check_seconds(name: str, value: object) -> None:
    """Refuse what is no duration.

    Args:
        name: of the setting, for the message.
        value: should be seconds above 0.

    Raises:
        ConfigurationError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise ConfigurationError(f"{name} must be seconds above 0, got {value!r}")


def _check_encoding(encoding: object) -> None:
    try:
        fits = "\n{".encode(str(encoding)) == b"\n{"
    except LookupError:
        fits = False
    if not fits:
        raise ConfigurationError(
            f"params['encoding'] {encoding!r} is not accepted: use 'utf-8', which MCP asks for, "
            "or another superset of ASCII"
        )


def _check_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigurationError(
            f"params['url'] must be an http:// or https:// address, got {_without_secrets(url)!r}"
        )


def _without_secrets(text: str) -> str:
    """Return what is no address, without what may be a user's name, a password, a query or a fragment."""
    return text.rpartition("@")[2].partition("?")[0].partition("#")[0]
