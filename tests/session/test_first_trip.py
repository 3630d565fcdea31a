from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from vivavoce.session.first_trip import GRACE_S, until_trip
from vivavoce.tasks import Tasks
from vivavoce.testing import run


def found(*checks: tuple[str, float], stubborn: bool = False) -> tuple[list[str], float]:
    """Run checks, each with what it finds and the seconds it takes; return what was found, and when."""

    def check(result: str, seconds: float) -> Callable[[], Coroutine[Any, Any, str]]:
        async def work() -> str:
            try:
                await asyncio.sleep(seconds)
            except asyncio.CancelledError:
                if not stubborn:
                    raise
                await asyncio.sleep(60)
            return result

        return work

    async def main() -> tuple[list[str], float]:
        tasks = Tasks()
        outcomes = await until_trip(
            tasks, [check(*each) for each in checks], lambda result: result.startswith("bad")
        )
        now = asyncio.get_running_loop().time()
        await tasks.aclose()
        return outcomes, now

    return run(main())


def test_all_are_waited_for_while_none_trips() -> None:
    assert found(("a", 2), ("b", 1), ("c", 3)) == (["a", "b", "c"], 3)
    assert found() == ([], 0)


def test_the_first_trip_ends_the_wait() -> None:
    outcomes, now = found(("slow", 9), ("bad a", 1), ("good", 0.5), ("bad b", 1.01))
    assert outcomes == ["bad a", "good", "bad b"]
    assert now == 1 + GRACE_S


def test_a_check_that_goes_on_when_cancelled_holds_up_nobody() -> None:
    assert found(("slow", 9), ("bad", 1), stubborn=True) == (["bad"], 1 + GRACE_S)


def test_nothing_is_checked_after_the_end() -> None:
    async def main() -> list[str]:
        tasks = Tasks()
        await tasks.aclose()

        async def check() -> str:
            raise AssertionError("it ran")

        return await until_trip(tasks, [check], bool)

    assert run(main()) == []
