"""An event loop whose clock jumps: a minute of timers in milliseconds, the same way every time.

When no callback is ready, an ordinary loop waits for its next timer. This one sets its clock to it.
The program under test sees every `asyncio.sleep`, `asyncio.timeout` and `loop.call_later` keep its
promised time, and nobody waits:

    async def a_minute() -> float:
        await asyncio.sleep(60)
        return asyncio.get_running_loop().time()

    assert run(a_minute()) == 60.0

Work outside the loop takes real time, and the clock stands still for it: always for jobs of
`loop.run_in_executor` and `asyncio.to_thread`; for threads of your own while inside
`VirtualClockLoop.hold`. Sockets are looked at before every jump, so two ends on the same loop talk to each
other normally; a peer in another process needs `hold`, or a real loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import itertools
import os
import selectors
import threading
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

from vivavoce.errors import StalledError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from concurrent.futures import Executor

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_ASYNCIO = str(Path(asyncio.__file__).parent)
_PACKAGE = str(Path(__file__).parents[1]) + os.sep
# Of a coroutine, an asynchronous generator and a generator.
_FRAMES = ("cr_frame", "ag_frame", "gi_frame")
_AWAITS = ("cr_await", "ag_await", "gi_yieldfrom")

GRACE = 1.0
"""Real seconds for threads and sockets that nobody holds the clock for, before a deadlock is declared."""


class VirtualClockLoop(asyncio.SelectorEventLoop):
    """An asyncio event loop on virtual time.

    `time()` starts at 0.0 and moves only when nothing is ready to run; then it becomes exactly the time of
    the next timer. Timers of the same instant run in the order in which they were set.

    Args:
        patience: real seconds to wait for held work (an executor's job, `hold`) before giving up on it.

    Raises:
        StalledError: out of whatever runs the loop, when nothing can happen any more: nothing is ready, no
            timer is set, no work is held, yet the loop was not stopped. The message lists who waits where.
    """

    def __init__(self, patience: float = 30.0) -> None:
        self._clock = _Clock()
        self._hint = ""
        super().__init__(_Selector(self._clock, patience, self._report))

    def time(self) -> float:
        """Return the virtual time in seconds since the loop was made."""
        return self._clock.now

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call ``callback(*args)`` when the clock reads ``when``; the handle can cancel it.

        Raises:
            RuntimeError: the loop is closed.
        """
        if self.is_closed():
            raise RuntimeError("Event loop is closed")
        context = context or contextvars.copy_context()
        timer = asyncio.TimerHandle(when, callback, args, self, context)

        def fire() -> None:
            # Asked when it runs, not when it falls due: a timer of the same instant may cancel it.
            if not timer.cancelled():
                callback(*args)

        self._clock.set_alarm(timer, lambda: self.call_soon(fire, context=context))
        return timer

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Run ``func(*args)`` in a thread or process pool; the clock stands still until it is done.

        So a job must not wait for a timer of this loop: neither would ever come, a `StalledError` after
        ``patience`` seconds.
        """
        future = super().run_in_executor(executor, func, *args)
        self._clock.held += 1
        future.add_done_callback(self._release)
        return future

    async def shutdown_default_executor(self, *args: Any, **kwargs: Any) -> None:
        """Wait, in real time, for the default thread pool to end."""
        with self.hold():
            await super().shutdown_default_executor(*args, **kwargs)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Let the clock stand still inside the ``with`` block: something outside the loop is at work.

        For threads, processes and sockets of which the loop cannot know that they will call back.
        """
        self._clock.held += 1
        try:
            yield
        finally:
            self._clock.held -= 1

    def hint(self, text: str) -> None:
        """Note what went wrong: should everything come to a stop, the `StalledError` shows the last note."""
        self._hint = text

    def _release(self, _: asyncio.Future[Any]) -> None:
        self._clock.held -= 1

    def _report(self, cause: str) -> str:
        waiting = "\n".join(sorted(_whereabouts(task) for task in asyncio.all_tasks(self)))
        hint = f"\nWhat went wrong last: {self._hint}" if self._hint else ""
        report = f"time stands still at {self.time():g} s: {cause}. Tasks that wait:\n{waiting or '  none'}"
        return report + hint


class _Clock:
    """Virtual time and the timers that are set on it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.held = 0
        self._alarms: list[tuple[float, int, asyncio.TimerHandle, Callable[[], object]]] = []
        self._order = itertools.count()

    def set_alarm(self, timer: asyncio.TimerHandle, ring: Callable[[], object]) -> None:
        heapq.heappush(self._alarms, (timer.when(), next(self._order), timer, ring))

    def ring_due(self) -> bool:
        """Ring every alarm that is due, and forget those cancelled; tell whether one rang."""
        rang = False
        while self._alarms and (self._alarms[0][2].cancelled() or self._alarms[0][0] <= self.now):
            _, _, timer, ring = heapq.heappop(self._alarms)
            if not timer.cancelled():
                ring()
                rang = True
        return rang

    def jump(self) -> bool:
        """Move to the next alarm and ring it; tell whether there was one and the clock was not held."""
        if self.held or not self._alarms:
            return False
        self.now = self._alarms[0][0]
        return self.ring_due()


class _Selector(selectors.DefaultSelector):
    """The platform's selector; moves the clock where others would sleep."""

    def __init__(self, clock: _Clock, patience: float, report: Callable[[str], str]) -> None:
        super().__init__()
        self._clock = clock
        self._patience = patience
        self._report = report

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return the sockets that are ready; sleeps only for work outside the loop."""
        ready = super().select(0)
        # asyncio's own heap of timers stays empty, so it asks for 0 (callbacks are ready) or None (idle).
        idle = timeout is None and not ready
        if self._clock.ring_due() or not idle or self._clock.jump():
            return ready
        ready = super().select(self._real_seconds())
        if not ready:
            raise StalledError(self._report(self._cause()))
        return ready

    def _real_seconds(self) -> float:
        if self._clock.held:
            return self._patience
        # One socket is the loop's own, with which threads wake it.
        others = threading.active_count() > 1 or len(self.get_map()) > 1
        return GRACE if others else 0.0

    def _cause(self) -> str:
        if self._clock.held:
            return f"work outside the loop gave no sign for {self._patience:g} s"
        return "nothing is ready and no timer is set (for work outside the loop, see VirtualClockLoop.hold)"


def _whereabouts(task: asyncio.Task[Any]) -> str:
    """Describe where a suspended task waits: its name, and its innermost line that is not asyncio's own.

    Where that is a line of this package, the innermost line outside of it comes first: the user's.
    """
    lines: list[tuple[str, bool]] = []
    awaited: object = task.get_coro()
    while awaited is not None:
        frame = next((f for name in _FRAMES if (f := getattr(awaited, name, None)) is not None), None)
        if frame is not None and not frame.f_code.co_filename.startswith(_ASYNCIO):
            code = frame.f_code
            line = f"in {code.co_name}, {code.co_filename}:{frame.f_lineno}"
            lines.append((line, code.co_filename.startswith(_PACKAGE)))
        awaited = next((a for name in _AWAITS if (a := getattr(awaited, name, None)) is not None), None)
    place = lines[-1][0] if lines else "not started"
    users = [line for line, ours in lines if not ours]
    if users and users[-1] != place:
        place = f"{users[-1]}, which waits {place}"
    return f"  {task.get_name()} {place}"


def run(main: Coroutine[Any, Any, T], *, patience: float = 30.0, debug: bool | None = None) -> T:
    """Run a coroutine on a new `VirtualClockLoop` and return its result: `asyncio.run`, without the waiting.

    Args:
        main: the coroutine to run.
        patience: real seconds to wait for held work (an executor's job) before giving up on it.
        debug: asyncio's debug mode; ``None`` leaves it to the environment.

    Raises:
        StalledError: nothing can happen any more and ``main`` is not done; the message lists who waits where.
        RuntimeError: called where an event loop is running already.
    """
    # Not `with runner`: that would make a loop before `run` could refuse, and then fail to close it.
    with closing(asyncio.Runner(loop_factory=lambda: VirtualClockLoop(patience), debug=debug)) as runner:
        return runner.run(main)
