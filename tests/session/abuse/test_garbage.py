"""A server that sends what no server should, over a real socket on the virtual clock."""

from __future__ import annotations

import asyncio
import contextlib
import json
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websockets

from vivavoce.agents import RealtimeAgent
from vivavoce.errors import ConnectionLostError
from vivavoce.protocol.server_events import SERVER_EVENT_TYPES
from vivavoce.session import RealtimeRunner, RealtimeSession
from vivavoce.session.streams import AUDIO_BYTES
from vivavoce.testing import run

LeavingNoTask = Callable[[Callable[[], Coroutine[Any, Any, None]]], Coroutine[Any, Any, None]]
ClosedSoon = Callable[[RealtimeSession], Coroutine[Any, Any, None]]
Play = Callable[[ServerConnection], Awaitable[None]]

SESSION = {"type": "realtime"}
OPENS = json.dumps({"type": "session.created", "event_id": "e", "session": SESSION})
ACCEPTS = json.dumps({"type": "session.updated", "event_id": "e", "session": SESSION})


@contextlib.asynccontextmanager
async def told(play: Play) -> AsyncIterator[str]:
    """A server that opens a session and then does what `play` says."""

    async def handler(socket: ServerConnection) -> None:
        await socket.send(OPENS)
        await socket.recv()
        await socket.send(ACCEPTS)
        await play(socket)

    async with serve_websockets(handler, "127.0.0.1", 0, close_timeout=0.1) as server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def open_session(url: str, *, reconnect: Any = False, **transport: Any) -> RealtimeSession:
    runner = RealtimeRunner(RealtimeAgent[Any]("Ada"), model=url, config={"reconnect": reconnect})
    session = await runner.run(model_config={"transport": transport})
    await session.enter()
    return session


async def until(session: RealtimeSession, kind: str) -> list[Any]:
    events: list[Any] = []
    async with asyncio.timeout(60):
        async for event in session:
            events.append(event)
            if event.type == kind:
                break
    return events


def event(kind: str, **fields: Any) -> str:
    return json.dumps({"type": kind, "event_id": "e", **fields})


def part(kind: str, **fields: Any) -> str:
    place = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
    return event(kind, **{**place, **fields})


def message(item_id: str, **fields: Any) -> dict[str, Any]:
    item = {"type": "message", "id": item_id, "role": "assistant", "status": "completed", "content": []}
    return {**item, **fields}


def response(response_id: str, status: str, *output: Any) -> dict[str, Any]:
    return {"object": "realtime.response", "id": response_id, "status": status, "output": list(output)}


NO_EVENTS: list[str | bytes] = [
    "nonsense", "", "null", "5", "[]", "{}", '"text"', '{"type": 5}', '{"type": null}', '{"type": "\\ud800"}',
    "[" * 100_000, '{"type": "a", "b": ' + "[" * 100_000 + "]" * 100_000 + "}", b"\x00\xff\xfe", b"",
    json.dumps({"type": "no.such.event", "deep": {"a": [1, {"b": None}]}}),
    *(json.dumps({"type": kind}) for kind in SERVER_EVENT_TYPES),
    *(json.dumps({"type": kind, "event_id": None}) for kind in SERVER_EVENT_TYPES),
    *(event(kind, response=5, item="no", session=[], error=None, delta=7) for kind in SERVER_EVENT_TYPES),
]  # fmt: skip
OUT_OF_PLACE = [
    *(part("response.output_audio.delta", content_index=index, delta="AAAA") for index in (-1, 0, 10**9)),
    *(part("response.output_text.delta", content_index=index, delta="x") for index in (-1, 0, 10**9)),
    event("conversation.item.added", item=message("i"), previous_item_id="i"),
    event("conversation.item.added", item=message("i"), previous_item_id="nobody"),
    *(part("response.output_audio_transcript.delta", content_index=i, delta="x") for i in (-1, 0, 10**9)),
    *(part("response.output_audio_transcript.done", content_index=i, transcript="x") for i in (-1, 0, 10**9)),
    part("response.output_audio.delta", delta="A" * 4),
    part("response.output_audio.delta", delta=""),
    part("response.output_audio.done"),
    event("conversation.item.truncated", item_id="i", content_index=-1, audio_end_ms=-1),
    event("conversation.item.deleted", item_id="nobody"),
    event("conversation.item.deleted", item_id="i"),
    event("conversation.item.deleted", item_id="i"),
    event("conversation.item.retrieved", item=message("nobody")),
    event("conversation.item.added", item=message("")),
    event("response.done", response=response("never began", "completed", message("m"))),
    event("response.created", response=response("r1", "in_progress")),
    event("response.created", response=response("r1", "in_progress")),
    event("response.created", response=response("r2", "in_progress")),
    event("response.done", response=response("r1", "completed")),
    event("response.done", response=response("r1", "failed")),
    event("input_audio_buffer.committed", item_id="u", previous_item_id="nobody"),
    event("input_audio_buffer.speech_stopped", item_id="u", audio_end_ms=-5),
    event("input_audio_buffer.speech_started", item_id="u", audio_start_ms=0),
    event("session.created", session=SESSION),
    event("session.updated", session={"type": "transcription"}),
    event("error", error={"type": "t", "code": "c", "message": "m", "param": None, "event_id": None}),
    event("rate_limits.updated", rate_limits=[]),
]


