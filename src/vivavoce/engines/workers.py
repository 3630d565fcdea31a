"""Threads for engines whose work releases the interpreter lock: a bounded number, with a bounded line."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from vivavoce.errors import ConfigurationError, EngineError

T = TypeVar("T")

MAX_WAITING = 256
"""Jobs that may wait for a thread; more are refused."""


class Workers:
    """The threads of one engine, started when needed.

    Args:
        name: of the engine, for messages and names of threads.
        size: jobs at once.
        max_waiting: jobs that may wait.

    Raises:
        ConfigurationError: `size` is below 1.
    """

    def __init__(self, name: str, size: int, max_waiting: int = MAX_WAITING) -> None:
        if size < 1:
            raise ConfigurationError(f"workers is {size}; it must be at least 1")
        self._name = name
        self._size = size
        self._limit = size + max_waiting
        self._executor = ThreadPoolExecutor(size, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._jobs = 0
        self._over = threading.Event()

    @property
    def idle(self) -> bool:
        """Whether a job would begin at once."""
        return self._jobs < self._size

    @property
    def waiting(self) -> int:
        """Jobs that wait for a thread."""
        return max(0, self._jobs - self._size)

    @property
    def closed(self) -> bool:
        """Whether it is over."""
        return self._over.is_set()

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """Do work in a thread and return its result. Cancelled, it drops the result of what has begun.

        Raises:
            EngineError: too much waits already, or the engine is closed.
        """
        if self._over.is_set():
            raise EngineError(f"{self._name} is closed")
        if self._jobs >= self._limit:
            raise EngineError(f"{self._jobs} jobs are waiting for {self._name}; no more are accepted")
        with self._lock:
            self._jobs += 1
        job = self._executor.submit(work, *args)
        job.add_done_callback(self._ended)
        try:
            return await asyncio.wrap_future(job)
        except asyncio.CancelledError:
            if self._over.is_set() and not _being_cancelled():
                raise EngineError(f"{self._name} was closed while it worked") from None
            raise

    def close(self) -> None:
        """Drop what waits; what has begun ends unheard. Safe to call twice."""
        self._over.set()
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _ended(self, job: Future[Any]) -> None:
        del job
        with self._lock:
            self._jobs -= 1


def _being_cancelled() -> bool:
    """Whether it is the caller that is cancelled, not only the job."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
