"""Threads of engines."""

from __future__ import annotations

import asyncio
import threading

import pytest

from vivavoce.engines.workers import Workers
from vivavoce.errors import ConfigurationError, EngineError


def test_work_is_done_beside_the_loop() -> None:
    async def main() -> None:
        workers = Workers("x", 1)
        here = threading.get_ident()
        assert await workers.run(lambda a: (a, threading.get_ident() != here), 1) == (1, True)
        with pytest.raises(ZeroDivisionError):
            await workers.run(lambda: 1 / 0)
        assert workers.idle
        assert workers.waiting == 0
        workers.close()
        workers.close()
        assert workers.closed
        with pytest.raises(EngineError, match="x is closed"):
            await workers.run(int)

    asyncio.run(main())


def test_a_full_line_refuses_more() -> None:
    async def main() -> None:
        workers, gate = Workers("x", 1, max_waiting=1), threading.Event()
        async with asyncio.TaskGroup() as group:
            busy = [group.create_task(workers.run(gate.wait)) for _ in range(2)]
            await asyncio.sleep(0)
            assert not workers.idle
            assert workers.waiting == 1
            with pytest.raises(EngineError, match="2 jobs are waiting for x"):
                await workers.run(int)
            gate.set()
        assert [task.result() for task in busy] == [True, True]
        workers.close()

    asyncio.run(main())


def test_a_cancelled_job_keeps_its_thread_only_until_it_ends() -> None:
    async def main() -> None:
        workers, gate, begun = Workers("x", 1), threading.Event(), threading.Event()

        def work() -> None:
            begun.set()
            gate.wait()

        running = asyncio.ensure_future(workers.run(work))
        await asyncio.to_thread(begun.wait)
        waiting = asyncio.ensure_future(workers.run(int))
        await asyncio.sleep(0)
        for task in (running, waiting):
            task.cancel()
        await asyncio.wait([running, waiting])
        assert running.cancelled()
        assert waiting.cancelled()
        assert not workers.idle  # the thread does not know yet
        gate.set()
        assert await workers.run(int) == 0
        workers.close()

    asyncio.run(main())


def test_closing_fails_what_waits() -> None:
    async def main() -> None:
        workers, gate = Workers("x", 1), threading.Event()
        running, waiting = (asyncio.ensure_future(workers.run(work)) for work in (gate.wait, int))
        await asyncio.sleep(0)
        workers.close()
        with pytest.raises(EngineError, match="x was closed while it worked"):
            await waiting
        gate.set()
        assert await running

    asyncio.run(main())


def test_no_worker_is_no_engine() -> None:
    with pytest.raises(ConfigurationError, match="workers is 0; it must be at least 1"):
        Workers("x", 0)
