"""`create_client_secret`: a short-lived key that a browser may hold."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from vivavoce.errors import ConfigurationError, ConnectionLostError, MissingKeyError, RemoteProtocolError
from vivavoce.protocol import Session
from vivavoce.protocol.base import Wire
from vivavoce.protocol.codec import session_from, to_builtins
from vivavoce.providers.base import USER_AGENT, ApiKey, Endpoint, Target, refusal_text
from vivavoce.providers.resolving import ProviderName, endpoint_of

if TYPE_CHECKING:
    import httpx

SHORTEST_S = 10
LONGEST_S = 7200
"""Seconds that the API lets a client secret be good for."""


@dataclass(frozen=True, slots=True)
class ClientSecret:
    """A key for one kind of session, good until it expires, for any number of connections.

    Attributes:
        value: the key; not shown in logs.
        expires_at: seconds since 1970.
        session: the session's settings as the server understood them.
    """

    value: str = field(repr=False)
    expires_at: int
    session: Mapping[str, Any] = field(default_factory=dict, repr=False)


async def create_client_secret(
    session: Session | Mapping[str, Any] | None = None,
    *,
    expires_after_s: int | None = None,
    api_key: ApiKey | None = None,
    base_url: str | None = None,
    provider: ProviderName | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 10.0,
) -> ClientSecret:
    """Ask a realtime server for a short-lived key, to be given to a browser or a phone.

    Args:
        session: what the key is for, in the form of the Realtime API, for example ``{"type": "realtime",
            "model": "gpt-realtime", "audio": {"output": {"voice": "marin"}}}``.
        expires_after_s: seconds for which it can be used to connect, 10 to 7200; ``None`` is the server's
            default of 600.
        api_key: your own key, a text or a function. Without one: ``OPENAI_API_KEY``, for OpenAI and for the
            server in ``OPENAI_BASE_URL`` alone; with Azure ``AZURE_OPENAI_API_KEY`` or
            ``AZURE_OPENAI_AD_TOKEN``. Any other server is shown no key of the environment.
        base_url: the server, as for a connection; without one that of ``OPENAI_BASE_URL``, else OpenAI's.
        provider: ``"openai"`` or ``"azure"``; ``None`` looks at `base_url`.
        headers: HTTP headers of your own.
        timeout_s: seconds the whole may take.

    Raises:
        ConfigurationError: the session or a value is not accepted, or a key is missing.
        ConnectionLostError: the server could not be reached, or refused; the message says which.
        RemoteProtocolError: the server's answer holds no key.
    """
    body = secret_request(session, expires_after_s)
    model = body["session"].get("model")
    target = Target(base_url, api_key=api_key, headers=headers or {}, model=model)
    try:
        async with asyncio.timeout(timeout_s):
            endpoint = await endpoint_of(target, provider)
            status, text, answer = await _post(_secrets_url(endpoint), endpoint.headers, body)
    except MissingKeyError as error:
        raise ConfigurationError(f"{error.problem}, or pass api_key") from error
    except TimeoutError as error:
        raise ConnectionLostError(f"The realtime server did not answer within {timeout_s:g} s.") from error
    if status >= 300:
        refusal = f"HTTP {status} {refusal_text(text)}".rstrip()
        raise ConnectionLostError(f"The realtime server refused to make a client secret: {refusal}")
    return _secret(answer)


def secret_request(session: object, expires_after_s: int | None) -> dict[str, Any]:
    """Return the body of the request for a client secret.

    Args:
        session: settings of the session, or ``None``.
        expires_after_s: 10 to 7200, or ``None`` for the server's default.

    Raises:
        ConfigurationError: one of the two is not accepted.
    """
    form = to_builtins(session) if isinstance(session, Wire) else session
    if form is None:
        form = {}
    if not isinstance(form, Mapping):
        raise ConfigurationError(f"session must be a session or a dictionary, got {session!r}")
    form = {"type": "realtime", **form}
    try:
        session_from(form)
    except RemoteProtocolError as error:
        raise ConfigurationError(f"the session is not accepted: {error.message}") from error
    if expires_after_s is None:
        return {"session": form}
    seconds: object = expires_after_s
    if not isinstance(seconds, int) or not SHORTEST_S <= seconds <= LONGEST_S:
        raise ConfigurationError(
            f"expires_after_s must be whole seconds from {SHORTEST_S} to {LONGEST_S}, got {seconds!r}"
        )
    return {"session": form, "expires_after": {"anchor": "created_at", "seconds": seconds}}


def _secrets_url(endpoint: Endpoint) -> str:
    parts = urlsplit(endpoint.url)
    if endpoint.hint:
        raise ConfigurationError(f"client secrets are made by the form of today only. {endpoint.hint}")
    scheme = "https" if parts.scheme == "wss" else "http"
    return urlunsplit((scheme, parts.netloc, f"{parts.path}/client_secrets", "", ""))


async def _post(url: str, headers: Mapping[str, str], body: object) -> tuple[int, str, object]:
    """Send one request; the last of what is returned is the answer's JSON, or ``None``."""
    # In a thread: it imports the package and reads the certificates of the system.
    client = await asyncio.to_thread(_http_client)
    import httpx

    try:
        async with client:
            answer = await client.post(url, headers={"User-Agent": USER_AGENT, **headers}, json=body)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ConnectionLostError(f"The realtime server cannot be reached: {error}") from error
    try:
        return answer.status_code, answer.text, answer.json()
    except ValueError:
        return answer.status_code, answer.text, None


def _http_client() -> httpx.AsyncClient:
    import httpx

    return httpx.AsyncClient(timeout=None)  # noqa: S113  # the caller limits the whole


def _secret(answer: object) -> ClientSecret:
    """Read the answer: the key stands at the top, or, with older servers, under `client_secret`."""
    form = answer if isinstance(answer, Mapping) else {}
    inner = form if "value" in form else form.get("client_secret")
    value, expires_at = (
        (inner.get("value"), inner.get("expires_at")) if isinstance(inner, Mapping) else (0, 0)
    )
    if not isinstance(value, str) or not isinstance(expires_at, int):
        raise RemoteProtocolError(
            "The server's answer holds no client secret.", code="invalid_value", param="value"
        )
    session = form.get("session")
    return ClientSecret(value, expires_at, session if isinstance(session, Mapping) else {})
