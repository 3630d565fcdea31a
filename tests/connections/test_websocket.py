"""On real sockets: a local server that does what each test tells it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from vivavoce import __version__
from vivavoce.connections import ConnectionFailed, ConnectionStatus
from vivavoce.connections.transport import TransportOptions
from vivavoce.connections.websocket import WebSocketRealtimeModel
from vivavoce.errors import ConfigurationError, ConnectionLostError, RemoteProtocolError
from vivavoce.protocol import (
    ErrorEvent,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCleared,
    Unknown,
)

Handler = Callable[[ServerConnection], Awaitable[None]]


class Line:
    """A model connected to a local server, and all it said."""

    def __init__(self, model: WebSocketRealtimeModel) -> None:
        self.model = model
        self.events: list[Any] = []
        self._news = asyncio.Event()
        model.add_listener(self._hear)

    def _hear(self, event: object) -> None:
        self.events.append(event)
        self._news.set()

    async def until(self, found: Callable[[Any], bool]) -> Any:
        async with asyncio.timeout(5):
            while True:
                for event in self.events:
                    if found(event):
                        return event
                self._news.clear()
                await self._news.wait()

    async def disconnected(self) -> None:
        await self.until(lambda event: event == ConnectionStatus("disconnected"))


def on_wire(
    handler: Handler,
    test: Callable[[Line], Coroutine[Any, Any, None]],
    *,
    connect: bool = True,
    **fields: Any,
) -> None:
    options = fields.pop("options", None)

    async def main() -> None:
        async with serve(handler, "127.0.0.1", 0, close_timeout=0.1, **fields) as server:
            port = server.sockets[0].getsockname()[1]
            line = Line(WebSocketRealtimeModel(f"ws://127.0.0.1:{port}", options=options))
            if connect:
                await line.model.connect({})
            try:
                await test(line)
            finally:
                await line.model.close()

    asyncio.run(main())


async def echo_kinds(socket: ServerConnection) -> None:
    async for frame in socket:
        await socket.send(json.dumps({"type": "heard." + json.loads(frame)["type"], "event_id": "e"}))


def test_events_travel_both_ways_as_structs() -> None:
    async def handler(socket: ServerConnection) -> None:
        assert json.loads(await socket.recv()) == {"type": "input_audio_buffer.append", "audio": "AQI="}
        await socket.send('{"type": "input_audio_buffer.cleared", "event_id": "e"}')
        await socket.send('{"type": "brand.new", "event_id": "e"}')

    async def test(line: Line) -> None:
        assert line.events == [ConnectionStatus("connecting"), ConnectionStatus("connected")]
        await line.model.send_event(InputAudioBufferAppend(audio=b"\1\2"))
        await line.disconnected()
        assert line.events[2:4] == [
            InputAudioBufferCleared(event_id="e"),
            Unknown(type="brand.new", raw={"type": "brand.new", "event_id": "e"}),
        ]
        assert not any(isinstance(event, ConnectionFailed) for event in line.events)

    on_wire(handler, test)


SHOWN = ("Authorization", "Sec-WebSocket-Extensions", "User-Agent", "OpenAI-Project")


@pytest.mark.parametrize(
    ("config", "path", "shown"),
    [
        (
            {"api_key": "k", "initial_model_settings": {"model_name": "m"}},
            "/v1/realtime?model=m",
            ["Bearer k", None, f"vivavoce/{__version__}", None],
        ),
        (
            {
                "call_id": "rtc_1",
                "headers": {"Authorization": "Basic x", "user-agent": "own/1", "OpenAI-Project": "p"},
                "initial_model_settings": {"model_name": "m"},
            },
            "/v1/realtime?call_id=rtc_1",
            ["Basic x", None, "own/1", "p"],
        ),
        (
            {"transport": {"compression": True}},
            "/v1/realtime?model=gpt-realtime",
            [None, "permessage-deflate; client_max_window_bits", f"vivavoce/{__version__}", None],
        ),
    ],
)
def test_what_the_server_sees_of_us(config: Any, path: str, shown: list[str | None]) -> None:
    seen: list[Any] = []

    async def handler(socket: ServerConnection) -> None:
        assert socket.request is not None
        seen.append(socket.request.path)
        seen.append([socket.request.headers.get(name) for name in SHOWN])

    async def test(line: Line) -> None:
        await line.model.connect(config)
        await line.disconnected()

    on_wire(handler, test, connect=False)
    assert seen == [path, shown]


def test_a_raw_event_is_sent_as_it_stands() -> None:
    heard: list[Any] = []

    async def handler(socket: ServerConnection) -> None:
        heard.append(json.loads(await socket.recv()))

    async def test(line: Line) -> None:
        bad: tuple[Any, ...] = (
            {"type": "x", "y": {1}},
            {"type": "x", "y": float("nan")},
            {"y": 1},
            {"type": 3},
        )
        for event in bad:
            with pytest.raises(RemoteProtocolError, match=r"plain JSON|'type' field is missing"):
                await line.model.send_raw(event)
        await line.model.send_raw({"type": "brand.new", "theirs": {"x": [1, None]}})
        await line.disconnected()
        with pytest.raises(ConnectionLostError, match=r"cannot send brand\.new: there is no connection"):
            await line.model.send_raw({"type": "brand.new"})

    on_wire(handler, test)
    assert heard == [{"type": "brand.new", "theirs": {"x": [1, None]}}]


def test_a_model_connects_again_after_it_lost_its_connection_with_a_fresh_key() -> None:
    keys = iter(["first", "second", "third"])
    shown: list[str] = []

    async def handler(socket: ServerConnection) -> None:
        assert socket.request is not None
        shown.append(socket.request.headers["Authorization"])
        await socket.send('{"type": "input_audio_buffer.cleared", "event_id": "e"}')
        socket.transport.abort()

    async def test(line: Line) -> None:
        for _ in range(2):
            await line.model.connect({"api_key": lambda: next(keys)})
            await line.disconnected()
            kinds = [event.type for event in line.events]
            assert kinds == [
                "connection_status",
                "connection_status",
                "input_audio_buffer.cleared",
                "connection_error",
                "connection_status",
            ]
            line.events.clear()
        await line.model.close()  # as a session does before it tries again
        await line.model.connect({"api_key": lambda: next(keys)})
        await line.disconnected()

    on_wire(handler, test, connect=False)
    assert shown == ["Bearer first", "Bearer second", "Bearer third"]


def test_a_listener_may_connect_again_as_soon_as_the_connection_is_lost() -> None:
    visits = 0

    async def handler(socket: ServerConnection) -> None:
        nonlocal visits
        visits += 1
        if visits == 1:
            socket.transport.abort()
        else:
            await echo_kinds(socket)

    async def test(line: Line) -> None:
        await line.disconnected()
        await line.model.connect({})
        await line.model.send_event(InputAudioBufferClear())
        await line.until(lambda event: getattr(event, "type", "") == "heard.input_audio_buffer.clear")

    on_wire(handler, test)


def test_the_limits_of_a_run_go_before_those_of_the_connection() -> None:
    async def handler(socket: ServerConnection) -> None:
        await socket.send(json.dumps({"type": "brand.new", "event_id": "e" * 200}))
        await socket.wait_closed()

    async def test(line: Line) -> None:
        await line.model.connect({"transport": {"max_size": 100}})
        await line.disconnected()
        (failed,) = [event for event in line.events if isinstance(event, ConnectionFailed)]
        assert "broke" in str(failed.error)
        line.events.clear()
        await line.model.connect({})
        await line.until(lambda event: getattr(event, "type", "") == "brand.new")

    on_wire(handler, test, connect=False, options={"max_size": 1000})


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"provider": "aws"}, "provider must be 'openai' or 'azure', or None, got 'aws'"),
        ({"options": {"ping": 1}}, "options.ping is not known"),
    ],
)
def test_a_model_that_cannot_work_is_not_made(fields: Any, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        WebSocketRealtimeModel(**fields)


@pytest.mark.parametrize("config", [{"colour": 1}, {"transport": {"x": 1}}, {"url": "host"}])
def test_a_configuration_that_is_wrong_is_refused_before_connecting(config: Any) -> None:
    model = WebSocketRealtimeModel("ws://127.0.0.1:9")
    with pytest.raises(ConfigurationError, match=r"is not known|is no URL"):
        asyncio.run(model.connect(config))


@pytest.mark.parametrize(
    "frame", ["nonsense", "[]", b"\xff\xfe", '{"type": "session.created", "event_id": "e"}']
)
def test_a_frame_that_cannot_be_read_is_an_event_not_the_end(frame: str | bytes) -> None:
    async def handler(socket: ServerConnection) -> None:
        await socket.send(frame)
        await echo_kinds(socket)

    async def test(line: Line) -> None:
        failed = await line.until(lambda event: isinstance(event, ConnectionFailed))
        assert isinstance(failed.error, RemoteProtocolError)
        await line.model.send_event(InputAudioBufferClear())
        await line.until(lambda event: getattr(event, "type", "") == "heard.input_audio_buffer.clear")

    on_wire(handler, test)


@pytest.mark.parametrize(("code", "lost"), [(1000, False), (1001, True), (1011, True), (4000, True)])
def test_every_close_but_the_normal_one_is_an_error(code: int, lost: bool) -> None:
    async def handler(socket: ServerConnection) -> None:
        await socket.close(code, "because.")

    async def test(line: Line) -> None:
        await line.disconnected()
        errors = [event.error for event in line.events if isinstance(event, ConnectionFailed)]
        assert bool(errors) is lost
        if lost:
            assert isinstance(errors[0], ConnectionLostError)
            assert str(errors[0]) == f"The connection to the realtime server broke: {code} because."
        with pytest.raises(ConnectionLostError, match=r"cannot send input_audio_buffer\.clear"):
            await line.model.send_event(InputAudioBufferClear())

    on_wire(handler, test)


def test_the_end_of_an_expired_session_is_told_once() -> None:
    async def handler(socket: ServerConnection) -> None:
        error = {"type": "invalid_request_error", "code": "session_expired", "message": "Too long."}
        await socket.send(json.dumps({"type": "error", "event_id": "e", "error": error}))
        await socket.close(1001, "because")

    async def test(line: Line) -> None:
        await line.disconnected()
        assert not any(isinstance(event, ConnectionFailed) for event in line.events)
        assert any(isinstance(event, ErrorEvent) for event in line.events)

    on_wire(handler, test)


def test_a_line_that_is_cut_is_an_error() -> None:
    async def handler(socket: ServerConnection) -> None:
        socket.transport.abort()

    async def test(line: Line) -> None:
        await line.disconnected()
        (failed,) = [event for event in line.events if isinstance(event, ConnectionFailed)]
        assert "no closing handshake" in str(failed.error)

    on_wire(handler, test)


def test_a_refusal_is_told_with_the_servers_words() -> None:
    async def test(line: Line) -> None:
        with pytest.raises(ConnectionLostError, match="refused the connection: HTTP 401 no such key"):
            await line.model.connect({})
        assert line.events == [ConnectionStatus("connecting"), ConnectionStatus("disconnected")]

    def refuse(connection: ServerConnection, _request: Any) -> Any:
        return connection.respond(HTTPStatus.UNAUTHORIZED, "no such key")

    on_wire(echo_kinds, test, connect=False, process_request=refuse)


def test_nobody_there_is_told() -> None:
    async def main() -> None:
        refused = r"at ws://127\.0\.0\.1:9\S* cannot be reached: .*\. Is the server running\?$"
        with pytest.raises(ConnectionLostError, match=refused):
            await WebSocketRealtimeModel("ws://127.0.0.1:9").connect({})

    asyncio.run(main())


def test_a_server_that_never_answers_the_call_is_given_up() -> None:
    async def main() -> None:
        gone = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            writer.close()
            gone.set()

        server = await asyncio.start_server(silent, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        model = WebSocketRealtimeModel(f"ws://127.0.0.1:{port}", options=TransportOptions(connect_s=0.05))
        with pytest.raises(ConnectionLostError, match=r"did not answer within 0\.05 s"):
            await model.connect({})
        await gone.wait()
        server.close()
        await server.wait_closed()

    asyncio.run(main())


def test_one_model_is_for_one_session() -> None:
    async def test(line: Line) -> None:
        with pytest.raises(ConfigurationError, match="connected already"):
            await line.model.connect({})
        await line.model.close()
        await line.model.connect({})

    on_wire(echo_kinds, test)


def test_a_peer_that_stops_reading_is_given_up() -> None:

    async def handler(socket: ServerConnection) -> None:
        socket.transport.pause_reading()
        await socket.wait_closed()

    async def test(line: Line) -> None:
        async def shout() -> None:
            while True:
                await line.model.send_event(InputAudioBufferAppend(audio=bytes(1_000_000)))

        with pytest.raises(ConnectionLostError, match=r"has read nothing for 0\.2 s"):
            await shout()

    on_wire(handler, test, options=TransportOptions(send_s=0.2))
