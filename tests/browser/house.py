"""A server of this project and, on another origin, the site of somebody whose page talks to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import httpx
import pytest
from tests.frames import js_home

from vivavoce.engines.base import Engines
from vivavoce.server import RealtimeApp, ServerConfig, create_app, listener
from vivavoce.webrtc.config import RtcConfig

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

PAGES = Path(__file__).parent / "page"
KEY = "sk-operator"
PLACEHOLDER = "<client-api-key>"
GONE_S = 10.0
"""How soon nothing may be left of a session whose browser has gone."""


def sdk_folder() -> Path:
    """Where the bundle of `@openai/agents-realtime` for browsers is; skips where it is not installed."""
    home = js_home()
    if home is None:
        pytest.skip("needs the JavaScript clients: make .venv/.js")
    return home[1] / "node_modules" / "@openai" / "agents-realtime" / "dist" / "bundle"


@dataclass
class House:
    """Where the two are, as ``http://host:port``.

    Attributes:
        http: the server.
        site: the site with the pages.
        app: the server's application.
    """

    http: str
    site: str
    app: RealtimeApp

    @property
    def socket(self) -> str:
        """The URL for a WebSocket."""
        return self.http.replace("http://", "ws://") + "/v1/realtime"

    @property
    def calls(self) -> str:
        """The URL for a WebRTC offer."""
        return self.http + "/v1/realtime/calls"

    async def empty(self, seconds: float = GONE_S) -> None:
        """Wait until the server has no session; it takes none afterwards."""
        await self.app.drain(seconds)
        assert self.app.sessions == 0


class Site:
    """The site: pages, the SDK as npm has it, and a backend that mints client secrets.

    Args:
        server: ``http://host:port`` of the Realtime server.
    """

    def __init__(self, server: str) -> None:
        self._server = server

    async def mint(self, session: dict[str, Any]) -> httpx.Response:
        """Ask the server for a client secret, with the operator's key that no page ever sees."""
        async with httpx.AsyncClient() as client:
            return await client.post(
                f"{self._server}/v1/realtime/client_secrets",
                headers={"Authorization": f"Bearer {KEY}"},
                json={"session": {"type": "realtime", **session}},
            )

    async def secret(self, request: Request) -> Response:
        """Mint a client secret for whoever asks, with the wishes for its session."""
        from starlette.responses import JSONResponse

        answer = await self.mint(await request.json())
        return JSONResponse(answer.json(), answer.status_code)

    async def with_key(self, request: Request) -> Response:
        """Give out a script with a client secret in the place that its author left for it."""
        from starlette.responses import Response

        script = (PAGES / request.path_params["name"]).read_text(encoding="utf-8")
        assert script.count(PLACEHOLDER) == 1
        key = (await self.mint({})).json()["value"]
        return Response(script.replace(PLACEHOLDER, key), media_type="text/javascript")

    def app(self) -> Any:
        """The ASGI application."""
        from starlette.applications import Starlette
        from starlette.routing import Mount, Route
        from starlette.staticfiles import StaticFiles

        return Starlette(
            routes=[
                Route("/secret", self.secret, methods=["POST"]),
                Route("/with-key/{name}", self.with_key),
                Mount("/sdk", StaticFiles(directory=sdk_folder())),
                Mount("/", StaticFiles(directory=PAGES, html=True)),
            ]
        )


@contextlib.asynccontextmanager
async def _site(server: str) -> AsyncIterator[str]:
    import uvicorn

    running = uvicorn.Server(
        uvicorn.Config(Site(server).app(), log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    )
    with listener.open_listener(ServerConfig(port=0)) as socket:
        async with asyncio.TaskGroup() as tasks:
            # A connection that comes before the server listens waits in the kernel's queue.
            socket.listen()
            serving = tasks.create_task(running.serve(sockets=[socket]))
            try:
                yield f"http://127.0.0.1:{socket.getsockname()[1]}"
            finally:
                running.should_exit = True
                await serving  # before the group cancels it: uvicorn would leave its socket to the event loop


@contextlib.asynccontextmanager
async def house(engines: Engines, config: ServerConfig | None = None) -> AsyncIterator[House]:
    """A server on these engines that asks for keys, and the site; both of this machine only."""
    sdk_folder()
    apps: list[RealtimeApp] = []

    def created(*given: Any) -> RealtimeApp:
        apps.append(create_app(*given))
        return apps[0]

    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    here = RtcConfig(addresses=("127.0.0.1",))
    config = replace(config or ServerConfig(), port=0, api_keys=(KEY,), webrtc=here)
    with patch("vivavoce.server.listener.create_app", created):
        async with asyncio.TaskGroup() as tasks:
            server = tasks.create_task(listener.serve(config, engines=engines, on_ready=ready.set_result))
            try:
                http = (await ready).replace("ws://", "http://").removesuffix("/v1/realtime")
                async with _site(http) as site:
                    yield House(http, site, apps[0])
            finally:
                server.cancel()
