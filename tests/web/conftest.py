"""An application on no socket: requests go straight to it, as a browser would send them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.applications import Starlette

HERE = "http://shop.example"

Browse = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@asynccontextmanager
async def _browsing(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url=HERE) as browser:
        yield browser


@pytest.fixture
def browsing() -> Browse:
    """``async with browsing(app) as browser``: sends requests to the application as `shop.example`."""
    return _browsing


@pytest.fixture(params=["starlette", "fastapi"])
def app_of(request: pytest.FixtureRequest) -> Callable[[Iterable[Any]], Any]:
    """Make an application of some routes, in either framework."""

    def make(routes: Iterable[Any]) -> Any:
        app = Starlette() if request.param == "starlette" else FastAPI()
        app.routes.extend(routes)
        return app

    return make
