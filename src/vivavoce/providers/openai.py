"""OpenAI, and every server that is reached as OpenAI is: one URL, one bearer key."""

from __future__ import annotations

import os

from vivavoce.errors import MissingKeyError
from vivavoce.providers.base import (
    NAMES_THE_SESSION,
    Endpoint,
    Target,
    carries,
    join_url,
    query_of,
    resolve_key,
    same_server,
    split_url,
)

OPENAI_BASE_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-realtime"

_HOST = "api.openai.com"


def websocket_url(
    url: str, model: str | None = None, *, base: bool = False, call_id: str | None = None
) -> str:
    """Return the WebSocket URL for what a user calls a URL.

    ``http`` becomes ``ws``. A URL without a path, or whose path ends in ``/v1``, is a base URL and gets the
    rest of the path; any other path is taken as it is. The model goes into the query unless that names one.

    Args:
        url: what the user said.
        model: which model.
        base: whether it is a base URL whatever its path.
        call_id: the call to attach to; then no model is named.

    Raises:
        ConfigurationError: it is no such URL.
    """
    parts = split_url(url)
    path = parts.path.rstrip("/")
    if not path:
        path = "/v1/realtime"
    elif path.endswith("/v1") or (base and not path.endswith("/realtime")):
        path += "/realtime"
    if call_id:
        return join_url(parts, path, {"call_id": call_id})
    named = bool(NAMES_THE_SESSION & set(query_of(parts)))
    return join_url(parts, path, {"model": model} if model and not named else {})


async def openai_endpoint(target: Target) -> Endpoint:
    """Find the server and its key.

    The key in ``OPENAI_API_KEY`` is shown only to OpenAI, or to the server in ``OPENAI_BASE_URL``; any other
    server gets the key that was given for it, or none.

    Args:
        target: what the user said. Without a URL it is the server in ``OPENAI_BASE_URL``, or OpenAI's.

    Raises:
        ConfigurationError: the URL is none, or OpenAI's key is missing.
    """
    own_base = os.environ.get("OPENAI_BASE_URL") or None
    base_url = target.url or own_base or OPENAI_BASE_URL
    url = websocket_url(
        base_url,
        target.model or DEFAULT_MODEL,
        base=target.is_base or not target.url,
        call_id=target.call_id,
    )
    headers = dict(target.headers)
    if carries(headers, "authorization"):
        return Endpoint(url, headers)
    key = await resolve_key(target.api_key)
    if key is None and (is_openai(base_url) or same_server(base_url, own_base)):
        key = os.environ.get("OPENAI_API_KEY")
    if key:
        headers["Authorization"] = f"Bearer {key}"
    elif is_openai(base_url):
        raise MissingKeyError(
            "No API key for the realtime server: set OPENAI_API_KEY",
            "pass model_config={'api_key': …}, or use model='local'",
        )
    return Endpoint(url, headers)


def is_openai(url: str) -> bool:
    """Return whether a URL is OpenAI's own, in any region, and encrypted."""
    parts = split_url(url)
    host = parts.hostname or ""
    return parts.scheme in {"https", "wss"} and (host == _HOST or host.endswith(f".{_HOST}"))
