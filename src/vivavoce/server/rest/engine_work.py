"""Requests that use engines: they take the place of a session while they last, and have an end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from starlette.responses import Response

from vivavoce.engines.base import Engines
from vivavoce.errors import EngineError
from vivavoce.server.envelope import Refusal, RefusedError

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from vivavoce.server.auth import Caller
    from vivavoce.server.rest.desk import Desk

__all__ = ["EngineAnswer", "count_audio", "engines_of", "place_in"]

_log = logging.getLogger(__name__)


def engines_of(desk: Desk) -> Engines:
    """Return the engines of a server.

    Raises:
        RefusedError: it has a model in their place that does everything in one.
    """
    if isinstance(desk.engines, Engines):
        return desk.engines
    raise RefusedError(
        Refusal(
            501,
            "This server runs a model that hears and speaks itself; it has no engines for single requests.",
            code="not_supported",
            headers={"x-should-retry": "false"},
        )
    )


def count_audio(desk: Desk, caller: Caller, seconds: float) -> None:
    """Count audio against what the caller's key may send.

    Raises:
        RefusedError: it is more than that.
    """
    now = asyncio.get_running_loop().time()
    if shortage := desk.usage.audio(caller.name, seconds, now):
        raise RefusedError(shortage.refusal())


def place_in(desk: Desk, caller: Caller) -> contextlib.ExitStack:
    """Take a place like a session's; closing what is returned gives it back.

    Raises:
        RefusedError: there is none.
    """
    if not desk.admission.admit(caller.name):
        raise RefusedError(desk.admission.refusal(caller.name))
    place = contextlib.ExitStack()
    place.callback(desk.admission.leave, caller.name)
    return place


class EngineAnswer(Response):
    """An answer that is made while it is sent.

    However it ends, what makes it is closed and the place given back: also when the peer leaves before the
    first byte, or stops reading. What fails on the way breaks the connection off: the status has been sent.

    Args:
        first: the first piece, so that what can make none has been refused before.
        pieces: what makes the others.
        place: what `place_in` gave.
        stall_s: seconds that a peer may leave a piece unread before the answer is dropped.
        media_type: for the header `content-type`.
    """

    def __init__(
        self,
        first: bytes,
        pieces: AsyncGenerator[bytes, None],
        place: contextlib.ExitStack,
        stall_s: float,
        media_type: str,
    ) -> None:
        super().__init__(media_type=media_type, headers={"cache-control": "no-store"})
        del self.headers["content-length"]
        self._first = first
        self._pieces = pieces
        self._place = place
        self._stall_s = stall_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send the answer."""
        with self._place:
            try:
                async with asyncio.TaskGroup() as tasks:
                    sending = tasks.create_task(self._send(send))
                    leaving = tasks.create_task(self._cancel_when_gone(receive, sending))
                    await asyncio.wait({sending})
                    leaving.cancel()
            finally:
                await self._pieces.aclose()

    async def _send(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        try:
            await send(start)
            await self._pass_on(send, self._first)
            async for piece in self._pieces:
                await self._pass_on(send, piece)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except (OSError, EngineError):  # TimeoutError is an OSError
            _log.exception("an answer was broken off")

    async def _pass_on(self, send: Send, piece: bytes) -> None:
        async with asyncio.timeout(self._stall_s):
            await send({"type": "http.response.body", "body": piece, "more_body": True})

    @staticmethod
    async def _cancel_when_gone(receive: Receive, sending: asyncio.Task[None]) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        sending.cancel()
