"""Sessions over real sockets: to this project's server, and to a server that does what it is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websockets

from vivavoce.agents import RealtimeAgent, function_tool
from vivavoce.conversation.client_history import text_of
from vivavoce.engines.base import Engines, FunctionCallDelta
from vivavoce.engines.scripted import scripted_engines
from vivavoce.errors import ConfigurationError, ConnectionLostError
from vivavoce.protocol import MessageItem
from vivavoce.server import ServerConfig, serve
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.testing import run


@function_tool
async def get_weather(city: str) -> str:
    """Get the weather."""
    return f"It is sunny in {city}."


AGENT = RealtimeAgent[Any]("Ada", "Be kind.", tools=[get_weather])


@contextlib.asynccontextmanager
async def serving(engines: Engines) -> AsyncIterator[str]:
    """This project's server, on this event loop."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    config = replace(ServerConfig(), port=0)
    async with asyncio.TaskGroup() as tasks:
        server = tasks.create_task(serve(config, engines=engines, on_ready=ready.set_result))
        try:
            yield await ready
        finally:
            server.cancel()


@contextlib.asynccontextmanager
async def told(play: Callable[[ServerConnection], Awaitable[None]]) -> AsyncIterator[str]:
    """A server that opens a session and then does what `play` says."""

    async def handler(socket: ServerConnection) -> None:
        session = {"type": "realtime"}
        await socket.send(json.dumps({"type": "session.created", "event_id": "e", "session": session}))
        await socket.recv()
        await socket.send(json.dumps({"type": "session.updated", "event_id": "e", "session": session}))
        await play(socket)

    async with serve_websockets(handler, "127.0.0.1", 0, close_timeout=0.1) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def alone(url: str) -> RealtimeRunner[Any]:
    """A runner whose sessions end with their connection."""
    return RealtimeRunner(AGENT, model=url, config={"reconnect": False})


async def read(session: RealtimeSession, kind: str, count: int = 1) -> list[Any]:
    events: list[Any] = []
    async with asyncio.timeout(10):
        async for event in session:
            events.append(event)
            if [str(seen.type) for seen in events].count(kind) == count:
                break
    return events


def test_a_question_a_tool_and_an_answer_through_the_server() -> None:
    call = FunctionCallDelta(0, "get_weather", '{"city": "Oslo"}')
    engines = scripted_engines(answers=[[call], ["It is sunny in Oslo."]], word_ms=20)

    async def main() -> None:
        async with serving(engines) as url:
            runner = RealtimeRunner(AGENT, model=url, config={"model_settings": {"model_name": "mine"}})
            async with await runner.run() as session:
                await session.send_message("What is the weather in Oslo?")
                events = await read(session, "agent_end", 2)
                kinds = [event.type for event in events]
                assert (kinds.count("tool_start"), kinds.count("tool_end"), kinds.count("error")) == (1, 1, 0)
                assert sum(len(event.audio.data) for event in events if event.type == "audio") == 5 * 20 * 48
                assert [item.type for item in session.history] == [
                    "message",
                    "function_call",
                    "function_call_output",
                    "message",
                ]

    run(main())


def test_what_was_not_heard_was_not_said_through_the_server() -> None:
    engines = scripted_engines(answers=[["One two three four five six seven eight nine ten."]], word_ms=100)

    async def main() -> None:
        async with serving(engines) as url, await RealtimeRunner(AGENT, model=url).run() as session:
            await session.send_message("count")
            await read(session, "audio")
            await asyncio.sleep(0.35)
            await session.interrupt()
            await read(session, "conversation.item.retrieved")
            said = session.history[-1]
            assert isinstance(said, MessageItem)
            assert text_of(said.content[0]).strip() == "One two three"

    run(main())


def test_a_server_refuses_a_setting_in_words() -> None:
    async def main() -> None:
        async with serving(scripted_engines()) as url:
            runner = RealtimeRunner(AGENT, model=url, config={"model_settings": {"voice": "nobody"}})
            with pytest.raises(ConfigurationError, match=r"the server refused the settings: .*nobody"):
                await (await runner.run()).enter()

    run(main())


def test_nonsense_on_the_wire_is_an_error_and_the_session_goes_on() -> None:
    async def play(socket: ServerConnection) -> None:
        await socket.send("nonsense")
        async for frame in socket:
            await socket.send(json.dumps({"type": "heard." + json.loads(frame)["type"], "event_id": "e"}))

    async def main() -> None:
        async with told(play) as url, await RealtimeRunner(AGENT, model=url).run() as session:
            assert "not valid JSON" in str((await read(session, "error"))[-1].error)
            await session.send_audio(bytes(960))
            await read(session, "heard.input_audio_buffer.append")

    run(main())


def test_a_connection_that_breaks_is_an_error_and_the_end() -> None:
    async def play(socket: ServerConnection) -> None:
        await socket.close(1011, "on fire")

    async def main() -> None:
        async with told(play) as url, await alone(url).run() as session:
            events = [event async for event in session]
            (error,) = [event.error for event in events if event.type == "error"]
            assert isinstance(error, ConnectionLostError)
            assert "1011 on fire" in str(error)

    run(main())


def test_a_server_that_leaves_in_order_is_no_error() -> None:
    async def play(socket: ServerConnection) -> None:
        await socket.close(1000)

    async def main() -> None:
        async with told(play) as url, await RealtimeRunner(AGENT, model=url).run() as session:
            assert "error" not in [event.type async for event in session]

    run(main())
