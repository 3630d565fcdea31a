"""Watches what a test leaves behind: tasks, and the time that closing takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any

import pytest

from vivavoce.session import RealtimeSession

if TYPE_CHECKING:
    from tests.session.conftest import HandModel

Main = Callable[[], Coroutine[Any, Any, None]]


async def close_soon(close: Callable[[], Awaitable[None]]) -> None:
    """Close, and see that it takes less than a second on the clock of the loop and on the wall."""
    loop = asyncio.get_running_loop()
    before, began = loop.time(), time.monotonic()
    await close()
    assert loop.time() - before < 1.0
    assert time.monotonic() - began < 1.0


@pytest.fixture
def closed_soon() -> Callable[[RealtimeSession], Coroutine[Any, Any, None]]:
    """Close a session twice: ``await closed_soon(session)``."""

    async def close(session: RealtimeSession) -> None:
        await close_soon(session.close)
        await close_soon(session.close)

    return close


@pytest.fixture
def leaving_no_task() -> Callable[[Main], Coroutine[Any, Any, None]]:
    """Watch a coroutine function: ``run(leaving_no_task(main))``. Nothing that it starts may outlive it."""

    async def watched(main: Main) -> None:
        before = asyncio.all_tasks()
        await main()
        others = asyncio.all_tasks() - before
        if others:
            _, others = await asyncio.wait(others, timeout=0.3)
        assert not others, sorted(str(task) for task in others)

    return watched


@pytest.fixture
def new_hand_model(hand_model: HandModel) -> Callable[[], HandModel]:
    """Make models that are played by hand, for tests that need more than one."""
    return type(hand_model)
