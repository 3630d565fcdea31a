"""How the datagrams of a peer are taken."""

from __future__ import annotations

import asyncio
import itertools
import time

from vivavoce.webrtc.intake import Intake
from vivavoce.webrtc.screening import TURN_S


def test_what_is_not_looked_at_is_left_out() -> None:
    async def receive() -> None:
        datagrams = iter([b"one", b"bad", b"two"])

        async def recv() -> bytes:
            return next(datagrams)

        intake = Intake(recv, lambda data: data != b"bad")
        assert [await intake.recv(), await intake.recv()] == [b"one", b"two"]

    asyncio.run(receive())


def others_turns(*, stranger: bool) -> int:
    """How often others have a turn while a peer's datagrams come without a pause, and each takes long."""

    async def receive() -> int:
        turns = itertools.count()

        async def recv() -> bytes:
            return b"one more"

        async def others() -> None:
            while True:
                next(turns)
                await asyncio.sleep(0)

        intake = Intake(recv, bool)
        if stranger:
            intake.keep_pace()
        other = asyncio.create_task(others())
        for _ in range(5):
            await intake.recv()
            began = time.thread_time()
            while time.thread_time() - began < TURN_S:
                pass
        other.cancel()
        return next(turns)

    return asyncio.run(receive())


def test_a_stranger_leaves_time_for_others() -> None:
    assert others_turns(stranger=True) > 2
    assert others_turns(stranger=False) == 0
