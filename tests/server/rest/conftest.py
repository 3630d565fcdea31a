"""The application without a socket, for the plain HTTP routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from vivavoce.engines.base import Engines
from vivavoce.engines.registry import EngineChoice, build_local_engines
from vivavoce.server import RealtimeApp, ServerConfig, create_app


class House:
    """One application, and a client on the same machine."""

    def __init__(self, config: ServerConfig, engines: Engines | None = None) -> None:
        self.app: RealtimeApp = create_app(
            config, engines or build_local_engines(EngineChoice(preset="bench"))
        )

    async def ask(self, method: str, path: str, key: str | None = None, **request: Any) -> httpx.Response:
        """Send one request, with an API key if one is given."""
        headers = {**request.pop("headers", {}), **({"Authorization": f"Bearer {key}"} if key else {})}
        transport = httpx.ASGITransport(app=self.app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.request(method, path, headers=headers, **request)
        assert answer.headers["x-request-id"].startswith("req_")
        return answer

    async def refused(
        self, method: str, path: str, key: str | None = None, **request: Any
    ) -> tuple[int, str, str | None]:
        """Send a request that is refused; return status, code and param."""
        answer = await self.ask(method, path, key, **request)
        error = answer.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert error["message"]
        return answer.status_code, error["code"], error["param"]


@pytest.fixture
def house() -> Callable[..., House]:
    """`house(engines=None, **config)`: an application, on bench engines unless others are given."""

    def make(engines: Engines | None = None, **config: Any) -> House:
        return House(ServerConfig(**config), engines)

    return make
