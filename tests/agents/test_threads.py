from __future__ import annotations

import asyncio
import contextvars
import functools
import sys
import threading
from typing import Any

import pytest

from vivavoce.agents import threads
from vivavoce.agents.threads import Threads, call, is_async, threads_for
from vivavoce.errors import ToolError

VARIABLE = contextvars.ContextVar("variable", default="unset")


class Callable:
    """An object that is called like an async function."""

    async def __call__(self, word: str) -> str:
        return word


async def _async(word: str) -> str:
    return f"{word} on {threading.current_thread().name}"


def _plain(word: str) -> list[str]:
    return [word, threading.current_thread().name, VARIABLE.get()]


def test_an_async_function_runs_on_the_event_loop() -> None:
    assert asyncio.run(call(_async, "hi", purpose="tool")) == f"hi on {threading.current_thread().name}"
    assert asyncio.run(call(Callable(), "hi", purpose="tool")) == "hi"


@pytest.mark.parametrize("purpose", ["tool", "guardrail"])
def test_a_plain_function_runs_in_a_thread_with_the_callers_context_variables(purpose: Any) -> None:
    VARIABLE.set("mine")
    word, name, value = asyncio.run(call(_plain, "hi", purpose=purpose))
    assert (word, value) == ("hi", "mine")
    assert name.startswith(f"vivavoce-{purpose}")


def test_what_a_plain_function_returns_is_awaited_if_it_can_be() -> None:
    assert asyncio.run(call(lambda: _async("hi"), purpose="tool")).startswith("hi on ")


@pytest.mark.parametrize("leave", [functools.partial(next, iter(())), functools.partial(sys.exit, 3)])
def test_no_way_to_leave_a_thread_hangs_the_caller_or_ends_the_program(leave: Any) -> None:
    async def main() -> None:
        async with asyncio.timeout(5):
            await call(leave, purpose="tool")

    with pytest.raises(RuntimeError, match=r"it raised (StopIteration|SystemExit)\("):
        asyncio.run(main())


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (_async, True),
        (Callable(), True),
        (functools.partial(functools.partial(_async), "hi"), True),
        (_plain, False),
        (lambda: _async("hi"), False),
        (functools.partial(_plain, "hi"), False),
    ],
)
def test_async_functions_are_told_from_plain_ones(function: Any, expected: bool) -> None:
    assert is_async(function) is expected


def test_tools_and_guardrails_have_threads_of_their_own() -> None:
    assert threads_for("tool") is threads_for("tool")
    assert threads_for("tool") is not threads_for("guardrail")


def test_a_call_that_finds_no_free_thread_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    one = Threads(1)
    monkeypatch.setattr(threads, "threads_for", lambda _purpose: one)
    begun, go_on = threading.Event(), threading.Event()

    def wait() -> str:
        begun.set()
        go_on.wait(5)
        return "done"

    async def main() -> None:
        for given_up in (False, True):
            begun.clear()
            go_on.clear()
            running = asyncio.ensure_future(call(wait, purpose="tool"))
            await asyncio.to_thread(begun.wait, 5)
            if given_up:
                running.cancel()
                await asyncio.wait([running])
            with pytest.raises(ToolError, match="1 calls of plain functions are running already"):
                await call(wait, purpose="tool")
            go_on.set()
            if not given_up:
                assert await running == "done"

    asyncio.run(main())
