"""Requests that use engines."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from vivavoce.errors import EngineError
from vivavoce.server.rest.engine_work import EngineAnswer
from vivavoce.testing import run

SCOPE: dict[str, Any] = {"type": "http"}


class Peer:
    """Somebody who asked, and may leave or stop reading."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.asked = False
        self.left = asyncio.Event()
        self.reads = asyncio.Event()
        self.reads.set()

    async def receive(self) -> dict[str, Any]:
        if not self.asked:
            self.asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        await self.reads.wait()
        self.messages.append(message)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)


class Work:
    """Makes pieces, one a second, and knows when it was stopped."""

    def __init__(self, fails_after: int = 100) -> None:
        self.fails_after = fails_after
        self.over = False

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        try:
            for count in range(100):
                if count == self.fails_after:
                    raise EngineError("the engine broke")
                yield b"x"
                await asyncio.sleep(1)
        finally:
            self.over = True


async def answer(work: Work, peer: Peer, freed: list[bool]) -> None:
    place = contextlib.ExitStack()
    place.callback(freed.append, True)
    pieces = work.pieces()
    first = await anext(pieces)
    await EngineAnswer(first, pieces, place, 30.0, "audio/wav")(SCOPE, peer.receive, peer.send)


def test_an_answer_is_sent_piece_by_piece_and_its_place_given_back() -> None:
    async def scenario() -> None:
        freed: list[bool] = []
        work, peer = Work(), Peer()
        await answer(work, peer, freed)
        start = peer.messages[0]
        names = {name for name, _ in start["headers"]}
        assert (start["status"], b"content-length" in names) == (200, False)
        assert peer.body == b"x" * 100
        assert peer.messages[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
        assert (work.over, freed) == (True, [True])

    run(scenario())


@pytest.mark.parametrize("after", [0.0, 5.5])
def test_when_the_peer_leaves_the_work_stops(after: float) -> None:
    async def scenario() -> None:
        freed: list[bool] = []
        work, peer = Work(), Peer()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(answer(work, peer, freed))
            await asyncio.sleep(after)
            peer.left.set()
        assert asyncio.get_running_loop().time() <= after + 1
        assert (work.over, freed) == (True, [True])

    run(scenario())


def test_a_peer_that_does_not_read_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        freed: list[bool] = []
        work, peer = Work(), Peer()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(answer(work, peer, freed))
            await asyncio.sleep(5.5)
            peer.reads.clear()
        assert asyncio.get_running_loop().time() == pytest.approx(36.0)
        assert peer.messages[-1]["more_body"] is True
        assert (work.over, freed) == (True, [True])

    run(scenario())
    assert "an answer was broken off" in caplog.messages


def test_an_engine_that_fails_breaks_the_answer_off(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        freed: list[bool] = []
        work, peer = Work(fails_after=3), Peer()
        await answer(work, peer, freed)
        assert peer.body == b"xxx"
        assert peer.messages[-1]["more_body"] is True
        assert (work.over, freed) == (True, [True])

    run(scenario())
    assert "an answer was broken off" in caplog.messages
