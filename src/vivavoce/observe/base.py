"""`SessionObserver`: the port through which a session is watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from vivavoce.protocol import ClientEvent, ServerEvent, Unknown


@runtime_checkable
class SessionObserver(Protocol):
    """Watches one session: every event in both directions, and what the application is told.

    Methods are called on the event loop, in the order in which things happen. They must be quick, must not
    wait, and cannot change anything. Derive from this class and write only the methods that you need.
    `now` is the event loop's time in seconds.

    An observer may also have a method `connection_headers(now)`, which returns HTTP headers for the
    connection that is about to be made, such as those of a trace. And it may have `server_events`, a
    frozenset of types: a server does not show it events of other types, such as pieces of audio.
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
