"""Chromium on a page of an application that this process serves."""

from __future__ import annotations

import asyncio
import socket
import wave
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvicorn
from tests.browser.chromium import chromium, chromium_path

if TYPE_CHECKING:
    from playwright.async_api import Page


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """Serve an application on a port of this machine."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", log_config=None))
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve(sockets=[listening]))
            try:
                yield f"http://127.0.0.1:{listening.getsockname()[1]}"
            finally:
                server.should_exit = True


def microphone_for(question: Path, folder: Path) -> Path:
    """Four seconds of silence, in which also a busy machine connects, and a question."""
    path = folder / "microphone.wav"
    with wave.open(str(question)) as said, wave.open(str(path), "wb") as file:
        file.setparams(said.getparams())
        file.writeframes(bytes(4 * 2 * said.getframerate()))
        file.writeframes(said.readframes(said.getnframes()))
    return path


def visit(microphone: Path, app: Any, scene: Callable[[Page], Any]) -> None:
    """Open the page of an application, play a scene on it, and see that its console stayed clean."""

    async def story() -> None:
        async with served(app) as url, chromium(chromium_path(), microphone) as browser:
            page = await browser.new_page()
            console: list[str] = []
            page.on("console", lambda message: console.append(message.text))
            page.on("pageerror", lambda error: console.append(str(error)))
            await page.goto(url)
            async with asyncio.timeout(50):
                await scene(page)
            assert console == [], console

    asyncio.run(story())
