"""On real sockets: an upstream that does what each test tells it, and a sink in the place of a client."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from vivavoce.connections import upstream_session
from vivavoce.connections.transport import TransportOptions
from vivavoce.connections.upstream import UpstreamRealtime
from vivavoce.connections.upstream_relay import Relay, RelayPlan
from vivavoce.connections.upstream_session import UpstreamSession
from vivavoce.conversation.ids import CountingIds
from vivavoce.conversation.options import SessionOptions
from vivavoce.engines.speech_model import ServedSession
from vivavoce.errors import ConnectionLostError, RemoteProtocolError
from vivavoce.protocol import decode_client_event, encode_text
from vivavoce.testing import run

Handler = Callable[[ServerConnection], Awaitable[None]]
CREATED = {
    "type": "session.created",
    "event_id": "theirs",
    "session": {"type": "realtime", "id": "sess_theirs", "model": "m"},
}
RESPONSE = {
    "type": "response.created",
    "event_id": "e",
    "response": {"id": "r", "status": "in_progress"},
}


class Client:
    """The sink of a session, and all it was told."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.writable = True
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._news = asyncio.Event()

    def send(self, events: Sequence[Any]) -> None:
        self.events += [json.loads(encode_text(event)) for event in events]
        self._news.set()

    async def until(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(5):
            while True:
                for event in self.events:
                    if event["type"] == kind:
                        return event
                self._news.clear()
                await self._news.wait()

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]


def dialled_by(client: Client, dialing: Callable[[], Awaitable[Any]]) -> UpstreamSession:
    now = asyncio.get_running_loop().time()
    relay = Relay(RelayPlan("sess_ours", SessionOptions(model="m"), opening_s=8.0), CountingIds(), now)
    return UpstreamSession("sess_ours", dialing, client, relay, TransportOptions())


async def said(socket: ServerConnection, *events: dict[str, Any]) -> None:
    for event in events:
        await socket.send(json.dumps(event))


def event(kind: str, **fields: Any) -> Any:
    return decode_client_event(json.dumps({"type": kind, **fields}))


def through(
    handler: Handler,
    test: Callable[[Client, ServedSession], Coroutine[Any, Any, None]],
    *,
    start: bool = True,
    **fields: Any,
) -> None:
    async def main() -> None:
        async with serve(handler, "127.0.0.1", 0, close_timeout=0.1) as server:
            port = server.sockets[0].getsockname()[1]
            model = UpstreamRealtime(f"ws://127.0.0.1:{port}", **fields)
            client = Client()
            session = model.open(client, SessionOptions(model="m"))
            session.on_end = client.ended.set_result
            if start:
                session.start()
            try:
                await test(client, session)
            finally:
                await session.aclose()
                await session.aclose()

    asyncio.run(main())


def close_code(session: ServedSession) -> Any:
    return getattr(session, "close_code", None)


def test_events_travel_both_ways() -> None:
    heard: list[Any] = []

    async def handler(socket: ServerConnection) -> None:
        await said(socket, CREATED)
        async for frame in socket:
            heard.append(json.loads(frame))
            await said(socket, {"type": "heard." + heard[-1]["type"], "event_id": "e"})

    async def test(client: Client, session: ServedSession) -> None:
        session.receive(event("input_audio_buffer.append", audio="AQI="))
        session.receive_error(RemoteProtocolError("Odd.", code="invalid_json"))
        session.receive(event("response.create", event_id="mine"))
        await client.until("heard.response.create")
        assert client.kinds == [
            "session.created",
            "error",
            "heard.input_audio_buffer.append",
            "heard.response.create",
        ]
        assert client.events[0]["session"]["id"] == session.id

    through(handler, test)
    assert heard == [
        {"type": "input_audio_buffer.append", "audio": "AQI="},
        {"type": "response.create", "event_id": "mine"},
    ]


