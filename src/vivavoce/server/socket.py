"""One peer's WebSocket as a session sees it: a sink that never waits, drained by a single writer."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from vivavoce.protocol.codec import encode_text
from vivavoce.server.beta import BetaFrames
from vivavoce.server.send_queue import SendQueue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.types import Message, Send

    from vivavoce.protocol import ServerEvent
    from vivavoce.server.limits import Limits

__all__ = ["MAX_CLOSE_REASON_BYTES", "RealtimeSocket"]

MAX_CLOSE_REASON_BYTES = 123
"""What a close frame has room for beside its code."""

_log = logging.getLogger(__name__)


class RealtimeSocket:
    """The sending half of an accepted WebSocket, as ASGI offers it.

    `send` and `close` may be called at any moment on the event loop and return at once; `run` is the one
    writer. A peer that reads too slowly first loses `writable`, and is closed when it stays so for
    `Limits.stall_s` or when `Limits.max_queued_bytes` is passed: nobody else waits for it.

    Args:
        send: the ASGI callable; awaiting it blocks while the peer's buffers are full.
        limits: marks and bounds of the queue.
        on_writable: called when a queue that was not writable has drained.
    """

    def __init__(self, send: Send, limits: Limits, *, on_writable: Callable[[], None] = lambda: None) -> None:
        self.on_writable = on_writable
        self._send = send
        self._limits = limits
        self._queue = SendQueue(limits)
        self._frames: Callable[[ServerEvent], Sequence[str]] = _ga_frames
        self._wake = asyncio.Event()
        self._deadline: asyncio.Timeout | None = None
        self._closing: tuple[int, str] | None = None
        self._peer_gone = False
        self.close_code: int | None = None
        """Code with which either side closed, once one has; 1006 for a peer that vanished."""

    @property
    def writable(self) -> bool:
        """`False` while the peer reads too slowly, and once the socket closes."""
        return self._closing is None and not self._peer_gone and self._queue.writable

    @property
    def closing(self) -> tuple[int, str] | None:
        """Code and reason with which this side closes, or `None` when it does not."""
        return self._closing

    def speak_beta(self) -> None:
        """Write all further events in the beta dialect; without effect when that is so already."""
        if not isinstance(self._frames, BetaFrames):
            self._frames = BetaFrames()

    def send(self, events: Sequence[ServerEvent]) -> None:
        """Queue events in order; after `close`, or when the peer is gone, they are dropped."""
        if self._closing is not None or self._peer_gone:
            return
        was_writable = self._queue.writable
        for event in events:
            for frame in self._frames(event):
                if not self._queue.add(frame):
                    self._give_up("send queue full", "Too many events are unread; read faster.")
                    return
        self._wake.set()
        if was_writable and not self._queue.writable:
            self._set_deadline(self._limits.stall_s)

    def close(self, code: int, reason: str = "") -> None:
        """Close after what is queued, within `Limits.close_grace_s`; only the first call counts.

        Args:
            code: WebSocket close code.
            reason: words for the peer, cut to what a close frame can hold.
        """
        if self._closing is None and not self._peer_gone:
            kept = reason.encode()[:MAX_CLOSE_REASON_BYTES].decode(errors="ignore")
            self._closing = (code, kept)
            self.close_code = code
            self._finish()

    def peer_gone(self, code: int = 1006) -> None:
        """Note that the peer closed, with this code, or vanished: nothing more can be sent."""
        if not self._peer_gone:
            self._peer_gone = True
            self.close_code = self.close_code or code
            self._queue.drop()
            self._finish()

    async def run(self) -> None:
        """Write until the socket is closed by either side, then return; the peer's faults raise nothing."""
        try:
            async with asyncio.timeout(None) as self._deadline:
                if self._closing is not None or self._peer_gone:
                    self._set_deadline(self._limits.close_grace_s)
                elif not self._queue.writable:
                    self._set_deadline(self._limits.stall_s)
                await self._write()
        except OSError as error:
            # The peer vanished while something was on its way; TimeoutError, a subclass, is our deadline.
            if isinstance(error, TimeoutError):
                _log.warning("peer did not read in time; connection dropped", extra=self._state())
            self._abort()
        finally:
            self._deadline = None
            self._queue.drop()

    async def _write(self) -> None:
        queue = self._queue
        while True:
            while queue:
                message = queue.take()
                await self._transmit({"type": "websocket.send", "text": message})
                if queue.sent(message) and self._closing is None and not self._peer_gone:
                    self._set_deadline(None)
                    self.on_writable()
            if self._peer_gone:
                return
            if self._closing is not None:
                code, reason = self._closing
                await self._transmit({"type": "websocket.close", "code": code, "reason": reason})
                return
            self._wake.clear()
            await self._wake.wait()

    async def _transmit(self, message: Message) -> None:
        try:
            await self._send(message)
        except RuntimeError as error:
            # What servers raise when they closed the connection themselves (an unanswered ping, a bad frame)
            # and have not told us yet.
            raise ConnectionError("the server has closed this connection") from error

    def _finish(self) -> None:
        self._set_deadline(self._limits.close_grace_s)
        self._wake.set()

    def _set_deadline(self, seconds: float | None) -> None:
        if self._deadline is not None and not self._deadline.expired():
            loop = asyncio.get_running_loop()
            self._deadline.reschedule(None if seconds is None else loop.time() + seconds)

    def _give_up(self, cause: str, reason: str) -> None:
        _log.warning("closing a connection that is read too slowly", extra={"cause": cause, **self._state()})
        self._queue.drop()
        self.close(1008, reason)

    def _state(self) -> dict[str, object]:
        return {"queued_messages": len(self._queue), "queued_bytes": self._queue.size}

    def _abort(self) -> None:
        """Cut the connection without waiting for its buffers, where the server lets us reach it."""
        transport = getattr(getattr(self._send, "__self__", None), "transport", None)
        if transport is not None:
            transport.abort()


def _ga_frames(event: ServerEvent) -> tuple[str]:
    return (encode_text(event),)
