"""Who may come in: API keys in every form that clients send them, and local origins without a key."""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from vivavoce.server.envelope import Refusal
from vivavoce.server.keys import ApiKeys
from vivavoce.server.origins import Origins
from vivavoce.server.secrets import SECRET_PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Scope

    from vivavoce.protocol import Session
    from vivavoce.server.secrets import ClientSecrets

__all__ = ["REALTIME_SUBPROTOCOL", "Caller", "Guard", "is_loopback", "offered_keys", "select_subprotocol"]

REALTIME_SUBPROTOCOL = "realtime"
"""The subprotocol that a browser's WebSocket offers beside its key, and the only one the server selects."""

_KEY_SUBPROTOCOL = "openai-insecure-api-key."
_PROXY_HEADERS = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")
_REALTIME_ONLY = Refusal(
    403,
    "A client secret opens Realtime connections only. Use an API key here, and keep it on your server.",
    code="client_secret_not_allowed",
)
_LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who came in.

    Attributes:
        name: name of the API key, also of the one that a client secret was minted with; `None` where no key
            is asked for.
        settings: what the session of a client secret begins with; `None` without one.
        secret: whether it came with a client secret.
    """

    name: str | None
    settings: Session | None = None
    secret: bool = False


def is_loopback(host: str) -> bool:
    """Return whether a host name or address (without port or brackets) can only mean this machine."""
    name = host.rstrip(".").lower()
    if name in _LOOPBACK_NAMES or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def select_subprotocol(scope: Scope) -> str | None:
    """Return the subprotocol to accept, or `None` when the client did not offer `realtime`."""
    return REALTIME_SUBPROTOCOL if REALTIME_SUBPROTOCOL in scope.get("subprotocols", ()) else None


def offered_keys(scope: Scope) -> list[str]:
    """Return every API key that a request carries.

    Read are `Authorization: Bearer`, the `api-key` header and query parameter (Azure), and the browser's
    subprotocol `openai-insecure-api-key.<KEY>`.
    """
    keys = []
    for value in _headers(scope, b"authorization"):
        scheme, _, credentials = value.partition(" ")
        if scheme.lower() == "bearer":
            keys.append(credentials.strip())
    keys += _headers(scope, b"api-key")
    keys += parse_qs(scope.get("query_string", b"").decode("latin-1")).get("api-key", [])
    keys += [
        name.removeprefix(_KEY_SUBPROTOCOL)
        for name in scope.get("subprotocols", ())
        if name.startswith(_KEY_SUBPROTOCOL)
    ]
    return [key for key in keys if key]


class Guard:
    """Decides about one request at a time from its ASGI scope.

    With keys, a request must carry one of them, or a client secret that was made with one of them; a web page
    must come from an allowed origin where any are listed. Without keys only this machine may come in: the
    connection must come from loopback, and neither its `Host` nor its `Origin` may name anything else (but an
    origin that is listed), because a web page anywhere can make its reader's browser connect to `localhost`
    (by DNS rebinding, under its own name). Nor may a proxy have passed it on: behind one, all the world comes
    from loopback.

    Args:
        keys: the keys that are accepted; none for no key at all. May be replaced at any time.
        secrets: who reads client secrets; without, there are none.
        origins: web pages that may come in.
        clock: unix time in seconds, for the end of client secrets.
    """

    def __init__(
        self,
        keys: ApiKeys | None = None,
        secrets: ClientSecrets | None = None,
        origins: Origins | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.keys = keys or ApiKeys()
        self._secrets = secrets
        self._origins = origins or Origins()
        self._clock = clock

    @property
    def open(self) -> bool:
        """Whether requests need no key."""
        return not self.keys

    def admit(self, scope: Scope, *, secrets: bool = True) -> Caller | Refusal:
        """Return who this request comes from, or why it may not come in.

        Args:
            scope: of the request or the WebSocket handshake.
            secrets: whether a client secret will do, which is for Realtime connections only.
        """
        refusal = self._check_locality(scope) if self.open else None
        if refusal := refusal or self._check_origin(scope):
            return refusal
        offered = offered_keys(scope)
        if key := self.keys.find(offered):
            return Caller(key.name)
        token = next((one for one in offered if one.startswith(SECRET_PREFIX)), None)
        if token is not None and self._secrets is not None:
            return self._with_secret(token) if secrets else _REALTIME_ONLY
        return Caller(None) if self.open else _no_key(offered)

    def allows_origin(self, origin: str) -> bool:
        """Return whether a web page of this origin may come in."""
        if self._origins:
            return self._origins.allows(origin) or (self.open and is_loopback(_hostname(origin)))
        return not self.open or is_loopback(_hostname(origin))

    def _with_secret(self, token: str) -> Caller | Refusal:
        assert self._secrets is not None
        secret = self._secrets.read(token)
        if secret is None:
            return _unauthorized("Incorrect client secret provided.", "invalid_client_secret")
        if self._clock() >= secret.expires_at:
            return _unauthorized("The client secret has expired. Create another.", "client_secret_expired")
        if self.open:
            return Caller(None, secret.settings, secret=True)
        key = self.keys.named(secret.key) if secret.key is not None else None
        if key is None or key.fingerprint != secret.key_digest:
            message = "The API key that this client secret was created with is no longer accepted."
            return _unauthorized(message, "client_secret_revoked")
        return Caller(key.name, secret.settings, secret=True)

    def _check_origin(self, scope: Scope) -> Refusal | None:
        for origin in _headers(scope, b"origin"):
            if not self.allows_origin(origin):
                if self.open:
                    message = (
                        f"Origin {origin!r} is not allowed: without an API key only pages served by this "
                        "machine may connect. Start the server with --api-key, or with --allow-origin, to "
                        "allow others."
                    )
                else:
                    message = (
                        f"Origin {origin!r} is not among those that this server allows. Start it with "
                        "--allow-origin for that one, too."
                    )
                return Refusal(403, message, code="origin_not_allowed", param="Origin")
        return None

    @staticmethod
    def _check_locality(scope: Scope) -> Refusal | None:
        client = scope.get("client")
        if client is not None and not is_loopback(client[0]):
            return Refusal(
                403,
                "This server has no API key, so it answers this machine only. Start it with --api-key.",
                code="loopback_only",
            )
        for header in _PROXY_HEADERS:
            if _headers(scope, header):
                return Refusal(
                    403,
                    f"The request came through a proxy (header {header.decode()!r}), and this server has no "
                    "API key, so it answers this machine only. Start it with --api-key.",
                    code="loopback_only",
                    param=header.decode(),
                )
        for host in _headers(scope, b"host"):
            if not is_loopback(_hostname(f"//{host}")):
                return Refusal(
                    403,
                    f"Host {host!r} is not this machine: without an API key only loopback names are "
                    "answered. Start the server with --api-key to serve it under another name.",
                    code="host_not_allowed",
                    param="Host",
                )
        return None


def _no_key(offered: list[str]) -> Refusal:
    if offered:
        message = "Incorrect API key provided. Use one of the keys that this server was started with."
    else:
        message = (
            "You did not provide an API key. Send it as `Authorization: Bearer <key>`, as an `api-key` "
            f"header, or from a browser as the subprotocol `{_KEY_SUBPROTOCOL}<key>`."
        )
    return _unauthorized(message, "invalid_api_key")


def _unauthorized(message: str, code: str) -> Refusal:
    return Refusal(401, message, code=code, headers={"www-authenticate": "Bearer"})


def _headers(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1").strip() for key, value in scope.get("headers", ()) if key == name]


def _hostname(url: str) -> str:
    """Return the host of a URL; an empty string, which is no loopback name, when it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
