"""Where the datagrams of a peer are taken, one by one, at a pace that leaves time for everybody else."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from vivavoce.webrtc.screening import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


class Intake:
    """Gives the machinery its datagrams.

    Whoever takes one does what it brings before asking for the next. What that took of this process is paid
    for by waiting, once `keep_pace` was called.

    Args:
        recv: waits for the next datagram.
        takes: whether one is looked at.
    """

    def __init__(
        self, recv: Callable[[], Coroutine[Any, Any, bytes]], takes: Callable[[bytes], bool]
    ) -> None:
        self._recv = recv
        self._takes = takes
        self._pace: Pace | None = None
        self._given_at: float | None = None

    def keep_pace(self) -> None:
        """Give the peer no more than its share of this process, as is right for a stranger."""
        self._pace = Pace(asyncio.get_running_loop().time())

    async def recv(self) -> bytes:
        """Wait for the next datagram that is looked at.

        Raises:
            ConnectionError: the way to the peer was closed.
        """
        while True:
            await self._pay()
            data = await self._recv()
            self._given_at = time.thread_time()
            if self._takes(data):
                return data

    async def _pay(self) -> None:
        given_at, self._given_at = self._given_at, None
        if self._pace is None or given_at is None:
            return
        spent = time.thread_time() - given_at
        wait = self._pace.wait_s(spent, asyncio.get_running_loop().time())
        if wait is not None:
            await asyncio.sleep(wait)
