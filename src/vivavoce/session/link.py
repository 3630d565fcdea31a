"""How a session reaches its model, and what carrying its traffic needs of the session."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from vivavoce.protocol import SessionUpdate
from vivavoce.session.model_settings import raw_update

if TYPE_CHECKING:
    from vivavoce.connections import RealtimeModel, RealtimeModelConfig
    from vivavoce.protocol import ClientEvent, RealtimeSession, Response, ServerEvent, Unknown
    from vivavoce.session.events import RealtimeSessionEvent
    from vivavoce.session.model_settings import ModelSettings
    from vivavoce.session.observing import Observers
    from vivavoce.session.settings import ReconnectSettings

logger = logging.getLogger(__name__)

CONNECT_S = 120.0
"""Seconds after which a connection is given up that sets itself no limit."""
CLOSE_S = 2.0
"""Seconds that a broken connection has to close."""


class DriverPort(Protocol):
    """What a driver needs of its session."""

    def publish(self, event: RealtimeSessionEvent) -> None:
        """Give an event to the application."""
        ...

    def heard(self, event: ServerEvent | Unknown) -> None:
        """Take an event of the server, which the conversation has taken in."""
        ...

    def report(self) -> None:
        """Look for notices of the conversation."""
        ...

    def settings(self) -> RealtimeSession:
        """Return the settings with which a session is to be opened now."""
        ...

    def disconnected(self, cut: Sequence[Response]) -> None:
        """Note that the connection is lost, with the responses that it cut off, and another is looked for."""
        ...

    def lost(self) -> None:
        """Note that there is no connection any more, and none to come."""
        ...


@dataclass(frozen=True, slots=True)
class Link:
    """How a session reaches its model.

    Attributes:
        model: the connection.
        config: how to open it.
        settings: of the model's session, for what only its provider knows.
        reconnect: what to do when it is lost.
        observers: who looks on.
        clock: returns seconds since 1970, for the server's time limit.
    """

    model: RealtimeModel
    config: RealtimeModelConfig
    settings: ModelSettings
    reconnect: ReconnectSettings
    observers: Observers
    clock: Callable[[], float] = time.time

    @property
    def attached(self) -> bool:
        """Whether the session is somebody else's, and goes on without this connection."""
        return "call_id" in self.config

    async def connect(self) -> None:
        """Open the connection, within `CONNECT_S` where it sets itself no limit.

        Raises:
            Exception: what the model raised.
        """
        async with asyncio.timeout(CONNECT_S):
            await self.model.connect(self._config())

    def _config(self) -> RealtimeModelConfig:
        headers = self.observers.connection_headers()
        if not headers:
            return self.config
        return {**self.config, "headers": {**headers, **self.config.get("headers", {})}}

    async def send(self, event: ClientEvent) -> None:
        """Send one event; settings with what the user wants said beyond the protocol.

        Raises:
            ConnectionLostError: there is no connection, or it broke.
        """
        self.observers.sent(event)
        raw = raw_update(event, self.settings) if isinstance(event, SessionUpdate) else None
        if raw is None:
            await self.model.send_event(event)
        else:
            await self.model.send_raw(raw)

    async def give_up(self) -> None:
        """Close a connection that nobody wants any more, whatever comes of it."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self.model.close()
        except Exception as error:  # noqa: BLE001  # it is given up either way
            logger.warning("A broken connection could not be closed: %r", error)

    def delay_before(self, attempt: int) -> float:
        """Return the seconds to wait before an attempt: doubling, with up to a quarter of chance."""
        first, longest = self.reconnect.first_delay_s, self.reconnect.longest_delay_s
        delay = min(longest, first * 2.0 ** min(attempt - 1, 32))
        return delay * random.uniform(0.75, 1.0)  # noqa: S311  # spreads clients, keeps no secret
