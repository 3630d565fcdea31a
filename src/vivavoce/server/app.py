"""The ASGI application: the realtime socket, and a few plain HTTP routes beside it."""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Route

from vivavoce.cpus import usable_cpus
from vivavoce.engines.base import Engines
from vivavoce.errors import ConfigurationError
from vivavoce.server.auth import Guard
from vivavoce.server.cors import CrossOrigin
from vivavoce.server.envelope import (
    REQUEST_ID_HEADER,
    Refusal,
    RefusedError,
    new_request_id,
    refuse_upgrade,
)
from vivavoce.server.guardrails import make_guardrail
from vivavoce.server.instruments import Instruments
from vivavoce.server.keys_file import load_keys
from vivavoce.server.metrics import queue_depths
from vivavoce.server.origins import Origins
from vivavoce.server.realtime import TRANSLATIONS, RealtimeEndpoint
from vivavoce.server.rest.calls import CallRoutes
from vivavoce.server.rest.client_secrets import ClientSecretRoutes
from vivavoce.server.rest.desk import (
    DETAIL,
    EXCEPTION_HANDLERS,
    KEY_NAME,
    REQUEST_ID,
    Desk,
    respond,
)
from vivavoce.server.rest.health import HealthRoutes
from vivavoce.server.rest.metrics import MetricsRoutes
from vivavoce.server.rest.playground import PlaygroundRoutes
from vivavoce.server.rest.speech import SpeechRoutes
from vivavoce.server.rest.transcriptions import TranscriptionRoutes
from vivavoce.server.secrets import ClientSecrets
from vivavoce.server.sessions import Sessions
from vivavoce.server.usage import KeyUsage
from vivavoce.server.webrtc import WebRtcCalls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import Message, Receive, Scope, Send

    from vivavoce.engines.speech_model import SpeechModel
    from vivavoce.server.config import ServerConfig
    from vivavoce.server.keys import ApiKeys

__all__ = ["REALTIME_PATHS", "RealtimeApp", "create_app"]

REALTIME_PATHS = ("/v1/realtime", "/openai/v1/realtime", "/openai/realtime")
"""Where the socket answers: the API's own path, and the two that Azure clients use."""


QUIET_PATHS = ("/healthz", "/readyz", "/metrics", "/playground/")
"""Beginnings of what is asked so often that it is logged at `debug` only."""

_log = logging.getLogger(__name__)


def create_app(config: ServerConfig, engines: Engines | SpeechModel) -> RealtimeApp:
    """Build the ASGI application, to be served here or mounted in a program of one's own.

    Whoever serves it must switch permessage-deflate off and let messages of `Limits.max_message_bytes` pass;
    `vivavoce.server.serve` does. Mounted below another application, `RealtimeApp.aclose` must be called at
    shutdown, because a mounted application is not told of it.

    Args:
        config: settings; `host`, `port` and `drain_s` are for `serve` and mean nothing here.
        engines: shared by all sessions; the caller closes them after the application.

    Raises:
        ConfigurationError: the engines have no such voice as `config.session` names.
    """
    return RealtimeApp(config, engines)


