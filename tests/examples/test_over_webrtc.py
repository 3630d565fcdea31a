"""The example of a call, against a server of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import ModuleType

import pytest

from vivavoce.engines.scripted import scripted_engines
from vivavoce.server import ServerConfig, serve
from vivavoce.testing import run


def test_a_call(load: Callable[[str], ModuleType], capsys: pytest.CaptureFixture[str]) -> None:
    async def main() -> None:
        ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        engines = scripted_engines(answers=[["Good day to you."]], word_ms=300)
        async with asyncio.TaskGroup() as tasks:
            config = ServerConfig(port=0)
            server = tasks.create_task(serve(config, engines=engines, on_ready=ready.set_result))
            await load("docs/over_webrtc.py").main(await ready)
            server.cancel()

    run(main())
    assert capsys.readouterr().out.splitlines() == ["Agent: Good day to you.", "1.2 seconds of audio"]
