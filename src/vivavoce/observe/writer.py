"""A thread that does slow work in order, behind a bounded queue that never makes anybody wait."""

from __future__ import annotations

import atexit
import logging
import threading
import weakref
from collections import deque
from typing import Any, Protocol, TypeAlias

logger = logging.getLogger(__name__)

ENTRIES = 20_000
"""Entries that may wait."""
AUDIO_BYTES = 64 * 1024 * 1024
"""Audio that may wait in them."""
EXIT_S = 2.0
"""Seconds that a thread has for its last entries when the program ends."""

Entry: TypeAlias = tuple[Any, ...]


class Work(Protocol):
    """What the thread does."""

    def do(self, entries: list[Entry]) -> None:
        """Do a batch of entries, in order."""
        ...

    def finish(self) -> None:
        """Complete what was begun and clean up; called once, whatever happened before."""
        ...


class WriterThread:
    """Hands entries to the work, batch by batch. The thread begins with the first entry.

    When the queue is three quarters full, or holds `AUDIO_BYTES`, new audio is dropped; when it is full,
    everything is. What raises ends the work: `error` holds it, and later entries are thrown away.

    Args:
        work: what to do.
        name: of the thread.

    Attributes:
        dropped_audio: entries with audio that were dropped.
        dropped_events: other entries that were dropped.
        error: what ended the work.
    """

    def __init__(self, work: Work, name: str) -> None:
        self.dropped_audio = 0
        self.dropped_events = 0
        self.error: Exception | None = None
        self._work = work
        self._queue: deque[tuple[Entry, int]] = deque()
        self._audio = 0
        self._change = threading.Condition()
        self._ended = False
        # A daemon, lest one that nobody ends keeps the program from ending; see `_finish_all`.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._started = False
        _RUNNING.add(self)

    def put(self, entry: Entry, audio: int = 0) -> None:
        """Add an entry, or drop it where the queue is full. Never waits for the work.

        Args:
            entry: what to do.
            audio: bytes of audio in it.
        """
        with self._change:
            if self._ended or self.error is not None:
                return
            waiting = len(self._queue)
            if audio and (waiting >= ENTRIES * 3 // 4 or self._audio + audio > AUDIO_BYTES):
                self.dropped_audio += 1
            elif waiting >= ENTRIES:
                self.dropped_events += 1
            else:
                self._queue.append((entry, audio))
                self._audio += audio
                self._change.notify()
            self._start()

    def end(self, last: Entry | None = None) -> None:
        """Let the thread end after what is queued, and after a last entry, which is never dropped."""
        with self._change:
            if not self._ended:
                self._ended = True
                if last is not None:
                    self._queue.append((last, 0))
                self._change.notify()
                self._start()

    def join(self, timeout: float) -> bool:
        """Wait until the work is finished; return whether it is."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _start(self) -> None:
        if not self._started:
            self._started = True
            self._thread.start()

    def _take(self) -> list[Entry]:
        """Wait for entries and return them; none after the last."""
        with self._change:
            while not self._queue and not self._ended:
                self._change.wait()
            entries = [entry for entry, _ in self._queue]
            self._queue.clear()
            self._audio = 0
            return entries

    def _run(self) -> None:
        try:
            try:
                while entries := self._take():
                    self._work.do(entries)
            finally:
                self._work.finish()
        except Exception as error:
            logger.exception("Writing failed; the rest is not kept", extra={"writer": self._thread.name})
            with self._change:
                self.error = error
                self._queue.clear()


_RUNNING: weakref.WeakSet[WriterThread] = weakref.WeakSet()


@atexit.register
def _finish_all() -> None:
    """Let every thread complete its work when the program ends, but not for long."""
    running = list(_RUNNING)
    for writer in running:
        writer.end()
    for writer in running:
        writer.join(EXIT_S)
