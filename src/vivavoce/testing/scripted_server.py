"""`ScriptedServer`: the scripted model behind a real WebSocket, for clients of any make."""

from __future__ import annotations

import asyncio
import json
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from vivavoce.connections import ConnectionFailed, ConnectionStatus, ModelEvent
from vivavoce.errors import ConfigurationError, ConnectionLostError, RemoteProtocolError
from vivavoce.protocol import ErrorDetail, ErrorEvent
from vivavoce.protocol.codec import decode_client_event, encode_text
from vivavoce.tasks import Tasks
from vivavoce.testing.scripted_model import ScriptedRealtimeModel

if TYPE_CHECKING:
    from websockets.asyncio.server import Server, ServerConnection

QUEUE = 10_000
"""Events that may wait for a client; one that does not read them is disconnected."""
REASON_BYTES = 120
"""What a reason for closing may hold."""
CLOSE_S = 0.5
"""Seconds that closing may take."""


class ScriptedServer:
    """A realtime server on the loopback interface that follows a script; one client at a time.

    A second one is turned away with code 1013. One that comes again need not wait for its former connection
    to be over.

        async with ScriptedServer(ScriptedRealtimeModel(["Good day."])) as server:
            runner = RealtimeRunner(agent, model=server.url)

    Args:
        model: the script. A step's `error`, and what a strict script does not have, ends the connection.

    Attributes:
        model: the same; its `emit` reaches the client.
        received: what clients sent, in its JSON form, in order.
        requests: path and query of each connection.
    """

    def __init__(self, model: ScriptedRealtimeModel) -> None:
        self.model = model
        self.received: list[dict[str, Any]] = []
        self.requests: list[str] = []
        self._server: Server | None = None
        self._socket: ServerConnection | None = None
        self._tasks = Tasks()
        self._turn = asyncio.Lock()

    @property
    def url(self) -> str:
        """Where it listens.

        Raises:
            ConfigurationError: it does not.
        """
        if self._server is None:
            raise ConfigurationError("the server is not open: use 'async with ScriptedServer(…) as server'")
        host, port = next(iter(self._server.sockets)).getsockname()[:2]
        return f"ws://{host}:{port}/v1/realtime"

    async def send_frame(self, frame: str | bytes) -> None:
        """Send the client anything: what is no event, or no JSON.

        Raises:
            ConnectionLostError: there is no client.
        """
        if self._socket is None:
            raise ConnectionLostError("no client is connected to the scripted server")
        await self._socket.send(frame)

    async def disconnect(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection to the client.

        Args:
            code: 1000 is an orderly end; 1006 is none: the line is cut.
            reason: why.

        Raises:
            ConnectionLostError: there is no client.
        """
        if self._socket is None:
            raise ConnectionLostError("no client is connected to the scripted server")
        if code == 1006:
            self._socket.transport.abort()
        else:
            await self._socket.close(code, reason)

    async def __aenter__(self) -> Self:
        from websockets.asyncio.server import serve

        self._server = await serve(self._hold, "127.0.0.1", 0, compression=None, close_timeout=CLOSE_S)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        await self._tasks.aclose()
        await self._server.wait_closed()
        self._server = None

    async def _hold(self, socket: ServerConnection) -> None:
        """Hold one connection, once the one before it is over."""
        from websockets.protocol import State

        assert socket.request is not None
        self.requests.append(socket.request.path)
        if self._socket is not None and self._socket.state is State.OPEN:
            await socket.close(1013, "the scripted server has a client already")
            return
        async with self._turn:
            await self._serve(socket)

    async def _serve(self, socket: ServerConnection) -> None:
        from websockets.exceptions import ConnectionClosed

        waiting: asyncio.Queue[str] = asyncio.Queue(QUEUE)

        def tell(event: ModelEvent) -> None:
            if isinstance(event, ConnectionStatus | ConnectionFailed):
                return
            if waiting.full():
                socket.transport.abort()
            else:
                waiting.put_nowait(json.dumps(event.raw) if hasattr(event, "raw") else encode_text(event))

        self.model.add_listener(tell)
        self._socket = socket
        sender = self._tasks.spawn(_send(socket, waiting), name="scripted server")
        try:
            await self.model.connect({})
            while True:
                await self._take(await socket.recv())
        except ConnectionClosed:
            pass
        finally:
            self._socket = None
            self.model.remove_listener(tell)
            await self.model.close()
            if sender is not None:
                sender.cancel()

    async def _take(self, frame: str | bytes) -> None:
        """Take what the client sent; what is no event is answered as a server does."""
        try:
            self.received.append(json.loads(frame))
            event = decode_client_event(frame)
        except (ValueError, RemoteProtocolError) as error:
            detail = ErrorDetail(
                type="invalid_request_error",
                message=str(error),
                code=getattr(error, "code", "invalid_json"),
                param=getattr(error, "param", None),
                event_id=getattr(error, "event_id", None),
            )
            self.model.emit(ErrorEvent(event_id="event_refused", error=detail))
            return
        try:
            await self.model.send_event(event)
        except Exception as error:  # noqa: BLE001  # a step's error is the test's own
            await self.disconnect(1011, str(error)[:REASON_BYTES])


async def _send(socket: ServerConnection, waiting: asyncio.Queue[str]) -> None:
    from websockets.exceptions import ConnectionClosed

    try:
        while True:
            await socket.send(await waiting.get())
    except ConnectionClosed:
        return
