"""Placing a call: an SDP offer over HTTP to a realtime server, and its answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from vivavoce.errors import ConfigurationError, ConnectionLostError
from vivavoce.providers import create_client_secret
from vivavoce.providers.azure import is_azure
from vivavoce.providers.base import USER_AGENT, Endpoint, carries, refusal_text
from vivavoce.urls import shown_url

if TYPE_CHECKING:
    import httpx

ANSWER_BYTES = 256 * 1024
"""Longest answer that is read."""
EPHEMERAL = "ek_"
"""What the keys begin with that stand for one session, whose settings the server knows."""
_NO_CALLS = frozenset({404, 405, 501})
_NAMES_THE_MODEL = ("model", "deployment")


@dataclass(frozen=True, slots=True)
class CallAnswer:
    """What a server answered to an offer.

    Attributes:
        sdp: its side of the call.
        call_id: its name for the call, or ``None``.
    """

    sdp: str
    call_id: str | None


@dataclass(frozen=True, slots=True)
class CallDoor:
    """Where a call is placed.

    Attributes:
        url: of the HTTP request.
        headers: of the request, the key among them.
        session: what goes with the offer; ``None`` where the key stands for a session.
        hint: what to look at when the server refuses, or empty.
    """

    url: str
    headers: Mapping[str, str]
    session: Mapping[str, Any] | None
    hint: str = ""

    @property
    def place(self) -> str:
        """The URL without what may be secret in it."""
        return shown_url(self.url)


def without_calls(url: str | None) -> str | None:
    """Return a URL as a WebSocket's would be written: of ``…/realtime/calls`` the last part is left out."""
    if not url:
        return url
    parts = urlsplit(url)
    path = parts.path.rstrip("/")
    return urlunsplit(parts._replace(path=path.removesuffix("/calls"))) if _is_calls(path) else url


def _is_calls(path: str) -> bool:
    return path.endswith("/realtime/calls")


async def call_door(endpoint: Endpoint, *, azure: bool = False) -> CallDoor:
    """Find where calls are placed, for the endpoint of a WebSocket.

    ``ws`` becomes ``http``, and a path that ends in ``/realtime`` gets ``/calls``; any other path is taken as
    it is. An ephemeral key (``ek_…``) brings its own session. Azure takes calls with such keys only: one is
    made, with the key that there is.

    Args:
        endpoint: of the WebSocket.
        azure: it is Azure's, though its host does not show it.

    Raises:
        ConfigurationError: the endpoint takes no calls.
        ConnectionLostError: no ephemeral key could be made.
    """
    parts = urlsplit(endpoint.url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    named = [value for name, value in query if name in _NAMES_THE_MODEL]
    session = {"type": "realtime", **({"model": named[0]} if named else {})}
    headers = {"User-Agent": USER_AGENT} if not carries(endpoint.headers, "user-agent") else {}
    headers |= {name: text for name, text in endpoint.headers.items() if name.lower() != "content-type"}
    url = _calls_url(endpoint.url)
    ephemeral = _ephemeral(headers)
    if endpoint.hint and not ephemeral:
        raise ConfigurationError(f"calls are made by the form of today only. {endpoint.hint}")
    if azure or is_azure(endpoint.url):
        if not ephemeral:
            base_url = url.removesuffix("/calls")
            secret = await create_client_secret(session, base_url=base_url, provider="azure", headers=headers)
            ephemeral = secret.value
        headers = {name: text for name, text in headers.items() if name.lower() != "api-key"}
        headers["Authorization"] = f"Bearer {ephemeral}"
    return CallDoor(url, headers, None if ephemeral else session, endpoint.hint)


def _calls_url(url: str) -> str:
    parts = urlsplit(url)
    path = parts.path + ("/calls" if parts.path.endswith("/realtime") else "")
    query = [
        pair for pair in parse_qsl(parts.query, keep_blank_values=True) if pair[0] not in _NAMES_THE_MODEL
    ]
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return urlunsplit((scheme, parts.netloc, path, urlencode(query), ""))


def _ephemeral(headers: Mapping[str, str]) -> str:
    """Return the ephemeral key among the headers, or an empty text."""
    for name, text in headers.items():
        if name.lower() in {"authorization", "api-key"}:
            key = text.removeprefix("Bearer ").strip()
            if key.startswith(EPHEMERAL):
                return key
    return ""


async def place_call(door: CallDoor, offer: str) -> CallAnswer:
    """Send an offer and return the answer.

    Args:
        door: where.
        offer: SDP.

    Raises:
        ConnectionLostError: the server could not be reached, or refused; the message says which.
    """
    # In a thread: it imports the package and reads the certificates of the system.
    client = await asyncio.to_thread(_http_client)
    import httpx

    try:
        async with client, client.stream("POST", door.url, **_request(door, offer)) as answer:
            body = await _read(answer)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        reason = str(error) or type(error).__name__
        raise ConnectionLostError(
            f"The realtime server at {door.place} cannot be reached: {reason}"
        ) from error
    if not 200 <= answer.status_code < 300:
        raise _refusal(door, answer.status_code, body)
    return CallAnswer(body, _last_part(answer.headers.get("location", "")))


def _request(door: CallDoor, offer: str) -> dict[str, Any]:
    if door.session is None:
        return {"headers": {**door.headers, "Content-Type": "application/sdp"}, "content": offer.encode()}
    session = json.dumps(door.session)
    form = {"sdp": (None, offer, "application/sdp"), "session": (None, session, "application/json")}
    return {"headers": door.headers, "files": form}


def _last_part(location: str) -> str | None:
    try:
        path = urlsplit(location).path
    except ValueError:  # a server may write anything there
        return None
    return path.rstrip("/").rpartition("/")[2] or None


async def _read(answer: httpx.Response) -> str:
    body = bytearray()
    # As it came: of what is compressed nobody knows how long it will be.
    async for piece in answer.aiter_raw():
        body += piece
        if len(body) > ANSWER_BYTES:
            raise ConnectionLostError(f"The realtime server answered with more than {ANSWER_BYTES} bytes.")
    return body.decode(errors="replace")


def _refusal(door: CallDoor, status: int, body: str) -> ConnectionLostError:
    hint = door.hint
    if status in _NO_CALLS:
        hint = f"{hint} If it has no WebRTC, use WebSocketRealtimeModel.".strip()
    words = f"HTTP {status} {refusal_text(body)} {hint}".rstrip()
    return ConnectionLostError(
        f"The realtime server at {door.place} refused the call: {words}", status=status
    )


def _http_client() -> httpx.AsyncClient:
    import httpx

    return httpx.AsyncClient(headers={"Accept-Encoding": "identity"}, timeout=None)  # noqa: S113  # the caller limits the whole
