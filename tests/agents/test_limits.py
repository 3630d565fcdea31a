from __future__ import annotations

import asyncio
import contextlib

import pytest

from vivavoce.agents.limits import GRACE_S, TookTooLongError, within
from vivavoce.testing import run


async def _answer() -> int:
    await asyncio.sleep(1)
    return 42


def test_work_that_ends_in_time_gives_its_result() -> None:
    assert run(within(2, _answer())) == 42


def test_work_that_takes_longer_is_cancelled() -> None:
    ended: list[str] = []

    async def slow() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("cancelled")

    with pytest.raises(TookTooLongError, match=r"^it took longer than 2.5 s$") as caught:
        run(within(2.5, slow()))
    assert (caught.value.seconds, ended) == (2.5, ["cancelled"])


def test_a_timeout_of_the_work_itself_is_not_ours() -> None:
    async def work() -> None:
        raise TimeoutError("theirs")

    with pytest.raises(TimeoutError, match="theirs") as caught:
        run(within(2, work()))
    assert not isinstance(caught.value, TookTooLongError)


def test_an_error_on_the_way_out_does_not_hide_the_limit() -> None:
    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise ValueError("while cleaning up")

    with pytest.raises(TookTooLongError) as caught:
        run(within(2, work()))
    assert isinstance(caught.value.__cause__, ValueError)


def test_work_that_cancels_itself_does_not_cancel_its_caller() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    with pytest.raises(RuntimeError, match="cancelled from within"):
        run(within(2, work()))


def test_a_caller_that_is_cancelled_stays_cancelled() -> None:
    async def main() -> bool:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(within(60, asyncio.sleep(30)))
            await asyncio.sleep(1)
            task.cancel()
        return task.cancelled()

    assert run(main()) is True


def test_a_caller_that_is_cancelled_at_once_leaves_nothing_behind() -> None:
    async def main() -> bool:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(within(60, _answer()))
            await asyncio.sleep(0)
            task.cancel()
        return task.cancelled()

    assert run(main()) is True


def test_work_that_ignores_its_cancellation_holds_nobody_up() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        free = asyncio.Event()

        async def stubborn() -> None:
            while not free.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await free.wait()

        with pytest.raises(TookTooLongError):
            await within(2, stubborn())
        times = [loop.time()]
        async with asyncio.TaskGroup() as group:
            task = group.create_task(within(60, stubborn()))
            await asyncio.sleep(1)
            task.cancel()
        times.append(loop.time())
        free.set()
        await asyncio.sleep(0)
        return times

    assert run(main()) == [2 + GRACE_S, 3 + 2 * GRACE_S]
