"""On real sockets: a local server that does what each test tells it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from vivavoce.connections import ConnectionFailed, ConnectionStatus
from vivavoce.connections.websocket import CLOSE_S, TransportOptions, WebSocketRealtimeModel
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


def test_the_server_sees_model_key_and_no_compression() -> None:
    seen: dict[str, Any] = {}

    async def handler(socket: ServerConnection) -> None:
        assert socket.request is not None
        seen.update(
            path=socket.request.path, extensions=socket.request.headers.get("Sec-WebSocket-Extensions")
        )
        seen.update(key=socket.request.headers["Authorization"])

    async def test(line: Line) -> None:
        await line.model.connect({"api_key": "k", "initial_model_settings": {"model_name": "m"}})
        await line.disconnected()

    on_wire(handler, test, connect=False)
    assert seen == {"path": "/v1/realtime?model=m", "extensions": None, "key": "Bearer k"}


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
        await socket.close(code, "because")

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


def test_closing_does_not_wait_for_a_peer_that_ignores_it() -> None:
    async def main() -> None:
        gone = asyncio.Event()

        async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            from websockets.server import ServerProtocol

            protocol = ServerProtocol()
            while not (requests := protocol.events_received()):
                protocol.receive_data(await reader.read(4096))
            protocol.send_response(protocol.accept(requests[0]))  # type: ignore[arg-type]  # the opening request
            writer.write(b"".join(protocol.data_to_send()))
            with suppress(ConnectionError):
                await reader.read()  # reads on, answers nothing, until the line is cut
            writer.close()
            gone.set()

        server = await asyncio.start_server(ignore, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        line = Line(WebSocketRealtimeModel(f"ws://127.0.0.1:{port}"))
        await line.model.connect({})
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await line.model.close()
        assert loop.time() - begin < CLOSE_S + 0.5
        assert line.events[-1] == ConnectionStatus("disconnected")
        await line.model.close()
        await gone.wait()
        server.close()
        await server.wait_closed()

    asyncio.run(main())


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
        with pytest.raises(ConnectionLostError, match="cannot be reached"):
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
