from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from vivavoce.errors import ConfigurationError, ConnectionLostError
from vivavoce.testing import RealtimeStep, ScriptedRealtimeModel, run, spoken, user_says
from vivavoce.testing.scripted_server import QUEUE, ScriptedServer


@contextlib.asynccontextmanager
async def talking(*steps: Any, **options: Any) -> AsyncIterator[tuple[ScriptedServer, ClientConnection]]:
    model = ScriptedRealtimeModel(steps, **options)
    async with ScriptedServer(model) as server, connect(f"{server.url}?model=mine") as socket:
        assert json.loads(await socket.recv())["type"] == "session.created"
        yield server, socket


async def say(socket: ClientConnection, **event: Any) -> None:
    await socket.send(json.dumps(event))


async def until(socket: ClientConnection, kind: str) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    while not events or events[-1]["type"] != kind:
        events.append(json.loads(await socket.recv()))
    return events


def test_a_client_of_any_make_follows_the_script() -> None:
    async def main() -> None:
        async with talking("Good day.") as (server, socket):
            await say(socket, type="response.create", event_id="mine")
            events = await until(socket, "response.done")
            assert events[-1]["response"]["output"][0]["content"][0]["transcript"] == "Good day."
            assert server.received == [{"type": "response.create", "event_id": "mine"}]
            assert server.requests == ["/v1/realtime?model=mine"]
            server.model.emit(user_says("Hello"))
            await until(socket, "conversation.item.input_audio_transcription.completed")

    run(main())


def test_anything_can_be_sent_and_what_is_no_event_is_an_error() -> None:
    async def main() -> None:
        async with talking() as (server, socket):
            await server.send_frame("nonsense")
            assert await socket.recv() == "nonsense"
            server.model.emit({"type": "something.new", "event_id": "e", "x": 1})
            assert json.loads(await socket.recv()) == {"type": "something.new", "event_id": "e", "x": 1}
            await socket.send("nonsense")
            (error,) = await until(socket, "error")
            assert error["error"]["code"] == "invalid_json"
            await say(socket, type="response.say", event_id="mine")
            (error,) = await until(socket, "error")
            assert (error["error"]["param"], error["error"]["event_id"]) == ("type", "mine")

    run(main())


@pytest.mark.parametrize("code", [1000, 1011, 1006])
def test_the_connection_ends_in_any_way(code: int) -> None:
    async def main() -> None:
        async with talking() as (server, socket):
            await server.disconnect(code, "enough")
            with pytest.raises(ConnectionClosed) as caught:
                await socket.recv()
            received = caught.value.rcvd
            assert (received.code if received else 1006) == code
            await asyncio.sleep(0.1)
            with pytest.raises(ConnectionLostError, match="no client"):
                await server.disconnect()
            with pytest.raises(ConnectionLostError, match="no client"):
                await server.send_frame("x")

    run(main())


@pytest.mark.parametrize("steps", [[], [RealtimeStep("response.create", error=OSError("cable"))]])
def test_what_the_script_does_not_have_ends_the_connection(steps: list[Any]) -> None:
    async def main() -> None:
        async with talking(*steps) as (_, socket):
            await say(socket, type="response.create")
            with pytest.raises(ConnectionClosed, match=r"no step is left|cable"):
                await socket.recv()

    run(main())


def test_a_client_that_comes_again_finds_the_rest_of_the_script() -> None:
    async def main() -> None:
        model = ScriptedRealtimeModel(["One.", "Two."])
        async with ScriptedServer(model) as server:
            said = []
            for _ in range(2):
                async with connect(server.url) as socket:
                    await say(socket, type="response.create")
                    events = await until(socket, "response.done")
                    said.append(events[-1]["response"]["output"][0]["content"][0]["transcript"])
            assert said == ["One.", "Two."]
        model.assert_complete()

    run(main())


def test_a_client_whose_line_is_cut_may_come_again_at_once() -> None:
    async def main() -> None:
        async with talking("One.") as (server, _):
            await server.disconnect(1006)
            async with connect(server.url) as socket:
                await say(socket, type="response.create")
                await until(socket, "response.done")

    run(main())


def test_a_second_client_is_turned_away_and_the_first_stays() -> None:
    async def main() -> None:
        async with talking("One.") as (server, socket):
            async with connect(server.url) as other:
                with pytest.raises(ConnectionClosed, match="1013"):
                    await other.recv()
            await say(socket, type="response.create")
            await until(socket, "response.done")

    run(main())


def test_a_client_that_does_not_read_is_cut_off() -> None:
    async def main() -> None:
        async with talking() as (server, socket):
            for _ in range(QUEUE // 8):
                server.model.emit(spoken("One", audio_ms=10))
            await asyncio.sleep(0.1)
            with pytest.raises(ConnectionClosed):
                await until(socket, "nothing of the kind")

    run(main())


def test_a_server_that_is_not_open_is_nowhere() -> None:
    with pytest.raises(ConfigurationError, match="async with ScriptedServer"):
        _ = ScriptedServer(ScriptedRealtimeModel()).url
