"""Who may come in: users that the application knows, from pages that it trusts."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import Route

from vivavoce.errors import ConfigurationError, RemoteProtocolError
from vivavoce.server.envelope import Refusal, RefusedError
from vivavoce.server.origins import ANY_ORIGIN, Origins
from vivavoce.server.rest.desk import answer_of

if TYPE_CHECKING:
    from starlette.requests import Request

Authorize: TypeAlias = Callable[["Request"], Any | Awaitable[Any]]
"""Returns the user that a request comes from, of any type, or ``None`` where it comes from none."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


def everybody(_request: Request) -> str:
    """Let everybody in, as the same user: for programs of one person, and for trying things out."""
    return "everybody"


class Visitors:
    """Decides about each request.

    A browser adds its user's cookies to whatever any page asks of it, and says in ``Origin`` which page that
    was. So a request with an ``Origin`` must come from a page of this very host, or from one that is listed.

    Args:
        authorize: the application's own check, plain or async; `HTTPException` may be raised by it.
        origins: pages of other hosts that may come in, like ``"https://app.example.com"``. They get CORS
            headers, and may send cookies.

    Raises:
        ConfigurationError: `authorize` is no function, or an origin is none.
    """

    def __init__(self, authorize: Authorize, origins: Iterable[str] = ()) -> None:
        if not callable(authorize):
            raise ConfigurationError(
                f"authorize must be a function of the request, got {authorize!r}; `everybody` lets all in"
            )
        self._authorize = authorize
        self._origins = Origins(origins)
        if self._origins.all:
            raise ConfigurationError(
                f"{ANY_ORIGIN!r} would let every page call in its visitor's name; list the pages you trust"
            )

    async def admit(self, request: Request) -> Any:
        """Return the user that a request comes from.

        Raises:
            RefusedError: the page may not come in (403), or there is no user (401).
        """
        self._check_page(request)
        user = self._authorize(request)
        if inspect.isawaitable(user):
            user = await user
        if user is None or user is False:
            raise RefusedError(Refusal(401, "Sign in first.", code="not_signed_in"))
        return user

    def route(self, path: str, endpoint: Callable[[Request], Awaitable[Response]], method: str) -> Route:
        """Return a route whose refusals are answered, to listed pages with CORS headers."""

        async def answer(request: Request) -> Response:
            try:
                return await endpoint(request)
            except (RefusedError, RemoteProtocolError) as error:
                return answer_of(error)

        if not self._origins:
            return Route(path, answer, methods=[method])
        cors = Middleware(
            CORSMiddleware,
            allow_origins=self._origins.listed,
            allow_methods=(method,),
            allow_headers=("*",),
            allow_credentials=True,
            expose_headers=("Location", "Retry-After"),
        )
        # The preflight request has to reach the middleware, which answers it.
        return Route(path, answer, methods=[method, "OPTIONS"], middleware=[cors])

    def _check_page(self, request: Request) -> None:
        for origin in request.headers.getlist("origin"):
            if not self._origins.allows(origin) and not _same_host(origin, request.headers.get("host", "")):
                raise RefusedError(
                    Refusal(
                        403,
                        f"Pages of {origin!r} may not do this: they are not of this host, and not among the "
                        "`origins` that the application trusts.",
                        code="origin_not_allowed",
                        param="Origin",
                    )
                )
        if "origin" not in request.headers and request.headers.get("sec-fetch-site") == "cross-site":
            message = "A request from another site must say in `Origin` from which."
            raise RefusedError(Refusal(403, message, code="origin_not_allowed", param="Origin"))


def _same_host(origin: str, host: str) -> bool:
    """Return whether a page comes from the host that was asked. A proxy may have taken TLS off."""
    try:
        parts, asked = urlsplit(origin), urlsplit(f"//{host}")
        port = _DEFAULT_PORTS[parts.scheme]
        return (parts.hostname, parts.port or port) == (asked.hostname, asked.port or port) and bool(host)
    except (KeyError, ValueError):
        return False
