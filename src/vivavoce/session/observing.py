"""Gives everything that happens in a session to those who look on: traces, recordings, logs."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from vivavoce.errors import ConfigurationError

if TYPE_CHECKING:
    from vivavoce.observe import SessionObserver

logger = logging.getLogger(__name__)

LOG = "vivavoce.observe.logs"
TRACES = "opentelemetry.trace"


def standing_observers(given: Sequence[Any], *, tracing: bool) -> list[SessionObserver]:
    """Return who looks on at every session: traces and logs, where somebody wants them.

    A program that wants traces has imported OpenTelemetry, and one that wants logs has set a level; nobody
    else is to pay for them with every piece of audio.

    Args:
        given: observers that the run has anyway; one of the same kind takes the place of ours.
        tracing: the run may be traced.
    """
    kinds = {(one if isinstance(one, type) else type(one)).__name__ for one in given}
    observers: list[SessionObserver] = []
    if tracing and TRACES in sys.modules and "SessionTracer" not in kinds:
        from vivavoce.observe.tracing import SessionTracer

        observers.append(SessionTracer())
    if logging.getLogger(LOG).isEnabledFor(logging.INFO) and "SessionLog" not in kinds:
        from vivavoce.observe.logs import SessionLog

        observers.append(SessionLog())
    return observers


def _observer(entry: Any) -> Any:
    """Return an observer, made for this session where a function makes it."""
    observer = entry
    if callable(entry) and (isinstance(entry, type) or not hasattr(entry, "on_client_event")):
        observer = entry()
    if not hasattr(observer, "on_client_event"):
        raise ConfigurationError(
            f"{entry!r} is not an observer: give a SessionObserver, or a function that makes one"
        )
    return observer


class Observers:
    """The observers of one session. One that raises is dropped and harms nobody else.

    Args:
        observers: who looks on, or functions that make them for this session.
        now: returns the time, in seconds.
    """

    def __init__(
        self, observers: Sequence[SessionObserver | Callable[[], SessionObserver]], now: Callable[[], float]
    ) -> None:
        self._observers: list[Any] = [_observer(entry) for entry in observers]
        self._now = now

    def connection_headers(self) -> dict[str, str]:
        """Return the HTTP headers that they wish for a connection that is about to be made."""
        headers: dict[str, str] = {}
        for observer in list(self._observers):
            # Whoever wrote an observer without deriving it from `SessionObserver` wishes for none.
            if (wishes := getattr(observer, "connection_headers", None)) is None:
                continue
            try:
                headers.update(wishes(self._now()))
            except Exception:
                logger.exception("An observer of the session raised and is dropped")
                self._observers.remove(observer)
        return headers

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
