"""The tasks of one session."""

from __future__ import annotations

import asyncio
import logging

import pytest

from vivavoce.tasks import Tasks
from vivavoce.testing import run


def test_a_failed_task_is_logged_and_the_others_go_on(caplog: pytest.LogCaptureFixture) -> None:
    async def fails() -> None:
        raise RuntimeError("on purpose")

    async def main() -> list[str]:
        done: list[str] = []

        async def works() -> None:
            await asyncio.sleep(1)
            done.append("works")

        tasks = Tasks()
        tasks.spawn(works(), "works")
        tasks.spawn(fails(), "fails")
        assert len(tasks) == 2
        await asyncio.sleep(2)
        assert len(tasks) == 0
        return done

    with caplog.at_level(logging.ERROR):
        assert run(main()) == ["works"]
    (record,) = caplog.records
    assert record.message == "A task of the session failed"
    assert record.__dict__["task"] == "fails"


def test_closing_cancels_every_task_and_takes_no_new_one() -> None:
    async def main() -> None:
        tasks = Tasks()
        task = tasks.spawn(asyncio.sleep(1000), "long")
        assert task is not None
        await tasks.aclose()
        assert task.cancelled()
        assert tasks.spawn(asyncio.sleep(1000), "late") is None
        await tasks.aclose()
        assert asyncio.get_running_loop().time() == 0

    run(main())


def test_closing_waits_half_a_second_for_a_task_that_will_not_end() -> None:
    async def main() -> None:
        freed = asyncio.Event()

        async def stubborn() -> None:
            while not freed.is_set():
                try:
                    await freed.wait()
                except asyncio.CancelledError:
                    continue

        tasks = Tasks()
        task = tasks.spawn(stubborn(), "stubborn")
        assert task is not None
        await asyncio.sleep(0)
        await tasks.aclose()
        assert asyncio.get_running_loop().time() == 0.5
        freed.set()
        await task

    run(main())


def test_last_works_are_done_and_one_that_hangs_is_cancelled() -> None:
    async def main() -> None:
        done: list[str] = []

        async def work(name: str, seconds: float) -> None:
            await asyncio.sleep(seconds)
            done.append(name)

        tasks = Tasks()
        await tasks.aclose(work("quick", 0.1), work("hangs", 1000))
        assert done == ["quick"]
        assert asyncio.get_running_loop().time() == 0.5
        await asyncio.sleep(1)
        assert len(tasks) == 0
        assert done == ["quick"]

    run(main())


def test_a_task_may_close_its_own_owner() -> None:
    async def main() -> None:
        tasks = Tasks()
        closed = asyncio.Event()

        async def closes() -> None:
            await tasks.aclose()
            closed.set()

        tasks.spawn(closes(), "closes")
        other = tasks.spawn(asyncio.sleep(1000), "other")
        assert other is not None
        await closed.wait()
        assert other.cancelled()

    run(main())
