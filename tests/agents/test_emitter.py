from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from vivavoce.agents.emitter import LISTENER_S, LISTENERS, Emitter
from vivavoce.errors import ConfigurationError
from vivavoce.testing import run


def test_listeners_are_called_in_order_with_what_was_emitted() -> None:
    heard: list[tuple[str, int]] = []
    emitter = (
        Emitter().on("tick", lambda n: heard.append(("a", n))).on("tick", lambda n: heard.append(("b", n)))
    )
    assert emitter.emit("tick", 7) is True
    assert heard == [("a", 7), ("b", 7)]


def test_nobody_listens_to_another_event() -> None:
    assert Emitter().on("tick", print).emit("tock") is False


def test_a_listener_can_go() -> None:
    heard: list[int] = []
    emitter = Emitter().on("tick", heard.append).off("tick", heard.append).off("tock", heard.append)
    assert emitter.emit("tick", 1) is False
    assert heard == []


def test_once_is_once_even_when_the_listener_emits_again() -> None:
    heard: list[int] = []
    emitter = Emitter()

    def again(number: int) -> None:
        heard.append(number)
        emitter.emit("tick", number + 1)

    emitter.once("tick", again)
    emitter.emit("tick", 1)
    emitter.emit("tick", 1)
    assert heard == [1]


def test_an_async_listener_becomes_a_task() -> None:
    heard: list[int] = []

    async def listen(number: int) -> None:
        await asyncio.sleep(1)
        heard.append(number)

    async def main() -> None:
        Emitter().on("tick", listen).emit("tick", 5)
        assert heard == []
        await asyncio.sleep(2)

    run(main())
    assert heard == [5]


def test_a_listener_that_fails_is_logged_and_the_others_are_called(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []

    def bad() -> None:
        raise ValueError("plain")

    async def worse() -> None:
        raise ValueError("async")

    async def main() -> None:
        emitter = Emitter().on("tick", bad).on("tick", worse).on("tick", lambda: heard.append("good"))
        assert emitter.emit("tick") is True
        await asyncio.sleep(0.1)

    run(main())
    assert heard == ["good"]
    causes = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert causes == ["plain", "async"]


def test_an_async_listener_without_a_loop_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def listen() -> None: ...

    caplog.set_level(logging.ERROR)
    assert Emitter().on("tick", listen).emit("tick") is True
    assert [record.message for record in caplog.records] == ["An async listener needs a running event loop"]


def test_an_awaitable_without_a_loop_is_logged_too(caplog: pytest.LogCaptureFixture) -> None:
    class Later:
        def __await__(self) -> Any:
            yield

    Emitter().on("tick", Later).emit("tick")
    assert [record.message for record in caplog.records] == ["An async listener needs a running event loop"]


def test_an_async_listener_that_hangs_is_stopped(caplog: pytest.LogCaptureFixture) -> None:
    ended: list[float] = []

    async def hang() -> None:
        try:
            await asyncio.sleep(10 * LISTENER_S)
        finally:
            ended.append(asyncio.get_running_loop().time())

    async def main() -> None:
        begin = asyncio.get_running_loop().time()
        Emitter().on("tick", hang).emit("tick")
        await asyncio.sleep(LISTENER_S + 1)
        assert ended == [begin + LISTENER_S]

    run(main())
    assert [record.message for record in caplog.records] == ["A listener failed"]


def test_async_listeners_do_not_pile_up(caplog: pytest.LogCaptureFixture) -> None:
    called: list[int] = []

    async def slow(number: int) -> None:
        await asyncio.sleep(1)
        called.append(number)

    async def main() -> None:
        emitter = Emitter().on("tick", slow)
        for number in range(LISTENERS + 2):
            emitter.emit("tick", number)
        await asyncio.sleep(2)
        assert called == list(range(LISTENERS))
        emitter.emit("tick", -1)
        await asyncio.sleep(2)
        assert called[-1] == -1

    run(main())
    dropped = [record.message for record in caplog.records if "too many" in record.message.lower()]
    assert len(dropped) == 2


def test_a_listener_must_be_a_function() -> None:
    with pytest.raises(ConfigurationError, match="a listener of 'tick' must be a function, got 3"):
        Emitter().on("tick", 3)  # type: ignore[arg-type]  # the mistake under test
