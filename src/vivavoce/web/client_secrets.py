"""A route that gives a signed-in user's browser a short-lived key for a Realtime server."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from starlette.responses import JSONResponse, Response

from vivavoce.errors import ConfigurationError, ConnectionLostError, ProtocolError
from vivavoce.protocol import Session
from vivavoce.providers import create_client_secret
from vivavoce.providers.client_secret import secret_request
from vivavoce.server.envelope import Refusal, RefusedError
from vivavoce.web.visitors import Authorize, Visitors

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.routing import Route

    from vivavoce.providers.base import ApiKey
    from vivavoce.providers.resolving import ProviderName

logger = logging.getLogger(__name__)

UNAVAILABLE = "No key could be had for this conversation. The server's log says why."

SessionForm: TypeAlias = Session | Mapping[str, Any]
SessionOf: TypeAlias = SessionForm | Callable[[Any], SessionForm | Awaitable[SessionForm]]
"""Settings of a session, or a function, plain or async, from a user to theirs."""


def client_secret_routes(
    path: str,
    session: SessionOf,
    *,
    authorize: Authorize,
    expires_after_s: int | None = None,
    api_key: ApiKey | None = None,
    base_url: str | None = None,
    provider: ProviderName | None = None,
    origins: Iterable[str] = (),
) -> list[Route]:
    """Return the route ``POST path``, which answers ``{"value": "ek_…", "expires_at": 1756310470}``.

    The settings are in the key; the page does not choose them, and never sees your own key. At OpenAI, Azure
    or `vivavoce serve` (see `create_client_secret`, which has the same arguments).

    Args:
        path: where, for example ``"/voice/client_secret"``.
        session: what the key is for: ``{"type": "realtime", "model": "gpt-realtime", …}``, or a function of
            the user.
        authorize: returns the user of a request, of any type, or ``None``, which is answered with 401.
        expires_after_s: seconds for which it can be used to connect, 10 to 7200; ``None`` is the server's
            default of 600.
        api_key: your own key, a text or a function. Without one: ``OPENAI_API_KEY``, for OpenAI and for the
            server in ``OPENAI_BASE_URL`` alone; with Azure ``AZURE_OPENAI_API_KEY`` or
            ``AZURE_OPENAI_AD_TOKEN``. A server of your own in `base_url` gets no key unless you name it here.
        base_url: the Realtime server; without one that of ``OPENAI_BASE_URL``, else OpenAI's.
        provider: ``"openai"`` or ``"azure"``; ``None`` looks at `base_url`.
        origins: pages of other hosts that may ask, like ``"https://app.example.com"``.

    Raises:
        ConfigurationError: `authorize` is no function, an origin is none, `expires_after_s` is out of range,
            or the settings are not accepted.
    """
    secret_request({} if callable(session) else session, expires_after_s)
    visitors = Visitors(authorize, origins)

    async def mint(request: Request) -> Response:
        user = await visitors.admit(request)
        settings = session(user) if callable(session) else session
        settings = await settings if inspect.isawaitable(settings) else settings
        try:
            secret = await create_client_secret(
                settings,
                expires_after_s=expires_after_s,
                api_key=api_key,
                base_url=base_url,
                provider=provider,
            )
        except (ConfigurationError, ConnectionLostError, ProtocolError) as error:
            # The page is not told: the words may be about the key or the place of the server.
            logger.error("A client secret could not be made: %s", error)  # noqa: TRY400  # whose bug it is not
            status = 502 if isinstance(error, ConnectionLostError) else 500
            raise RefusedError(
                Refusal(status, UNAVAILABLE, code="client_secret_unavailable", type="server_error")
            ) from error
        body = {"value": secret.value, "expires_at": secret.expires_at}
        return JSONResponse(body, headers={"cache-control": "no-store"})

    return [visitors.route(path, mint, "POST")]
