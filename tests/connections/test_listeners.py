from __future__ import annotations

import asyncio
import logging

import pytest

from vivavoce.connections.listeners import QUEUE, Listeners
from vivavoce.testing import run


class Ear:
    def __init__(self) -> None:
        self.heard: list[object] = []

    def on_event(self, event: object) -> None:
        self.heard.append(event)


class SlowEar(Ear):
    async def on_event(self, event: object) -> None:  # type: ignore[override]  # the other kind of listener
        await asyncio.sleep(1)
        self.heard.append(event)


def test_functions_and_objects_hear_every_event_until_they_are_removed() -> None:
    listeners, ear, heard = Listeners(), Ear(), list[object]()
    listeners.add(ear)
    listeners.add(heard.append)
    listeners.emit(1)
    listeners.remove(ear)
    listeners.remove("nobody")
    listeners.add(ear.on_event)
    listeners.remove(ear.on_event)
    listeners.emit(2)
    assert (ear.heard, len(heard)) == ([1], 2)


def test_a_slow_listener_holds_nobody_up() -> None:
    async def main() -> None:
        listeners, slow, quick = Listeners(), SlowEar(), Ear()
        listeners.add(slow)
        listeners.add(quick)
        for number in range(3):
            listeners.emit(number)
        assert (slow.heard, quick.heard) == ([], [0, 1, 2])
        await asyncio.sleep(3.5)
        assert slow.heard == [0, 1, 2]
        listeners.emit(3)
        listeners.remove(slow)
        await asyncio.sleep(5)
        assert slow.heard == [0, 1, 2]
        await listeners.aclose()

    run(main())


def test_what_a_slow_listener_leaves_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        listeners, slow = Listeners(), SlowEar()
        listeners.add(slow)
        for number in range(QUEUE + 5):
            listeners.emit(number)
        await asyncio.sleep(QUEUE + 10)
        assert slow.heard == list(range(5, QUEUE + 5))
        await listeners.aclose()

    with caplog.at_level(logging.WARNING):
        run(main())
    assert "too slow" in caplog.text


def test_a_listener_that_raises_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(_event: object) -> None:
        raise ValueError("async")

    def broken_too(_event: object) -> None:
        raise ValueError("plain")

    async def main() -> None:
        listeners, ear = Listeners(), Ear()
        for listener in (broken, broken_too, ear):
            listeners.add(listener)
        listeners.emit(1)
        listeners.emit(2)
        await asyncio.sleep(0.1)
        assert ear.heard == [1, 2]
        await listeners.aclose()

    run(main())
    assert caplog.text.count("ValueError: async") == 2
    assert caplog.text.count("ValueError: plain") == 2


def test_at_the_end_a_listener_may_finish_and_begin_again() -> None:
    class Brief(SlowEar):
        async def on_event(self, event: object) -> None:  # type: ignore[override]  # the other kind of listener
            await asyncio.sleep(0.01)
            self.heard.append(event)

    async def main() -> None:
        listeners, brief, slow = Listeners(), Brief(), SlowEar()
        listeners.add(brief)
        listeners.add(slow)
        listeners.emit(1)
        listeners.emit(2)
        await listeners.aclose()
        assert (brief.heard, slow.heard) == ([1, 2], [])
        listeners.emit(3)
        await asyncio.sleep(2)
        assert (brief.heard, slow.heard) == ([1, 2, 3], [3])
        await listeners.aclose()
        await Listeners().aclose()

    run(main())


def test_a_listener_must_be_able_to_hear() -> None:
    with pytest.raises(TypeError, match="has a method on_event, got 3"):
        Listeners().add(3)


def test_a_listener_whose_work_was_cancelled_hears_the_next_event() -> None:
    heard: list[object] = []

    async def listen(event: object) -> None:
        heard.append(event)
        gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        gone.cancel()
        await gone

    async def main() -> None:
        listeners = Listeners()
        listeners.add(listen)
        listeners.emit(1)
        await asyncio.sleep(0.1)
        listeners.emit(2)
        await asyncio.sleep(0.1)
        await listeners.aclose()

    run(main())
    assert heard == [1, 2]