@pytest.mark.parametrize("code", [1000, 1011])
def test_an_upstream_that_goes_ends_the_session_and_what_is_under_way(code: int) -> None:
    async def handler(socket: ServerConnection) -> None:
        await said(socket, CREATED, RESPONSE)
        await socket.close(code, "wss://secret@upstream went away")

    async def test(client: Client, session: ServedSession) -> None:
        reason = await asyncio.wait_for(client.ended, 5)
        assert reason == "The connection to the model behind this server was lost."
        assert close_code(session) == 1011
        assert client.kinds == ["session.created", "response.created", "response.done", "error"]
        assert client.events[-1]["error"]["code"] == "upstream_lost"
        assert "secret" not in json.dumps(client.events)
        session.receive(event("response.create"))
        session.receive_error(RemoteProtocolError("Odd.", code="invalid_json"))
        assert client.kinds[-1] == "error"
        assert len(client.kinds) == 4

    through(handler, test)


def test_an_upstream_that_is_cut_off_is_lost_as_well() -> None:
    async def handler(socket: ServerConnection) -> None:
        await said(socket, CREATED, RESPONSE)
        socket.transport.abort()

    async def test(client: Client, session: ServedSession) -> None:
        await asyncio.wait_for(client.ended, 5)
        assert close_code(session) == 1011

    through(handler, test)


def test_an_upstream_that_refuses_is_told_without_its_words(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        def refuse(connection: ServerConnection, _request: Any) -> Any:
            return connection.respond(401, '{"error":{"message":"Incorrect API key: sk-***"}}')

        async def never(_socket: ServerConnection) -> None:
            raise AssertionError

        async with serve(never, "127.0.0.1", 0, process_request=refuse) as server:
            port = server.sockets[0].getsockname()[1]
            model = UpstreamRealtime(f"ws://me:secret@127.0.0.1:{port}", api_key="sk-upstream")
            client = Client()
            session = model.open(client, SessionOptions(model="m"))
            session.on_end = client.ended.set_result
            session.start()
            reason = await asyncio.wait_for(client.ended, 5)
            assert reason == "The model behind this server refused the connection (HTTP 401)."
            assert close_code(session) == 1011
            assert client.kinds == ["error"]
            assert client.events[0]["error"]["code"] == "upstream_unavailable"
            await session.aclose()
            assert "sk-" not in json.dumps(client.events)
            assert "secret" not in json.dumps(client.events)

    with caplog.at_level(logging.WARNING):
        asyncio.run(main())
    assert [record.getMessage() for record in caplog.records] == ["upstream cannot be reached"]
    assert "sk-upstream" not in str(vars(caplog.records[0]))
    assert "secret" not in str(vars(caplog.records[0]))


def test_nobody_there_may_be_tried_again_later() -> None:
    async def main() -> None:
        client = Client()
        session = UpstreamRealtime("ws://127.0.0.1:1").open(client, SessionOptions(model="m"))
        session.on_end = client.ended.set_result
        session.start()
        await asyncio.wait_for(client.ended, 5)
        assert close_code(session) == 1013
        assert client.kinds == ["error"]
        await session.aclose()

    asyncio.run(main())


def test_garbage_is_passed_over_and_logged_without_its_content(caplog: pytest.LogCaptureFixture) -> None:
    async def handler(socket: ServerConnection) -> None:
        await said(socket, CREATED)
        await socket.send("private")
        await socket.send(b"\xff\x00")
        await socket.send(json.dumps({"type": "brand.new", "event_id": "e"}).encode())
        await socket.wait_closed()

    async def test(client: Client, _session: ServedSession) -> None:
        await client.until("brand.new")
        assert client.kinds == ["session.created", "brand.new"]

    with caplog.at_level(logging.WARNING):
        through(handler, test)
    assert [record.getMessage() for record in caplog.records] == ["upstream sent no event"] * 2
    assert not any("private" in str(vars(record)) for record in caplog.records)


def test_a_slow_client_slows_the_upstream_down_and_loses_nothing() -> None:
    sent = 0
    frame = json.dumps({"type": "brand.new", "event_id": "e", "x": "x" * 100_000})
    frames = 400

    async def handler(socket: ServerConnection) -> None:
        nonlocal sent
        await said(socket, CREATED)
        for _ in range(frames):
            await socket.send(frame)
            sent += 1
        await said(socket, {"type": "last.one", "event_id": "e"})
        await socket.wait_closed()

    async def test(client: Client, session: ServedSession) -> None:
        client.writable = False
        await client.until("session.created")
        for _ in range(2000):
            await asyncio.sleep(0)
        held = len(client.kinds)
        assert held < 5
        assert sent < frames
        client.writable = True
        session.resume()
        await client.until("last.one")
        assert len(client.kinds) == frames + 2

    through(handler, test, transport=TransportOptions(max_queued_frames=4))


def test_an_upstream_that_does_not_read_gets_no_more_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upstream_session, "UNSENT_CHARACTERS", 1000)
    stop = asyncio.Event()

    async def handler(socket: ServerConnection) -> None:
        await said(socket, CREATED)
        socket.transport.pause_reading()
        await stop.wait()

    async def test(client: Client, session: ServedSession) -> None:
        await client.until("session.created")
        append = event("input_audio_buffer.append", audio="A" * 20_000_000, event_id="mine")
        for _ in range(3):
            session.receive(append)
        error = (await client.until("error"))["error"]
        assert (error["type"], error["code"]) == ("rate_limit_error", "rate_limit_exceeded")
        assert error["event_id"] == "mine"
        assert client.kinds.count("error") == 2
        session.receive(event("input_audio_buffer.clear"))
        assert client.events[-1]["error"]["event_id"] is None
        reason = await asyncio.wait_for(client.ended, 5)
        assert "lost" in reason
        stop.set()

    through(handler, test, transport=TransportOptions(send_s=0.2))


