"""`POST /v1/realtime/client_secrets`, and its two ancestors of the beta: short-lived tokens for browsers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from starlette.responses import JSONResponse, Response

from vivavoce.conversation.refusal import refuse
from vivavoce.errors import RemoteProtocolError
from vivavoce.protocol import Session
from vivavoce.protocol.beta_client import beta_session_from
from vivavoce.protocol.beta_server import beta_session
from vivavoce.protocol.codec import to_builtins
from vivavoce.server.envelope import Refusal
from vivavoce.server.rest.desk import Desk, api_routes, json_of, respond
from vivavoce.server.rest.opening import opening_session, session_of
from vivavoce.server.secrets import DEFAULT_SECRET_S, MAX_SECRET_S, MIN_SECRET_S, ClientSecret

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import Route

    from vivavoce.server.auth import Caller

__all__ = ["ClientSecretRoutes"]


class ClientSecretRoutes:
    """Makes client secrets for whoever has an API key.

    Args:
        desk: what the routes share.
        clock: unix time in seconds.
    """

    def __init__(self, desk: Desk, *, clock: Callable[[], float] = time.time) -> None:
        self._desk = desk
        self._clock = clock

    @property
    def routes(self) -> list[Route]:
        """The routes of this part."""
        return [
            *api_routes("/realtime/client_secrets", self._create, "POST"),
            *api_routes("/realtime/sessions", self._create_beta, "POST"),
            *api_routes("/realtime/transcription_sessions", self._create_beta_transcription, "POST"),
            *api_routes("/realtime/translations/client_secrets", self._no_translations, "POST"),
        ]

    async def _create(self, request: Request) -> Response:
        caller = self._desk.caller(request)
        body = await json_of(request)
        _only(body, ("session", "expires_after"))
        seconds = _seconds(body.get("expires_after"))
        session, secret = self._mint(caller, session_of(body.get("session")), seconds)
        # `client_secret` is where the quickstarts of the API look for what the reference calls `value`.
        return JSONResponse({**secret, "session": to_builtins(session), "client_secret": secret})

    async def _create_beta(self, request: Request) -> Response:
        return await self._beta(request, transcription=False)

    async def _create_beta_transcription(self, request: Request) -> Response:
        return await self._beta(request, transcription=True)

    async def _beta(self, request: Request, *, transcription: bool) -> Response:
        caller = self._desk.caller(request)
        body = await json_of(request)
        # Beta clients may say here how long the secret lives, beside the fields of the session.
        lifetime = body.pop("client_secret", None) or {}
        if not isinstance(lifetime, Mapping):
            raise refuse("Invalid type for 'client_secret': expected an object.", "client_secret")
        field = "expires_at" if transcription else "expires_after"
        _only(lifetime, (field,), "client_secret.")
        seconds = _seconds(lifetime.get(field), f"client_secret.{field}")
        settings = beta_session_from(body, transcription=transcription)
        session, secret = self._mint(caller, settings, seconds)
        return JSONResponse({**beta_session(session), "client_secret": secret})

    async def _no_translations(self, request: Request) -> Response:
        self._desk.caller(request)
        message = "Translation sessions are not supported by this server."
        return respond(Refusal(400, message, code="translation_not_supported"))

    def _mint(self, caller: Caller, settings: Session, seconds: int) -> tuple[Session, dict[str, Any]]:
        session = opening_session(self._desk.engines, self._desk.config.session, settings)
        expires_at = int(self._clock()) + seconds
        key = self._desk.guard.keys.named(caller.name) if caller.name is not None else None
        name, fingerprint = (key.name, key.fingerprint) if key is not None else (None, None)
        value = self._desk.secrets.mint(ClientSecret(settings, expires_at, name, fingerprint))
        return session, {"value": value, "expires_at": expires_at}


def _seconds(expires_after: object, where: str = "expires_after") -> int:
    if expires_after is None:
        return DEFAULT_SECRET_S
    if not isinstance(expires_after, Mapping):
        raise refuse(f"Invalid type for '{where}': expected an object.", where)
    _only(expires_after, ("anchor", "seconds"), f"{where}.")
    if expires_after.get("anchor", "created_at") != "created_at":
        raise refuse(
            f"Invalid value: {expires_after['anchor']!r}. Supported values are: 'created_at'.",
            f"{where}.anchor",
        )
    seconds = expires_after.get("seconds", DEFAULT_SECRET_S)
    if type(seconds) is not int or not MIN_SECRET_S <= seconds <= MAX_SECRET_S:
        raise refuse(
            f"Invalid value: {str(seconds)[:32]}; it must be a whole number from {MIN_SECRET_S} to "
            f"{MAX_SECRET_S}.",
            f"{where}.seconds",
        )
    return seconds


def _only(body: Mapping[str, Any], known: tuple[str, ...], prefix: str = "") -> None:
    for name in body:
        if name not in known:
            param = prefix + str(name)[:64]
            raise RemoteProtocolError(f"Unknown parameter: '{param}'.", code="unknown_parameter", param=param)
