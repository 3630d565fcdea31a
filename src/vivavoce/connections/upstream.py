"""`UpstreamRealtime`: a speech model that is somebody else's Realtime API, behind this server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from vivavoce.connections.dialing import dial
from vivavoce.connections.transport import TransportOptions
from vivavoce.connections.upstream_opening import is_transcription, named_model
from vivavoce.connections.upstream_relay import Relay, RelayPlan
from vivavoce.connections.upstream_session import UpstreamSession
from vivavoce.engines.base import EngineCost
from vivavoce.errors import ConfigurationError
from vivavoce.ids import RandomIds
from vivavoce.providers.base import Endpoint, Target, split_url
from vivavoce.providers.resolving import PROVIDERS, ProviderName, endpoint_of
from vivavoce.urls import shown_url

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from websockets.asyncio.client import ClientConnection

    from vivavoce.conversation.options import SessionOptions
    from vivavoce.engines.speech_model import ServedSession, Sink
    from vivavoce.protocol import Session

CORES_PER_SESSION = 0.01
"""What passing on the events of one talking session costs."""

_TRANSPORT = TransportOptions(ping_timeout_s=60.0)
"""Pings are not answered while a slow client holds the upstream up: longer than such a client is kept."""


class UpstreamRealtime:
    """A hosted realtime model behind this server: OpenAI's, Azure's, another vivavoce, any Realtime API.

    Each session has a connection of its own. Clients see this server's session ids, limits and keys; what
    the upstream says passes as it is, also what this version does not know.

    Args:
        url: of the upstream, as in `RealtimeModelConfig`; without one it is the provider's, or the server in
            ``OPENAI_BASE_URL``.
        model: asked for upstream whatever a client names; ``None`` asks for what the client names.
        models: models that clients may name, and those of the upstream that they stand for; goes before
            `model`.
        api_key: the upstream's key; without one it comes from the environment, as for any connection.
        provider: ``"openai"`` or ``"azure"``; ``None`` looks at the URL.
        headers: HTTP headers for the upstream.
        connect_s: seconds to connect, and once more as many until the session must be open.
        transport: limits of the WebSocket; `connect_s` goes before the one in it.

    Raises:
        ConfigurationError: the URL is none, or the provider is not known.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        model: str | None = None,
        models: Mapping[str, str] | None = None,
        api_key: str | None = None,
        provider: ProviderName | None = None,
        headers: Mapping[str, str] | None = None,
        connect_s: float = 10.0,
        transport: TransportOptions | None = None,
    ) -> None:
        if provider is not None and provider not in PROVIDERS:
            accepted = " or ".join(map(repr, PROVIDERS))
            raise ConfigurationError(f"provider must be {accepted}, or left out, got {provider!r}")
        if url is not None:
            split_url(url)
        if not connect_s > 0:
            raise ConfigurationError(f"connect_s is {connect_s:g}; it must be above 0")
        self._target = Target(url, api_key=api_key, headers=dict(headers or {}))
        self._model = model
        self._models = dict(models or {})
        self._provider = provider
        self._transport = replace(transport or _TRANSPORT, connect_s=connect_s)
        self.cost = EngineCost(cores=CORES_PER_SESSION)
        self.names: dict[str, Any] = {"speech_model": f"upstream {shown_url(url or provider or 'openai')}"}

    async def prewarm(self) -> None:
        """Look for the URL and the key; nobody is called.

        Raises:
            ConfigurationError: the URL is none, or a key or a name is missing.
        """
        try:
            await self._endpoint(next(iter(self._models.values()), "any"), transcription=False)
        except ConfigurationError as error:
            raise ConfigurationError(
                f"speech model 'upstream' cannot work with its url, api_key (api_key_env) and model: {error}"
            ) from error

    def open(self, sink: Sink, options: SessionOptions, settings: Session | None = None) -> ServedSession:
        """Return a session that has not started.

        Args:
            sink: where its events go.
            options: what the operator decided. Instructions and voice are sent upstream where they are not
                those every server begins with.
            settings: what the session begins with beyond that, as in a `session.update`.
        """
        if not options.created_at:
            options = replace(options, created_at=int(time.time()))
        ids = RandomIds()
        named = named_model(options, settings)
        there = self.upstream_name(named) if named is not None else self._model
        transcription = is_transcription(options, settings)
        plan = RelayPlan(
            session_id=ids.new("sess"),
            options=options,
            settings=settings,
            model=there,
            shown_model=named if options.model_named else None,
            upstream_name=self.upstream_name,
            opening_s=2 * self._transport.connect_s,
        )

        def dialing() -> Awaitable[ClientConnection]:
            return dial(self._endpoint(there, transcription=transcription), self._transport)

        relay = Relay(plan, ids, asyncio.get_running_loop().time())
        return UpstreamSession(plan.session_id, dialing, sink, relay, self._transport)

    async def aclose(self) -> None:
        """Do nothing: sessions share nothing."""

    def upstream_name(self, name: str) -> str:
        """Return what a model is called upstream.

        Args:
            name: that a client uses.
        """
        return self._models.get(name) or self._model or name

    async def _endpoint(self, model: str | None, *, transcription: bool) -> Endpoint:
        endpoint = await endpoint_of(replace(self._target, model=model), self._provider)
        return replace(endpoint, url=_for_transcription(endpoint.url)) if transcription else endpoint


def _for_transcription(url: str) -> str:
    """Return the URL of a session that only writes down what it hears."""
    parts = urlsplit(url)
    query = [(name, value) for name, value in parse_qsl(parts.query) if name not in {"model", "intent"}]
    return urlunsplit(parts._replace(query=urlencode([*query, ("intent", "transcription")])))
