"""Where a realtime server is, and what to show at its door."""

from __future__ import annotations

import asyncio
import inspect
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from vivavoce.connections.base import ApiKey, RealtimeModelConfig, model_name_of
from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping

OPENAI_BASE_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-realtime"

_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}
_NAMES_THE_SESSION = {"model", "deployment", "call_id", "intent"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server's door.

    Attributes:
        url: of the WebSocket.
        headers: of the opening request; never shown, for they hold the key.
    """

    url: str
    headers: Mapping[str, str] = field(repr=False)


def websocket_url(url: str, model: str | None) -> str:
    """Return the WebSocket URL for what a user calls a URL.

    ``http`` becomes ``ws``. A URL without a path, or whose path ends in ``/v1``, is a base URL and gets the
    rest of the path; any other path is taken as it is. The model goes into the query unless that names one.

    Raises:
        ConfigurationError: it is no such URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.netloc:
        raise ConfigurationError(
            f"{url!r} is no URL of a realtime server; use ws://, wss://, http:// or https://"
        )
    path = parts.path.rstrip("/")
    if not path:
        path = "/v1/realtime"
    elif path.endswith("/v1"):
        path += "/realtime"
    query = parse_qsl(parts.query, keep_blank_values=True)
    if model and not _NAMES_THE_SESSION & {name for name, _ in query}:
        query.append(("model", model))
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, path, urlencode(query), ""))


async def resolve_endpoint(
    config: RealtimeModelConfig, *, url: str | None = None, api_key: ApiKey | None = None
) -> Endpoint:
    """Find the server and its key.

    The key in ``OPENAI_API_KEY`` is shown only to OpenAI, or to the server in ``OPENAI_BASE_URL``; any other
    server gets the key that was given for it, or none.

    Args:
        config: of the run; goes before the rest.
        url: the connection's own server; without one it is OpenAI's.
        api_key: the connection's own key.

    Raises:
        ConfigurationError: the URL is none, or OpenAI's key is missing.
    """
    given_url = config.get("url") or url
    base_url = given_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_BASE_URL
    key = await _resolve_key(config.get("api_key") or api_key)
    headers = dict(config.get("headers", {}))
    if key is None and given_url is None:
        key = os.environ.get("OPENAI_API_KEY")
        if not key and "authorization" not in {name.lower() for name in headers}:
            raise ConfigurationError(
                "No API key for the realtime server: set OPENAI_API_KEY, pass model_config={'api_key': …}, "
                "or use model='local'"
            )
    if key and "authorization" not in {name.lower() for name in headers}:
        headers["Authorization"] = f"Bearer {key}"
    return Endpoint(websocket_url(base_url, model_name_of(config) or DEFAULT_MODEL), headers)


async def _resolve_key(api_key: ApiKey | None) -> str | None:
    if api_key is None or isinstance(api_key, str):
        return api_key
    # A plain function may fetch the key over a network: not on the event loop.
    key = await (api_key() if inspect.iscoroutinefunction(api_key) else asyncio.to_thread(api_key))
    if inspect.isawaitable(key):
        key = await key
    if not isinstance(key, str):
        raise ConfigurationError("the api_key function must return a text")
    return key
