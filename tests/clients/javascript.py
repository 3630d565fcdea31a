"""Plays a scene of `tests/js` with an official JavaScript client, in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import ssl
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.frames import JS_SOURCES, js_home
from tests.mcp.plain_http import certificate

from vivavoce.engines.base import Engines
from vivavoce.server import ServerConfig, serve

SCENE_S = 45


def javascript() -> tuple[str, Path]:
    """Node.js and the folder of the clients; skips the test where they are not installed."""
    home = js_home()
    if home is None:
        pytest.skip("needs the JavaScript clients: make .venv/.js")
    return home


async def play(scene: str, **given: Any) -> dict[str, Any]:
    """Play a scene to its end and return what it tells. A client that breaks down fails the test."""
    node, folder = javascript()
    process = await asyncio.create_subprocess_exec(
        node,
        str(JS_SOURCES / "play.mjs"),
        scene,
        json.dumps(given),
        env={**os.environ, "VIVAVOCE_JS": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(SCENE_S):
            told, complaints = await process.communicate()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    assert process.returncode == 0, complaints.decode()[-4000:]
    answer: dict[str, Any] = json.loads(told.decode().strip().splitlines()[-1])
    return answer


@contextlib.asynccontextmanager
async def serving(engines: Engines, config: ServerConfig | None = None) -> AsyncIterator[str]:
    """A server of this project on these engines: ``http://host:port``."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    config = replace(config or ServerConfig(), port=0)
    async with asyncio.TaskGroup() as tasks:
        server = tasks.create_task(serve(config, engines=engines, on_ready=ready.set_result))
        try:
            url = await ready
            yield url.replace("ws://", "http://").removesuffix("/v1/realtime")
        finally:
            server.cancel()


@contextlib.asynccontextmanager
async def served_by_command() -> AsyncIterator[str]:
    """`vivavoce serve` in a process of its own: the URL of its socket."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "vivavoce", "serve", "--port", "0", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(SCENE_S):
            while not (found := re.search(rb"ws://\S+", await process.stdout.readline())):
                assert process.returncode is None
        yield found.group().decode()
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.communicate()


def scene(name: str, engines: Engines, config: ServerConfig | None = None, **given: Any) -> dict[str, Any]:
    """Play a scene against a server of its own."""

    async def main() -> dict[str, Any]:
        async with serving(engines, config) as http:
            url = http.replace("http://", "ws://") + "/v1/realtime"
            return await play(name, http=http, url=url, **given)

    javascript()
    return asyncio.run(main())


@contextlib.asynccontextmanager
async def behind_tls(http: str, folder: Path) -> AsyncIterator[str]:
    """A proxy that speaks TLS in front of a server: ``https://host:port``."""
    host, port = http.removeprefix("http://").split(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(folder, "localhost"))
    writers: set[asyncio.StreamWriter] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection(host, int(port))
        writers.update((writer, inner_writer))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pump(reader, inner_writer))
            tasks.create_task(pump(inner_reader, writer))

    proxy = await asyncio.start_server(carry, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
    finally:
        proxy.close()
        for writer in writers:
            writer.close()


def tls_scene(
    name: str, engines: Engines, folder: Path, config: ServerConfig | None = None, **given: Any
) -> dict[str, Any]:
    """Play a scene of a client that insists on TLS."""

    async def main() -> dict[str, Any]:
        async with serving(engines, config) as http, behind_tls(http, folder) as tls:
            return await play(name, http=http, tls=tls, **given)

    javascript()
    return asyncio.run(main())
