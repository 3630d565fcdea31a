"""The lowest floor: uvicorn's protocols, so that no peer, with a key or without, can hold the others up.

A request has a short head that comes in time, and the frames of a WebSocket that carry no message have a
pace: messages have theirs in `FrameReader`, which never sees the others.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

if TYPE_CHECKING:
    from asyncio import BaseTransport, TimerHandle

    from websockets.frames import Frame

__all__ = ["FRAMES_PER_S", "HEAD_S", "MAX_HEAD_BYTES", "HttpProtocol", "WebSocketProtocol"]

MAX_HEAD_BYTES = 64 * 1024
"""Longest head of a request: its first line and its headers."""
HEAD_S = 10.0
"""Seconds that a connection has for the head of a request, from its opening or from the last answer on."""
FRAMES_PER_S = 2000
"""Pings, pongs and fragments of messages a second that one peer is read at."""

_SLICE_BYTES = 4 * 1024
"""What is parsed at a time. Frames of no content have six bytes, so that more would be a standstill."""


class HttpProtocol(H11Protocol):
    """HTTP whose requests begin in time. Their length is bounded by `h11_max_incomplete_event_size`."""

    _deadline: TimerHandle | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._forget_deadline()
        super().connection_lost(exc)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Leave the connection to a WebSocket."""
        self._forget_deadline()
        super().handle_websocket_upgrade(event)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request."""
        self._await_head()
        super().on_response_complete()

    def _await_head(self) -> None:
        self._forget_deadline()
        self._deadline = self.loop.call_later(HEAD_S, self._too_late)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        # Otherwise a request is under way; its answer sets the next deadline.
        if self.conn.their_state is h11.IDLE:
            self.transport.close()


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """A WebSocket whose frames are read in small pieces, and no faster than `FRAMES_PER_S`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._unread = bytearray()
        self._side_frames = 0
        self._next: asyncio.Handle | None = None

    def data_received(self, data: bytes) -> None:
        """Take what came, and read a piece of it."""
        self._unread += data
        if self._next is None:
            self._read_some()

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop what was not read."""
        self._unread.clear()
        super().connection_lost(exc)

    async def receive(self) -> Any:
        """Wait for a message, and go on with what came behind it."""
        message = await super().receive()
        if self._next is not None:
            self.transport.pause_reading()  # the base class has just resumed it
        elif self._unread:
            self._read_on(0.0)
        return message

    async def send(self, message: Any) -> None:
        """Send a message; what came is read to its end after a close."""
        await super().send(message)
        if message["type"] == "websocket.close" and self._unread and self._next is None:
            self._read_on(0.0)  # nobody calls `receive` any more, and the peer's answer may be in there

    def handle_cont(self, event: Frame) -> None:
        """Take a fragment of a message."""
        self._side_frames += 1
        super().handle_cont(event)

    def handle_pong(self, event: Frame) -> None:
        """Take a pong."""
        self._side_frames += 1
        super().handle_pong(event)

    def handle_ping(self) -> None:
        """Answer a ping, unless the peer does not read the answers."""
        self._side_frames += 1
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def _read_some(self) -> None:
        if self.read_paused:
            return  # `receive` goes on
        piece = bytes(self._unread[:_SLICE_BYTES])
        del self._unread[:_SLICE_BYTES]
        super().data_received(piece)
        frames, self._side_frames = self._side_frames, 0
        if self._unread or frames:
            self._read_on(frames / FRAMES_PER_S)

    def _read_on(self, seconds: float) -> None:
        self.transport.pause_reading()
        self._next = self.loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._next = None
        if self.transport.is_closing():
            return
        if self._unread:
            self._read_some()
        if not (self._waits or self.read_paused):
            self.transport.resume_reading()

    @property
    def _waits(self) -> bool:
        return self._next is not None