class RealtimeApp:
    """A Realtime API server as one ASGI application.

    The socket is served beside Starlette, not through it: its WebSocket layer would cost every audio frame
    half as much again.

    Args:
        config: settings.
        engines: shared by all sessions.

    Attributes:
        paths: what is answered over HTTP, as Starlette writes paths.
        instruments: with what the operator sees what happens.

    Raises:
        ConfigurationError: the engines have no such voice as `config.session` names, or keys, secrets,
            guardrails or instruments cannot be had.
    """

    def __init__(self, config: ServerConfig, engines: Engines | SpeechModel) -> None:
        if isinstance(engines, Engines) and not engines.synthesizer.knows_voice(config.session.voice):
            raise ConfigurationError(
                f"there is no voice {config.session.voice!r}; "
                f"choose one of {', '.join(engines.synthesizer.voice_names)}"
            )
        keys = load_keys(config)
        self._config = config
        secrets = ClientSecrets(config.secret_keys)
        self._guard = Guard(keys, secrets, Origins(config.origins))
        usage = KeyUsage(config.limits.per_key, keys.limits)
        self._engines = engines
        self.instruments = Instruments(config, self)
        self._sessions = Sessions(
            engines,
            config,
            keys,
            cpus=usable_cpus(),
            usage=usage,
            observe=self.instruments.observe,
            guardrails=[make_guardrail(spec.name, spec.options) for spec in config.guardrails],
        )
        self._sessions.on_refused = self.instruments.refused
        self._sessions.on_ended = self.instruments.ended
        self._realtime = RealtimeEndpoint(self._sessions, self._guard, config.limits)
        self._usage = usage
        desk = Desk(
            config=config,
            engines=engines,
            guard=self._guard,
            secrets=secrets,
            admission=self._sessions.admission,
            usage=usage,
            calls=self._sessions.calls,
            count_refusal=self._sessions.count_refusal,
        )
        self._webrtc = None
        if config.webrtc is not None:
            self._webrtc = WebRtcCalls(self._sessions, config.webrtc, config.limits)
        parts = (
            HealthRoutes(desk),
            ClientSecretRoutes(desk),
            CallRoutes(desk, self._webrtc),
            SpeechRoutes(desk),
            TranscriptionRoutes(desk),
            MetricsRoutes(desk, self.instruments),
            PlaygroundRoutes(desk),
        )
        routes = [
            *(route for part in parts for route in part.routes),
            *(Route(path, self._needs_upgrade) for path in REALTIME_PATHS),
        ]
        self.paths = tuple(route.path for route in routes)
        answers = {**EXCEPTION_HANDLERS, HTTPException: _http_error, Exception: _server_error}
        http = Starlette(routes=routes, exception_handlers=answers, lifespan=self._lifespan)
        self._http = CrossOrigin(http, self._guard)

    def reload_keys(self) -> None:
        """Read the keys file again. Sessions go on; new ones need a key that is in it now.

        Raises:
            ConfigurationError: it cannot be read, or has no key; the keys from before stay.
        """
        keys = load_keys(self._config)
        self._guard.keys = keys
        self._sessions.admission.of_key = self._usage.limits = keys.limits

    @property
    def sessions(self) -> int:
        """Sessions that are connected now."""
        return self._sessions.admission.sessions

    @property
    def max_sessions(self) -> int:
        """Sessions that may be connected at once."""
        return self._sessions.admission.max_sessions

    def queue_depths(self) -> dict[str, int]:
        """Return how much work waits for each engine, by its name."""
        return queue_depths(self._engines)

    @property
    def keys(self) -> ApiKeys:
        """The keys that are accepted; none where nobody is asked for one."""
        return self._guard.keys

    async def prewarm(self) -> None:
        """Load what the first call would wait for; where calls are impossible, they are refused later."""
        if self._webrtc is not None:
            with contextlib.suppress(RefusedError):
                await self._webrtc.prewarm()

    async def drain(self, seconds: float) -> None:
        """Refuse new sessions and wait until those that are connected have ended, at most so long."""
        await self._sessions.drain(seconds)

    async def aclose(self) -> None:
        """Refuse new sessions and close those that are connected (1001); safe to call twice."""
        await self._sessions.aclose()
        if self._webrtc is not None:
            await self._webrtc.aclose()
        await self.instruments.aclose()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, WebSocket or lifespan."""
        if scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, _watched(scope, send))
        else:
            await self._http(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", "")).rstrip("/")
        if path in REALTIME_PATHS or path.removesuffix(TRANSLATIONS) in REALTIME_PATHS:
            await self._realtime(scope, receive, send)
            return
        await receive()  # websocket.connect
        await refuse_upgrade(scope, send, _not_found("GET", path), new_request_id())

    @contextlib.asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        yield
        await self.aclose()

    async def _needs_upgrade(self, _request: Request) -> Response:
        message = "This is a WebSocket endpoint: connect with ws:// or wss://."
        headers = {"upgrade": "websocket", "connection": "upgrade"}
        return respond(Refusal(426, message, code="upgrade_required", headers=headers))


def _not_found(method: str, path: str) -> Refusal:
    return Refusal(404, f"Invalid URL ({method} {path[:256]})", code="not_found")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == 404:
        return respond(_not_found(request.method, request.url.path))
    if error.status_code == 405:
        message = (
            f"Not allowed to {request.method} on {request.url.path[:256]} (use {headers.get('Allow', 'GET')})"
        )
        return respond(Refusal(405, message, code="method_not_supported", headers=headers))
    return respond(Refusal(error.status_code, error.detail, code=None, headers=headers))


async def _server_error(_request: Request, _error: Exception) -> Response:
    message = "The server had an error while processing your request."
    return respond(Refusal(500, message, code="internal_error", type="server_error"))


def _watched(scope: Scope, send: Send) -> Send:
    """Return a `send` that gives the answer an id, and logs the request when its answer begins."""
    request_id = scope[REQUEST_ID] = new_request_id()

    async def send_and_log(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), (REQUEST_ID_HEADER, request_id.encode())]
            level = logging.DEBUG if scope["path"].startswith(QUIET_PATHS) else logging.INFO
            level = logging.WARNING if DETAIL in scope else level
            if _log.isEnabledFor(level):
                _log.log(level, "request", extra=_log_fields(scope, message["status"], request_id))
        await send(message)

    return send_and_log


def _log_fields(scope: Scope, status: int, request_id: str) -> dict[str, object]:
    """Return what a log line says of a request: never its query, where a key may stand."""
    host, port = scope.get("client") or (None, None)
    fields = {
        "method": scope["method"],
        "path": scope["path"][:256],
        "status": status,
        "request_id": request_id,
        "client": host,
        "client_port": port,
        "key": scope.get(KEY_NAME),
    }
    return fields | {"detail": scope[DETAIL]} if DETAIL in scope else fields
