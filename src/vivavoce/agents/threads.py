"""Threads for the users' plain functions: apart from the event loop's own, and no call waits for another."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeAlias, TypeVar

from vivavoce.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
T = TypeVar("T")

Purpose: TypeAlias = Literal["tool", "guardrail"]

THREADS = 32
"""Calls of plain functions that may run at once in this process, for each purpose."""


class Threads(ThreadPoolExecutor):
    """Threads of which one is free or the call fails; nothing queues.

    Args:
        most: calls that may run at once.
        purpose: what they run, for the threads' names.
    """

    def __init__(self, most: int, purpose: Purpose = "tool") -> None:
        super().__init__(max_workers=most, thread_name_prefix=f"vivavoce-{purpose}")
        self._most = most
        self._free = threading.Semaphore(most)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a call.

        Raises:
            ToolError: no thread is free.
        """
        if not self._free.acquire(blocking=False):
            raise ToolError(
                f"{self._most} calls of plain functions are running already; write functions that wait long "
                "as 'async def'"
            )
        future = super().submit(fn, *args, **kwargs)
        # The thread is free when the call is over, not when somebody stops waiting for it.
        future.add_done_callback(lambda _: self._free.release())
        return future


@functools.cache
def threads_for(purpose: Purpose) -> Threads:
    """Return this process's threads for one purpose: slow tools leave guardrails theirs."""
    return Threads(THREADS, purpose)


async def call(function: Callable[..., Any], *args: Any, purpose: Purpose) -> Any:
    """Call a user's function: an async one on the event loop, a plain one in a thread.

    Args:
        function: what to call.
        args: its positional arguments.
        purpose: whose threads a plain function runs in.

    Raises:
        ToolError: no thread is free.
        Exception: whatever the function raised.
    """
    if is_async(function):
        return await function(*args)
    work = functools.partial(_contained, functools.partial(function, *args))
    variables = contextvars.copy_context()
    result = await asyncio.get_running_loop().run_in_executor(threads_for(purpose), variables.run, work)
    return await result if inspect.isawaitable(result) else result


def is_async(function: Callable[..., Any]) -> bool:
    """Tell whether calling a function gives a coroutine: `async def`, or an object whose `__call__` is."""
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004  # the method is wanted, not whether there is one
    )


def _contained(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except (StopIteration, SystemExit) as error:
        # A future cannot hold the first, and the second would end the program that hosts the function.
        raise RuntimeError(f"it raised {error!r}") from error
