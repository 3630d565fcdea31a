"""The same program on both Agents SDKs: hooks, several sessions, closing (see `conftest`)."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from vivavoce.testing import ScriptedRealtimeModel, ScriptedServer, run, tool_call

pytestmark = pytest.mark.clients

Kit = Any
WEBSOCKET_KEY = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def config_for(url: str) -> dict[str, str]:
    return {"url": url, "api_key": "sk-test"}


def test_hooks_are_called(theirs: Kit, ours: Kit) -> None:
    """Hooks are accepted there, and never called."""

    async def called(kit: Kit) -> list[str]:
        calls: list[str] = []

        class Hooks(kit.RealtimeAgentHooks):  # type: ignore[misc]  # a class of either SDK
            async def on_start(self, *_: Any) -> None:
                calls.append("start")

            async def on_end(self, *_: Any) -> None:
                calls.append("end")

            async def on_tool_start(self, *_: Any) -> None:
                calls.append("tool start")

            async def on_tool_end(self, *_: Any) -> None:
                calls.append("tool end")

        def look() -> str:
            """Look."""
            return "Nothing."

        agent = kit.RealtimeAgent(name="Ada", tools=[kit.function_tool(look)], hooks=Hooks())
        async with ScriptedServer(ScriptedRealtimeModel([tool_call("look"), "Nothing there."])) as server:
            runner = kit.RealtimeRunner(agent)
            async with await runner.run(model_config=config_for(server.url)) as session:
                await session.send_message("Look!")
                await asyncio.sleep(3)
        return calls

    assert run(called(theirs)) == []
    assert sorted(set(run(called(ours)))) == ["end", "start", "tool end", "tool start"]


def test_a_runner_holds_several_sessions_at_once(theirs: Kit, ours: Kit) -> None:
    """There a runner has one connection for all its sessions."""

    async def talk(kit: Kit) -> int:
        model = ScriptedRealtimeModel(["One."]), ScriptedRealtimeModel(["Two."])
        async with ScriptedServer(model[0]) as first, ScriptedServer(model[1]) as second:
            runner = kit.RealtimeRunner(kit.RealtimeAgent(name="Ada"))
            one = await runner.run(model_config=config_for(first.url))
            two = await runner.run(model_config=config_for(second.url))
            async with one, two:
                await one.send_message("Hello?")
                await two.send_message("Hello?")
                await asyncio.sleep(2)
        return sum(script.remaining_steps for script in model)

    with pytest.raises(AssertionError, match="Already connected"):
        run(talk(theirs))
    assert run(talk(ours)) == 0


@contextlib.asynccontextmanager
async def frozen() -> AsyncIterator[str]:
    """A server that opens a session and then never reads again, not even the closing handshake."""
    release = asyncio.Event()

    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
        key = next(line.split(": ")[1] for line in request if line.lower().startswith("sec-websocket-key"))
        digest = hashlib.sha1(f"{key}{WEBSOCKET_KEY}".encode()).digest()
        accept = base64.b64encode(digest).decode()
        writer.write(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode()
        )
        for kind in ("session.created", "session.updated"):
            event = f'{{"type": "{kind}", "event_id": "e", "session": {{"type": "realtime"}}}}'.encode()
            writer.write(bytes([0x81, len(event)]) + event)
        await release.wait()
        writer.transport.abort()

    async with await asyncio.start_server(hold, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"ws://{host}:{port}/v1/realtime"
        release.set()
        await asyncio.sleep(0.1)


def test_closing_waits_for_nobody(theirs: Kit, ours: Kit) -> None:
    """There it takes ten seconds when the server does not answer the closing handshake."""

    async def seconds(kit: Kit) -> float:
        loop = asyncio.get_running_loop()
        async with frozen() as url:
            runner = kit.RealtimeRunner(kit.RealtimeAgent(name="Ada"))
            session = await runner.run(model_config=config_for(url))
            await session.enter()
            await asyncio.sleep(0.1)
            began = loop.time()
            await session.close()
            return loop.time() - began

    assert run(seconds(theirs)) >= 9.9
    assert run(seconds(ours)) < 1.0
