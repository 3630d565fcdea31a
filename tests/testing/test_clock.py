"""The virtual clock: timers cost no real time and keep their order; who waits in vain is told so."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.agents import RealtimeAgent
from vivavoce.errors import StalledError
from vivavoce.session import RealtimeRunner
from vivavoce.testing import ScriptedRealtimeModel, VirtualClockLoop, run

moments = st.floats(min_value=0, max_value=1e6, allow_nan=False)


def virtual_loop() -> VirtualClockLoop:
    """The running loop, under its own type."""
    return cast(VirtualClockLoop, asyncio.get_running_loop())


def now() -> float:
    return asyncio.get_running_loop().time()


def test_an_hour_of_frames_takes_no_time() -> None:
    async def frames() -> int:
        count = 0
        while now() < 3600:
            await asyncio.sleep(0.5)
            count += 1
        return count

    began = time.monotonic()
    assert run(frames()) == 7200
    assert time.monotonic() - began < 30


def test_the_clock_starts_at_zero_and_shows_each_timers_exact_time() -> None:
    async def main() -> list[float]:
        seen = [now()]
        for moment in (0.1, 0.3, 60.0, 100_000.7):
            event = asyncio.Event()
            asyncio.get_running_loop().call_at(moment, event.set)
            await event.wait()
            seen.append(now())
        return seen

    assert run(main()) == [0.0, 0.1, 0.3, 60.0, 100_000.7]


@given(st.lists(moments, max_size=40))
def test_timers_fire_in_order_of_time_then_of_setting(whens: list[float]) -> None:
    async def main() -> list[tuple[float, int]]:
        fired: list[tuple[float, int]] = []
        loop = asyncio.get_running_loop()

        def fire(index: int) -> None:
            fired.append((now(), index))

        for index, when in enumerate(whens):
            loop.call_at(when, fire, index)
        await asyncio.sleep(1e6)
        return fired

    assert run(main()) == sorted((when, index) for index, when in enumerate(whens))


def test_tasks_interleave_the_same_way_every_time() -> None:
    async def main() -> list[str]:
        heard: list[str] = []

        async def tick(name: str, period: float) -> None:
            for _ in range(20):
                await asyncio.sleep(period)
                heard.append(f"{name}@{now():.2f}")

        async with asyncio.TaskGroup() as group:
            for name, period in (("a", 0.02), ("b", 0.02), ("c", 0.05), ("d", 0.1)):
                group.create_task(tick(name, period))
        return heard

    first = run(main())
    assert first[:5] == ["a@0.02", "b@0.02", "a@0.04", "b@0.04", "c@0.05"]
    assert all(run(main()) == first for _ in range(5))


def test_a_cancelled_timer_neither_fires_nor_moves_the_clock() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        loop.call_later(5, pytest.fail, "cancelled, yet it fired").cancel()
        late = loop.call_later(2, pytest.fail, "cancelled by a timer of the same instant, yet it fired")
        loop.call_at(1, lambda: loop.call_at(2, lambda: None))
        early = loop.call_at(1.5, late.cancel)
        assert early.when() == 1.5
        await asyncio.sleep(3)
        return now()

    assert run(main()) == 3


def test_a_timer_can_cancel_another_of_the_same_instant() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        handles: list[asyncio.TimerHandle] = []

        def cancel_the_other() -> None:
            handles[0].cancel()

        loop.call_at(1, cancel_the_other)
        handles.append(loop.call_at(1, pytest.fail, "cancelled at its own instant, yet it fired"))
        await asyncio.sleep(2)

    run(main())


def test_a_timer_in_the_past_fires_at_once_and_time_does_not_go_back() -> None:
    async def main() -> float:
        await asyncio.sleep(10)
        fired = asyncio.Event()
        asyncio.get_running_loop().call_at(3, fired.set)
        await fired.wait()
        return now()

    assert run(main()) == 10


def test_a_callback_runs_in_the_context_it_was_set_in() -> None:
    speaker = contextvars.ContextVar("speaker", default="nobody")

    async def main() -> list[str]:
        heard: list[str] = []
        loop = asyncio.get_running_loop()
        given_context = contextvars.copy_context()
        given_context.run(speaker.set, "agent")
        loop.call_later(1, lambda: heard.append(speaker.get()), context=given_context)
        speaker.set("user")
        loop.call_later(2, lambda: heard.append(speaker.get()))
        speaker.set("later")
        await asyncio.sleep(3)
        return heard

    assert run(main()) == ["agent", "user"]


def test_a_timeout_ends_a_wait_at_its_time() -> None:
    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await asyncio.Event().wait()
        return now()

    assert run(main()) == 30


def test_work_within_its_timeout_leaves_no_trace() -> None:
    async def main() -> tuple[str, float]:
        answer = await asyncio.wait_for(asyncio.sleep(2, "done"), timeout=30)
        await asyncio.sleep(1)
        return answer, now()

    assert run(main()) == ("done", 3)


def test_a_failing_task_cancels_its_group_at_its_own_time() -> None:
    async def main() -> float:
        async def fail() -> None:
            await asyncio.sleep(5)
            raise ValueError("on purpose")

        async def together() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(3600))
                group.create_task(fail())

        with pytest.raises(ExceptionGroup) as caught:
            await together()
        assert caught.group_contains(ValueError, match="on purpose")
        return now()

    assert run(main()) == 5


def test_the_clock_stands_still_while_a_thread_works() -> None:
    async def main() -> list[str]:
        heard: list[str] = []
        asyncio.get_running_loop().call_later(0.001, heard.append, "timer")
        total = await asyncio.to_thread(lambda: sum(range(300_000)))
        heard.append(f"thread: {total}, at {now()}")
        await asyncio.sleep(1)
        return heard

    assert run(main()) == ["thread: 44999850000, at 0.0", "timer"]


def test_jobs_of_ones_own_pool_hold_the_clock_too() -> None:
    async def main() -> tuple[int, float]:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(2) as pool:
            jobs = [loop.run_in_executor(pool, pow, 7, 100_000) for _ in range(4)]
            async with asyncio.timeout(0.001):
                digits = [number.bit_length() for number in await asyncio.gather(*jobs)]
        return digits[3], now()

    assert run(main()) == ((7**100_000).bit_length(), 0.0)


def test_a_thread_of_ones_own_calls_back_while_the_clock_is_held() -> None:
    async def main() -> float:
        loop = virtual_loop()
        arrived = asyncio.Event()
        thread = threading.Thread(target=lambda: loop.call_soon_threadsafe(arrived.set))
        with loop.hold():
            async with asyncio.timeout(0.001):
                thread.start()
                await arrived.wait()
        thread.join()
        return now()

    assert run(main()) == 0


def test_a_thread_can_wake_an_otherwise_idle_loop() -> None:
    async def main() -> str:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()
        released = threading.Event()

        def work() -> None:
            released.wait()
            loop.call_soon_threadsafe(answer.set_result, "from outside")

        thread = threading.Thread(target=work)
        thread.start()
        loop.call_soon(released.set)
        result = await answer
        thread.join()
        return result

    assert run(main()) == "from outside"


def test_two_ends_of_a_socket_talk_on_the_virtual_clock() -> None:
    async def main() -> tuple[bytes, float]:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            line = await reader.readline()
            await asyncio.sleep(60)
            writer.write(line.upper())
            writer.close()
            await writer.wait_closed()

        async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"hello\n")
            answer = await reader.readline()
            writer.close()
            await writer.wait_closed()
        return answer, now()

    assert run(main()) == (b"HELLO\n", 60)


def test_a_deadlock_is_named_with_who_waits_where() -> None:
    async def wait_for_nobody() -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        await asyncio.sleep(7)
        async with asyncio.TaskGroup() as group:
            group.create_task(wait_for_nobody(), name="listener")

    with pytest.raises(StalledError, match="at 7 s: nothing is ready and no timer is set") as stalled:
        run(main())
    line = wait_for_nobody.__code__.co_firstlineno + 1
    assert f"listener in wait_for_nobody, {__file__}:{line}" in str(stalled.value)
    assert f"in main, {__file__}" in str(stalled.value)


def test_a_deadlock_inside_the_package_is_named_with_the_users_line() -> None:
    async def main() -> None:
        runner = RealtimeRunner(RealtimeAgent[None]("Ada"), model=ScriptedRealtimeModel())
        async with await runner.run() as session:
            async for _ in session:
                pass

    with pytest.raises(StalledError) as stalled:
        run(main())
    line = main.__code__.co_firstlineno + 3
    assert f"in main, {__file__}:{line}, which waits in __anext__, " in str(stalled.value)
    assert "What went wrong last" not in str(stalled.value)


def test_a_deadlock_shows_what_went_wrong_last() -> None:
    async def main() -> None:
        for text in ("first", "second"):
            virtual_loop().hint(text)
        await asyncio.Event().wait()

    with pytest.raises(StalledError, match=r"main.*\nWhat went wrong last: second\Z"):
        run(main())


def test_after_a_deadlock_tasks_are_cancelled_and_clean_up() -> None:
    cleaned: list[float] = []

    async def main() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(2)
            cleaned.append(now())

    with pytest.raises(StalledError):
        run(main())
    assert cleaned == [2]


def test_held_work_that_never_ends_is_given_up() -> None:
    async def main() -> None:
        with virtual_loop().hold():
            await asyncio.sleep(1)

    with pytest.raises(StalledError, match=r"work outside the loop gave no sign for 0\.01 s"):
        run(main(), patience=0.01)


def test_a_loop_without_any_task_does_not_wait_for_ever() -> None:
    loop = VirtualClockLoop()
    try:
        with pytest.raises(StalledError, match="Tasks that wait:\n  none"):
            loop.run_forever()
    finally:
        loop.close()


def test_a_closed_loop_refuses_timers() -> None:
    loop = VirtualClockLoop()
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_at(1, print)


def test_an_exception_in_a_timer_reaches_the_loops_handler() -> None:
    async def main() -> list[object]:
        caught: list[object] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: caught.append(context["exception"]))
        loop.call_later(1, int, "not a number")
        await asyncio.sleep(2)
        return caught

    (error,) = run(main())
    assert isinstance(error, ValueError)


def test_run_works_in_asyncios_debug_mode() -> None:
    async def main() -> float:
        await asyncio.sleep(60)
        return now()

    assert run(main(), debug=True) == 60


def test_run_refuses_to_be_nested() -> None:
    async def inner() -> None:
        pytest.fail("ran inside another loop")

    async def main() -> None:
        coroutine = inner()
        with pytest.raises(RuntimeError, match="running event loop"):
            run(coroutine)
        coroutine.close()

    run(main())
