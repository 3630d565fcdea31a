"""`SessionObserver`: the port through which a session is watched."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable

    from vivavoce.protocol import ClientEvent, ServerEvent, Unknown

logger = logging.getLogger(__name__)


@runtime_checkable
class SessionObserver(Protocol):
    """Watches one session: every event in both directions, and what the application is told.

    Methods are called on the event loop, in the order in which things happen. They must be quick, must not
    wait, and cannot change anything. Derive from this class and write only the methods that you need.
    `now` is the event loop's time in seconds.
    """

    def on_client_event(self, event: ClientEvent, now: float) -> None:
        """Take an event that is about to be sent to the model."""
        del event, now

    def on_server_event(self, event: ServerEvent | Unknown, now: float) -> None:
        """Take an event of the model, before the session has acted on it."""
        del event, now

    def on_session_event(self, event: Any, now: float) -> None:
        """Take an event that the application is told: see `vivavoce.session.events`."""
        del event, now

    def close(self, now: float) -> None:
        """Take note that the session has ended. May be called twice."""
        del now


class Observers:
    """Calls the observers of one session. One that raises is logged, once, and hears nothing more.

    Args:
        observers: in the order in which they are called.
    """

    def __init__(self, observers: Iterable[SessionObserver] = ()) -> None:
        self._observers = list(observers)

    def __len__(self) -> int:
        return len(self._observers)

    def on_client_event(self, event: ClientEvent, now: float) -> None:
        """Tell everyone of an event that is about to be sent."""
        for observer in self._observers:
            self._call(observer, observer.on_client_event, event, now)

    def on_server_event(self, event: ServerEvent | Unknown, now: float) -> None:
        """Tell everyone of an event of the model."""
        for observer in self._observers:
            self._call(observer, observer.on_server_event, event, now)

    def on_session_event(self, event: Any, now: float) -> None:
        """Tell everyone of an event for the application."""
        for observer in self._observers:
            self._call(observer, observer.on_session_event, event, now)

    def close(self, now: float) -> None:
        """Tell everyone that the session has ended."""
        for observer in self._observers:
            self._call(observer, observer.close, now)

    def _call(self, observer: SessionObserver, method: Callable[..., None], *arguments: Any) -> None:
        try:
            method(*arguments)
        except Exception:
            logger.exception(
                "An observer of the session raised and is not called any more",
                extra={"observer": type(observer).__name__},
            )
            # A new list: the loop that called this goes on over the old one.
            self._observers = [other for other in self._observers if other is not observer]