def test_an_upstream_that_says_nothing_is_given_up_in_time() -> None:
    ending: list[Any] = []

    class Silent:
        transport = type("Transport", (), {"abort": lambda self: ending.append("cut")})()

        async def recv(self) -> str:
            await asyncio.Event().wait()
            raise AssertionError

        async def close(self) -> None:
            await asyncio.Event().wait()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        client = Client()

        async def dialing() -> Silent:
            return Silent()

        session = dialled_by(client, dialing)
        session.on_end = client.ended.set_result
        session.start()
        begun = loop.time()
        assert "did not answer in time" in await client.ended
        assert loop.time() - begun == pytest.approx(8.0)
        before = loop.time()
        await session.aclose()
        assert loop.time() - before < 0.6
        assert ending[-1:] == ["cut"]

    run(main())


def test_the_operators_time_limit_holds() -> None:
    async def handler(socket: ServerConnection) -> None:
        await said(socket, CREATED)
        await socket.wait_closed()

    async def main() -> None:
        async with serve(handler, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            client = Client()
            session = UpstreamRealtime(f"ws://127.0.0.1:{port}").open(
                client, SessionOptions(model="m", max_session_s=0.3)
            )
            session.on_end = client.ended.set_result
            session.start()
            assert "maximum duration" in await asyncio.wait_for(client.ended, 5)
            assert close_code(session) == 1001
            assert client.events[-1]["error"]["code"] == "session_expired"
            await session.aclose()

    asyncio.run(main())


def test_closing_while_it_dials_is_quick_and_quiet() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        client = Client()
        dialled = asyncio.Event()

        async def dialing() -> None:
            dialled.set()
            await asyncio.Event().wait()

        session = dialled_by(client, dialing)
        session.on_end = client.ended.set_result
        session.start()
        await dialled.wait()
        before = loop.time()
        await session.aclose()
        await session.aclose()
        assert loop.time() == before
        assert client.kinds == []
        assert not client.ended.done()

    run(main())


def test_a_session_without_anybody_to_tell_of_its_end_ends_as_well() -> None:
    async def main() -> None:
        client = Client()

        async def dialing() -> None:
            raise ConnectionLostError("no")

        session = dialled_by(client, dialing)
        session.start()
        await client.until("error")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(client.ended), 1)
        assert not client.ended.done()
        await session.aclose()

    run(main())
