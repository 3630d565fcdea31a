"""Sessions over sockets that go on: a key that cannot be had for a moment; a model that does not exist."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websockets

from vivavoce.agents import RealtimeAgent
from vivavoce.errors import ConfigurationError
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.testing import ScriptedRealtimeModel, ScriptedServer

ADA = RealtimeAgent[Any]("Ada")


async def until(session: RealtimeSession, kind: str) -> Any:
    async with asyncio.timeout(10):
        async for event in session:
            if event.type == kind:
                return event
    raise AssertionError(f"the session ended without {kind}")


def test_a_key_that_cannot_be_had_for_a_moment_is_asked_for_again() -> None:
    tries: list[str] = []

    async def key() -> str:
        tries.append("asked")
        if len(tries) == 2:
            raise LookupError("the vault is closed")
        return f"key {len(tries)}"

    async def main() -> None:
        model = ScriptedRealtimeModel(["Good day."])
        quick = {"reconnect": {"first_delay_s": 0.01, "longest_delay_s": 0.01}}
        async with ScriptedServer(model) as server:
            runner = RealtimeRunner(ADA, model=server.url, config=quick)
            async with await runner.run(model_config={"api_key": key}) as session:
                await server.disconnect(1006)
                assert (await until(session, "reconnected")).attempt == 2
                await session.send_message("Hello.")
                assert (await until(session, "agent_end")).output == "Good day."
        assert len(tries) == 3

    asyncio.run(main())


def test_a_model_that_does_not_exist_is_told_in_the_servers_words() -> None:
    error = {"type": "invalid_request_error", "code": "model_not_found", "message": "There is no model zzz."}

    async def handler(socket: ServerConnection) -> None:
        await socket.send(json.dumps({"type": "error", "event_id": "e", "error": error}))
        await socket.close(1008, "model_not_found")

    async def main() -> None:
        async with serve_websockets(handler, "127.0.0.1", 0, close_timeout=0.1) as server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            runner = RealtimeRunner(ADA, model=url, config={"model_settings": {"model_name": "zzz"}})
            with pytest.raises(ConfigurationError, match=r"refused the settings: There is no model zzz\."):
                await (await runner.run()).enter()

    asyncio.run(main())
