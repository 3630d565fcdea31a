"""`Outlet`: sends what a session has to say to its model, one event after another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from vivavoce.errors import ConnectionLostError
from vivavoce.session.events import RealtimeError

if TYPE_CHECKING:
    from vivavoce.conversation.client import ClientConversation
    from vivavoce.protocol import ClientEvent
    from vivavoce.session.events import RealtimeSessionEvent
    from vivavoce.session.link import Link
    from vivavoce.session.unheard_audio import UnheardAudio


class Outlet:
    """The way out of one session.

    Args:
        link: how to reach the model.
        conversation: decides what is sent.
        unheard: learns what was sent.
        publish: takes the errors that nobody claims.
    """

    def __init__(
        self,
        link: Link,
        conversation: ClientConversation,
        unheard: UnheardAudio,
        publish: Callable[[RealtimeSessionEvent], None],
    ) -> None:
        self._link = link
        self._conversation = conversation
        self._unheard = unheard
        self._publish = publish
        self._sending = asyncio.Lock()
        self._claims: list[list[Exception]] = []

    async def send(self, event: ClientEvent) -> None:
        """Send one event.

        Raises:
            ConnectionLostError: there is no connection, or it broke.
            Exception: what else the model raised.
        """
        async with self._sending:
            await self._link.send(event)

    async def send_all(self, events: Iterable[ClientEvent]) -> None:
        """Send some events, in order.

        Raises:
            ConnectionLostError: there is no connection, or it broke.
            Exception: what else the model raised.
        """
        for event in events:
            await self.send(event)

    async def send_unheard(self, position: int) -> None:
        """Send the speech that is kept, from a position on, and what is added meanwhile.

        Raises:
            ConnectionLostError: there is no connection, or it broke.
            Exception: what else the model raised.
        """
        position, speech = self._unheard.events_since(position)
        while speech:
            await self.send_all(speech)
            position, speech = self._unheard.events_since(position)

    async def flush(self, is_open: Callable[[], bool]) -> ConnectionLostError | None:
        """Send what the conversation decided. An event that cannot be sent holds up no other.

        Args:
            is_open: says whether there is a connection; without one everything stays.

        Returns:
            What became of the connection, if it broke; what was not sent then waits for the next one.
        """
        async with self._sending:
            events = self._conversation.events_to_send() if is_open() else []
            for index, event in enumerate(events):
                try:
                    await self._link.send(event)
                except ConnectionLostError as error:
                    self._conversation.take_back(events[index:])
                    return error
                except Exception as error:  # noqa: BLE001  # who asked for it is told
                    self._fail(event, error)
                self._unheard.sent(event)
        return None

    @contextmanager
    def claiming(self) -> Iterator[list[Exception]]:
        """Collect what goes wrong meanwhile with events that were asked for; otherwise it is published."""
        failures: list[Exception] = []
        self._claims.append(failures)
        try:
            yield failures
        finally:
            self._claims = [claim for claim in self._claims if claim is not failures]

    def _fail(self, event: ClientEvent, error: Exception) -> None:
        if self._claims and not self._conversation.decided(event):
            self._claims[0].append(error)
        else:
            self._publish(RealtimeError(error))
