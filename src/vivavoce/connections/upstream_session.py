"""`UpstreamSession`: the driver of one `Relay`. Dials, reads, writes and waits for it; decides nothing."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from vivavoce.connections.upstream_relay import Relay
from vivavoce.errors import ConnectionLostError, RemoteProtocolError, VivavoceError
from vivavoce.tasks import Tasks

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

    from vivavoce.connections.transport import TransportOptions
    from vivavoce.engines.speech_model import Sink
    from vivavoce.protocol import ClientEvent

UNSENT_CHARACTERS = 32 * 1024 * 1024
"""What may wait for an upstream that does not read; more is refused, with an `error` for each event."""
_BATCH = 32
"""Frames read before other work on the event loop gets its turn."""

logger = logging.getLogger(__name__)


class UpstreamSession:
    """One session whose model is behind a WebSocket of its own.

    A client that reads too slowly slows the upstream down: nothing is read of it meanwhile.

    Args:
        session_id: that the client sees.
        dialing: opens the WebSocket.
        sink: where events go.
        relay: decides.
        transport: limits of the WebSocket.

    Attributes:
        close_code: WebSocket code to close the client's connection with, once `on_end` was called.
    """

    def __init__(
        self,
        session_id: str,
        dialing: Callable[[], Awaitable[ClientConnection]],
        sink: Sink,
        relay: Relay,
        transport: TransportOptions,
    ) -> None:
        self.id = session_id
        self.on_end: Callable[[str], None] | None = None
        self.close_code = 1001
        self._dialing = dialing
        self._sink = sink
        self._relay = relay
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._tasks = Tasks()
        self._socket: ClientConnection | None = None
        self._unsent: deque[str] = deque()
        self._unsent_characters = 0
        self._to_write = asyncio.Event()
        self._writable = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._due: float | None = None
        self._over = False

    def start(self) -> None:
        """Dial; `session.created` is sent when the upstream has said it."""
        self._tasks.spawn(self._run(), name="upstream")
        self._drain()

    def receive(self, event: ClientEvent) -> None:
        """Take a decoded client event."""
        if self._unsent_characters > UNSENT_CHARACTERS:
            event_id = event.event_id if isinstance(event.event_id, str) else None
            message = f"The model behind this server reads too slowly: {event.type} was not sent to it."
            busy = RemoteProtocolError(
                message, code="rate_limit_exceeded", event_id=event_id, kind="rate_limit_error"
            )
            self.receive_error(busy)
        elif not self._over:
            self._relay.receive(event)
            self._drain()

    def receive_error(self, error: RemoteProtocolError) -> None:
        """Take a frame that could not be decoded: it is answered with an `error` event."""
        if not self._over:
            self._relay.receive(error)
            self._drain()

    def resume(self) -> None:
        """Go on reading: the sink is writable again."""
        self._writable.set()

    async def aclose(self) -> None:
        """End the connection to the upstream; safe to call twice."""
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        await self._tasks.aclose(self._hang_up())

    # --- the loop: frames in, events and frames out -------------------------------------------------------

    def _drain(self) -> None:
        if events := self._relay.to_client():
            self._sink.send(events)  # type: ignore[arg-type]  # an `Unknown` is written as it came
        for frame in self._relay.to_server():
            self._unsent.append(frame)
            self._unsent_characters += len(frame)
            self._to_write.set()
        if (ending := self._relay.ending) is not None:
            self._end(ending.code, ending.reason)
        self._arm()

    def _arm(self) -> None:
        due = self._relay.next_deadline()
        if self._timer is not None:
            # Not `TimerHandle.when()`: uvloop rounds it, and has none where a time is as good as now.
            if due == self._due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = self._loop.call_at(due, self._on_deadline) if due is not None else None

    def _on_deadline(self) -> None:
        self._timer = None
        if not self._over:
            self._relay.handle_deadline(self._loop.time())
            self._drain()

    def _end(self, code: int, reason: str) -> None:
        if self._over:
            return
        self._over = True
        self.close_code = code
        logger.info("upstream session over", extra={"session_id": self.id, "close_code": code})
        if self.on_end is not None:
            self._loop.call_soon(self.on_end, reason)
        self._tasks.spawn(self._hang_up(), name="upstream hang-up")

    # --- the upstream -------------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Hold the connection to the upstream, from dialing to its end."""
        try:
            self._socket = await self._dialing()
        except VivavoceError as error:
            status = error.status if isinstance(error, ConnectionLostError) else None
            self._log("upstream cannot be reached", error)
            self._relay.receive_unreachable(status)
        else:
            if self._over:
                return
            self._tasks.spawn(self._write(self._socket), name="upstream writer")
            await self._read(self._socket)
        if not self._over:
            self._drain()

    async def _read(self, socket: ClientConnection) -> None:
        from websockets.exceptions import ConnectionClosed

        count = 0
        try:
            while not self._over:
                frame = await socket.recv()
                text = frame if isinstance(frame, str) else frame.decode(errors="replace")
                if not self._relay.receive_frame(text):
                    logger.warning("upstream sent no event", extra={"session_id": self.id})
                self._drain()
                count += 1
                if not count % _BATCH:
                    await asyncio.sleep(0)
                await self._until_writable()
        except ConnectionClosed as closed:
            self._log("upstream closed", closed)
            self._relay.receive_loss()

    async def _until_writable(self) -> None:
        """Wait until the client has read what it has; a socket that closes for good ends the session."""
        while not self._sink.writable and not self._over:
            self._writable.clear()
            await self._writable.wait()

    async def _write(self, socket: ClientConnection) -> None:
        from websockets.exceptions import ConnectionClosed

        while True:
            await self._to_write.wait()
            while self._unsent:
                frame = self._unsent.popleft()
                try:
                    async with asyncio.timeout(self._transport.send_s):
                        await socket.send(frame)
                except ConnectionClosed:
                    return  # the reader tells of it
                except TimeoutError as error:
                    self._log("upstream does not read", error)
                    self._relay.receive_loss()
                    self._drain()
                    return
                self._unsent_characters -= len(frame)
            self._to_write.clear()

    async def _hang_up(self) -> None:
        """Close the WebSocket; an upstream that does not shake hands is cut off."""
        socket = self._socket
        if socket is None:
            return
        try:
            async with asyncio.timeout(self._transport.close_s):
                await socket.close()
        except TimeoutError:
            pass
        finally:
            socket.transport.abort()

    def _log(self, what: str, error: Exception) -> None:
        logger.warning(what, extra={"session_id": self.id, "detail": str(error)})
