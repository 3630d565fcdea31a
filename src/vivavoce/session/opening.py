"""The opening of a session: the server's two answers that a session waits for."""

from __future__ import annotations

import asyncio

from vivavoce.connections import ConnectionFailed, ConnectionStatus, ModelEvent
from vivavoce.errors import ConfigurationError, ConnectionLostError, RemoteProtocolError
from vivavoce.protocol import ErrorEvent, SessionCreated, SessionUpdated

UPDATE_ID = "vivavoce_session_update"
"""The `event_id` of the first `session.update`, by which its refusal is known."""


class Opening:
    """Waits for `session.created` and for the `session.updated` after it; fails when they cannot come.

    Attributes:
        created: done when the server has opened the session.
        updated: done when it has accepted the session's settings.
    """

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.created: asyncio.Future[None] = loop.create_future()
        self.updated: asyncio.Future[None] = loop.create_future()

    def hear(self, event: ModelEvent) -> None:
        """Look at an event for one of them."""
        if isinstance(event, SessionCreated):
            _settle(self.created)
        elif isinstance(event, SessionUpdated):
            _settle(self.updated)
        elif isinstance(event, ErrorEvent) and (event.error.event_id == UPDATE_ID or not self.created.done()):
            self._fail(ConfigurationError(f"the server refused the session: {event.error.message}"))
        elif isinstance(event, ConnectionFailed) and not isinstance(event.error, RemoteProtocolError):
            self._fail(event.error)
        elif isinstance(event, ConnectionStatus) and event.status == "disconnected":
            self._fail(ConnectionLostError("The server closed the connection before the session was open."))

    def _fail(self, error: Exception) -> None:
        for answer in (self.created, self.updated):
            if not answer.done():
                answer.set_exception(error)
                answer.exception()


def _settle(answer: asyncio.Future[None]) -> None:
    if not answer.done():
        answer.set_result(None)