@pytest.mark.parametrize("frames", [NO_EVENTS, OUT_OF_PLACE], ids=["no events", "out of place"])
def test_a_session_survives_garbage(
    leaving_no_task: LeavingNoTask, closed_soon: ClosedSoon, frames: list[str | bytes]
) -> None:
    async def play(socket: ServerConnection) -> None:
        for frame in frames:
            await socket.send(frame)
            await socket.send(frame)
        async for frame in socket:
            await socket.send(event("heard." + json.loads(frame)["type"]))

    async def main() -> None:
        async with told(play) as url:
            session = await open_session(url)
            await session.send_audio(bytes(960))
            events = await until(session, "heard.input_audio_buffer.append")
            assert not any(event.type == "connection_lost" for event in events)
            if frames is NO_EVENTS:
                assert sum(event.type == "error" for event in events) > len(SERVER_EVENT_TYPES)
            await session.interrupt()
            await session.send_event({"type": "input_audio_buffer.clear"})
            await until(session, "heard.input_audio_buffer.clear")
            await closed_soon(session)

    run(leaving_no_task(main))


def test_a_frame_beyond_the_limit_costs_the_connection_and_no_more(closed_soon: ClosedSoon) -> None:
    connections: list[ServerConnection] = []

    async def play(socket: ServerConnection) -> None:
        connections.append(socket)
        if len(connections) == 1:
            await socket.send(part("response.output_text.delta", delta="x" * 100_000))
        async for frame in socket:
            await socket.send(event("heard." + json.loads(frame)["type"]))

    async def main() -> None:
        async with told(play) as url:
            session = await open_session(url, reconnect={"first_delay_s": 0.1}, max_size=10_000)
            events = await until(session, "reconnected")
            (lost,) = [event.error for event in events if event.type == "connection_lost"]
            assert "1009" in str(lost)
            await session.send_audio(bytes(960))
            await until(session, "heard.input_audio_buffer.append")
            await closed_soon(session)

    run(main())


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1006, 1007, 1008, 1011, 1012, 1013, 3000, 4999])
@pytest.mark.parametrize("reconnect", [True, False])
def test_whatever_code_a_server_closes_with_the_session_ends_or_goes_on(
    leaving_no_task: LeavingNoTask, closed_soon: ClosedSoon, code: int, reconnect: bool
) -> None:
    connections: list[ServerConnection] = []

    async def play(socket: ServerConnection) -> None:
        connections.append(socket)
        if len(connections) > 1:
            await socket.wait_closed()
        elif code == 1006:
            socket.transport.abort()
        else:
            await socket.close(code, "because")

    async def main() -> None:
        async with told(play) as url:
            session = await open_session(url, reconnect=reconnect)
            if reconnect and code != 1000:
                await until(session, "reconnected")
            else:
                async with asyncio.timeout(60):
                    errors = [event.error async for event in session if event.type == "error"]
                assert [type(error) for error in errors] == [ConnectionLostError] * (code != 1000)
            await closed_soon(session)

    run(leaving_no_task(main))


def test_who_takes_connections_and_says_nothing_is_given_up(
    leaving_no_task: LeavingNoTask, closed_soon: ClosedSoon
) -> None:
    writers: list[asyncio.StreamWriter] = []

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    async def main() -> None:
        server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
        async with server:
            url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            with pytest.raises(ConnectionLostError, match="did not answer within 10 s"):
                await open_session(url)
            runner = RealtimeRunner(RealtimeAgent[Any]("Ada"), model=url)
            session = await runner.run()
            entering = asyncio.ensure_future(session.enter())
            await asyncio.sleep(1)
            await closed_soon(session)
            await asyncio.wait({entering}, timeout=15)
            assert isinstance(entering.exception(), Exception)
        for writer in writers:
            writer.close()

    run(leaving_no_task(main))


def test_a_flood_is_taken_in_and_its_audio_is_bounded(
    leaving_no_task: LeavingNoTask, closed_soon: ClosedSoon
) -> None:
    count, size = 3000, 24_000

    async def play(socket: ServerConnection) -> None:
        await socket.send(event("response.created", response=response("r", "in_progress")))
        await socket.send(event("conversation.item.added", item=message("i")))
        frame = part("response.output_audio.delta", delta="A" * (size * 4 // 3))
        for _ in range(count):
            await socket.send(frame)
        for _ in range(count):
            await socket.send(event("no.such.event"))
        await socket.send(event("over"))
        await socket.wait_closed()

    async def main() -> None:
        async with told(play) as url:
            session = await open_session(url)
            reader, nobody = session.events("over"), session.events()
            tracemalloc.start()
            await anext(reader)
            used, _ = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert count * size > 2 * AUDIO_BYTES
            assert 0 < count * size - nobody.dropped_audio_bytes - AUDIO_BYTES < 1_000_000  # sent before
            assert nobody.dropped_events == 0
            assert used < AUDIO_BYTES + 12_000_000
            await closed_soon(session)

    run(leaving_no_task(main))
