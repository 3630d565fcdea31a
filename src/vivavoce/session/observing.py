"""Gives everything that happens in a session to those who look on: traces, recordings, logs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vivavoce.observe import SessionObserver

logger = logging.getLogger(__name__)


class Observers:
    """The observers of one session. One that raises is dropped and harms nobody else.

    Args:
        observers: who looks on.
        now: returns the time, in seconds.
    """

    def __init__(self, observers: Sequence[SessionObserver], now: Callable[[], float]) -> None:
        self._observers = list(observers)
        self._now = now

    def sent(self, event: Any) -> None:
        """Show an event that goes to the server."""
        if self._observers:
            self._show("on_client_event", event)

    def received(self, event: Any) -> None:
        """Show an event that came from the server."""
        if self._observers:
            self._show("on_server_event", event)

    def published(self, event: Any) -> None:
        """Show an event that the application gets."""
        if self._observers:
            self._show("on_session_event", event)

    def _show(self, method: str, event: Any) -> None:
        now = self._now()
        for observer in list(self._observers):
            try:
                getattr(observer, method)(event, now)
            except Exception:
                logger.exception("An observer of the session raised and is dropped")
                self._observers.remove(observer)

    def close(self) -> None:
        """Tell them that the session has ended."""
        observers, self._observers = self._observers, []
        for observer in observers:
            try:
                observer.close(self._now())
            except Exception:
                logger.exception("An observer of the session could not be closed")
