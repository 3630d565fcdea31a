"""What a session waits for: the server's answers when it opens, and when its settings change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from vivavoce.connections import ConnectionFailed, ConnectionStatus, ModelEvent
from vivavoce.errors import ConfigurationError, ConnectionLostError, RemoteProtocolError
from vivavoce.protocol import ErrorEvent, SessionCreated, SessionUpdated

UPDATE_ID = "vivavoce_session_update"
"""The `event_id` of a `session.update`, by which its refusal is known; later ones add a number."""


class Opening:
    """Waits for `session.created` and for the `session.updated` after it; fails when they cannot come.

    Args:
        update_id: the `event_id` of the `session.update`.
        created: the session is there already.
        accepted: called at the very moment when the settings are accepted, before any later event.

    Attributes:
        created: done when the server has opened the session.
        said: the last error that the server has told.
        updated: done when it has accepted the session's settings.
    """

    def __init__(
        self, update_id: str = UPDATE_ID, *, created: bool = False, accepted: Callable[[], None] | None = None
    ) -> None:
        loop = asyncio.get_running_loop()
        self.said = ""
        self._update_id = update_id
        self._accepted = accepted
        self.created: asyncio.Future[None] = loop.create_future()
        self.updated: asyncio.Future[None] = loop.create_future()
        if created:
            _settle(self.created)

    def hear(self, event: ModelEvent) -> None:
        """Look at an event for one of them."""
        if isinstance(event, SessionCreated):
            _settle(self.created)
        elif isinstance(event, SessionUpdated):
            self._accept()
        elif isinstance(event, ErrorEvent):
            self._hear_error(event)
        elif isinstance(event, ConnectionFailed) and not isinstance(event.error, RemoteProtocolError):
            self._fail(event.error)
        elif isinstance(event, ConnectionStatus) and event.status == "disconnected":
            self._fail(ConnectionLostError("The server closed the connection before the session was open."))

    def _hear_error(self, event: ErrorEvent) -> None:
        self.said = event.error.message
        if event.error.event_id == self._update_id or not self.created.done():
            self._fail(ConfigurationError(f"the server refused the settings: {self.said}"))

    def _accept(self) -> None:
        if not self.updated.done():
            self.updated.set_result(None)
            if self._accepted is not None:
                self._accepted()

    def _fail(self, error: Exception) -> None:
        for answer in (self.created, self.updated):
            if not answer.done():
                answer.set_exception(error)
                answer.exception()


def _settle(answer: asyncio.Future[None]) -> None:
    if not answer.done():
        answer.set_result(None)
