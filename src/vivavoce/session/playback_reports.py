"""Brings what the application reports as played into a session, from whatever thread plays it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vivavoce.conversation.playback import RealtimePlaybackTracker


class PlaybackReports:
    """Listens to the playback tracker of one session.

    Reports that come faster than the event loop takes them fall together.

    Args:
        tracker: what the application reports to; ``None`` where it reports nothing.
        heard: called on the event loop after reports.
    """

    def __init__(self, tracker: RealtimePlaybackTracker | None, heard: Callable[[], None]) -> None:
        self._tracker = tracker
        self._heard = heard
        self._loop: asyncio.AbstractEventLoop | None = None
        self._noted = False

    def listen(self) -> None:
        """Begin to listen, for this event loop."""
        self._loop = asyncio.get_running_loop()
        if self._tracker is not None:
            self._tracker.tell(self._reported)

    def _reported(self) -> None:
        """Take a report, on any thread."""
        loop = self._loop
        if loop is not None and not self._noted:
            self._noted = True
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(self._note)

    def _note(self) -> None:
        self._noted = False
        if self._loop is not None:
            self._heard()

    def close(self) -> None:
        """Listen no more."""
        self._loop = None
        if self._tracker is not None:
            self._tracker.tell(None)
