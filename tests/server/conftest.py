"""A server on a real socket, on the event loop of the test."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace

import pytest

from vivavoce.engines.base import Engines
from vivavoce.engines.registry import EngineChoice
from vivavoce.server import ServerConfig, serve

Serve = Callable[..., AbstractAsyncContextManager[str]]


@contextlib.asynccontextmanager
async def _serving(config: ServerConfig | None = None, engines: Engines | None = None) -> AsyncIterator[str]:
    config = replace(config or ServerConfig(), port=0, engines=EngineChoice(preset="bench"))
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        server = tasks.create_task(serve(config, engines=engines, on_ready=ready.set_result))
        try:
            yield await ready
        finally:
            server.cancel()


@pytest.fixture
def serving() -> Serve:
    """`async with serving(config) as url`: the URL of the realtime socket of a server with bench engines."""
    return _serving
