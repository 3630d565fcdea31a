"""`Driver`: carries one session's traffic with its model, and finds another connection when one is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from math import inf
from typing import TYPE_CHECKING

from vivavoce.connections import ConnectionFailed, ConnectionStatus
from vivavoce.conversation.client_session import finds_turns, input_format
from vivavoce.errors import ConnectionLostError, SessionClosedError
from vivavoce.protocol import (
    ErrorEvent,
    InputAudioBufferAppend,
    ResponseDone,
    ResponseOutputAudioDelta,
    SessionCreated,
    SessionUpdate,
    SessionUpdated,
    present,
)
from vivavoce.session.events import (
    RealtimeConnectionLost,
    RealtimeError,
    RealtimeReconnected,
    RealtimeReconnecting,
)
from vivavoce.session.messages import audio_pieces
from vivavoce.session.opening import UPDATE_ID, Opening
from vivavoce.session.outlet import Outlet
from vivavoce.session.renewal import Renewal
from vivavoce.session.unheard_audio import UnheardAudio
from vivavoce.tasks import Tasks

if TYPE_CHECKING:
    from vivavoce.connections import ModelEvent
    from vivavoce.conversation.client import ClientConversation
    from vivavoce.protocol import ClientEvent, RealtimeSession, ServerEvent, Unknown
    from vivavoce.session.link import DriverPort, Link

START_S = 10.0
"""Seconds that a server has to open the session, and to accept its settings."""
STABLE_S = 30.0
"""Seconds that a connection must last, without an answer, for the next one to have all its attempts."""
TICK_S = 1.0
"""Seconds after which deadlines are looked at again that could not be handled."""
EXPIRED = "session_expired"
NOT_WELCOME = frozenset({401, 403, 404})
"""HTTP statuses after which another try is no use."""


class Driver:
    """The loop around a `ClientConversation`.

    Args:
        link: how to reach the model.
        conversation: decides what to send.
        port: the session.

    Attributes:
        state: ``new``, ``open``, ``reconnecting``, ``lost`` or ``closed``.
    """

    def __init__(self, link: Link, conversation: ClientConversation, port: DriverPort) -> None:
        self.state = "new"
        self._link = link
        self._conversation = conversation
        self._port = port
        self._tasks = Tasks()
        self._wake = asyncio.Event()
        self._deadline = inf
        self._not_before = 0.0
        self._openings: list[Opening] = []
        self._unheard = UnheardAudio()
        self._outlet = Outlet(link, conversation, self._unheard, port.publish)
        self._broken: ConnectionLostError | None = None
        self._connected = False
        self._deaf = False
        self._opened = asyncio.Event()
        clock = link.clock if link.reconnect.enabled else None
        self._renewal = Renewal(clock, self._is_quiet, self._begin_afresh)
        self._updates = 0
        self._attempts = 0
        self._opened_at = 0.0

    # --- opening and closing ------------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect, and wait until the server has accepted the session's settings.

        Raises:
            ConfigurationError: a setting cannot work, or the server refused one.
            ConnectionLostError: the server could not be reached or did not answer in time.
            SessionClosedError: the session was closed meanwhile.
        """
        self._check_not_closed()
        self.state = "opening"
        self._link.model.add_listener(self._hear)
        await self._handshake()
        await self._outlet.send_all(self._conversation.restore())
        self._set_open()
        self._tasks.spawn(self._pump(), name="session pump")

    def _check_not_closed(self) -> None:
        if self.state == "closed":
            raise SessionClosedError("the session was closed while it was being opened")

    def _set_open(self) -> None:
        self._check_not_closed()
        if not self._connected:
            raise self._broken or ConnectionLostError("The new connection was lost at once.")
        self.state = "open"
        self._opened_at = self._now()
        self._opened.set()

    async def _handshake(self) -> None:
        """Open a connection and a session on it."""
        self._broken = None
        opening = Opening(created=self._link.attached)
        self._openings.append(opening)
        self._deaf = False
        try:
            await self._link.connect()
            if self.state == "closed":
                await self._link.model.close()
            self._check_not_closed()
            async with asyncio.timeout(START_S):
                await opening.created
                await self._outlet.send(SessionUpdate(event_id=UPDATE_ID, session=self._port.settings()))
                await opening.updated
        except TimeoutError as error:
            raise ConnectionLostError(f"The server did not open the session within {START_S:g} s.") from error
        except ConnectionLostError as error:
            if not opening.said:
                raise
            raise ConnectionLostError(f"{error} It said: {opening.said}", status=error.status) from error
        finally:
            self._openings.remove(opening)

    async def close(self) -> None:
        """End the connection and all that runs here."""
        self.state = "closed"
        self._opened.set()
        self._renewal.cancel()
        await asyncio.gather(self._link.model.close(), self._tasks.aclose())

    def forget(self) -> None:
        """Hear the model no more."""
        self._link.model.remove_listener(self._hear)

    # --- what goes out ------------------------------------------------------------------------------------

    async def update(self, session: RealtimeSession, accepted: Callable[[], None]) -> None:
        """Change the session's settings; without a connection, on the next one.

        Args:
            session: the settings.
            accepted: called when the server has accepted them, before its next event is heard.

        Raises:
            ConfigurationError: the server refused them.
            ConnectionLostError: the connection broke for good, or the server did not answer in time.
            SessionClosedError: the session has ended.
        """
        while True:
            await self._opened.wait()
            if self.state != "open":
                raise SessionClosedError("the session has ended before its settings were changed")
            try:
                await self._update(session, accepted)
            except ConnectionLostError as error:
                self._break(error)
                if not self._link.reconnect.enabled:
                    raise
            except TimeoutError as error:
                raise ConnectionLostError(
                    f"The server did not accept the new settings within {START_S:g} s."
                ) from error
            else:
                return

    async def _update(self, session: RealtimeSession, accepted: Callable[[], None]) -> None:
        self._updates += 1
        update_id = f"{UPDATE_ID}_{self._updates}"
        opening = Opening(update_id, created=True, accepted=accepted)
        self._openings.append(opening)
        try:
            async with asyncio.timeout(START_S):
                await self._outlet.send(SessionUpdate(event_id=update_id, session=session))
                await opening.updated
        finally:
            self._openings.remove(opening)

    async def send_audio(self, audio: bytes) -> None:
        """Send speech of the user; while there is no connection it is kept, up to a bound.

        Raises:
            ConfigurationError: `audio` is not bytes.
        """
        for piece in audio_pieces(audio):
            is_open = self.state == "open"
            self._unheard.add(piece, keep_all=not is_open or not finds_turns(self._conversation.session))
            if is_open:
                try:
                    await self._outlet.send(InputAudioBufferAppend(audio=piece))
                except ConnectionLostError as error:
                    self._break(error)

    def wake(self) -> None:
        """Have what the conversation decided sent soon, and its deadlines kept."""
        self._wake.set()

    async def flush(self) -> None:
        """Send what the conversation decided; without a connection it waits for the next one.

        Raises:
            Exception: what the model raised about an event, other than that the connection is lost.
        """
        self._wake.set()
        with self._outlet.claiming() as failures:
            # A task of its own: who is cancelled while waiting takes nothing along that others have to say.
            work = self._tasks.spawn(self._flush(), name="session flush")
            if work is not None:
                await asyncio.wait({work})
        if failures:
            raise failures[0]

    async def _flush(self) -> None:
        error = await self._outlet.flush(lambda: self.state == "open")
        if error is not None:
            self._break(error)

    async def _pump(self) -> None:
        """Send what the conversation decides, and keep its deadlines."""
        while True:
            await self._flush()
            deadline = self._conversation.next_deadline()
            self._deadline = inf if deadline is None else max(deadline, self._not_before)
            try:
                async with asyncio.timeout_at(None if deadline is None else self._deadline):
                    await self._wake.wait()
            except TimeoutError:
                self.tick()
            self._wake.clear()

    def tick(self) -> None:
        """Note that time has passed, or that the application has played something."""
        try:
            self._conversation.handle_deadline(self._now())
            self._port.report()
            self._wake_if_needed()
            self._renewal.look()
        except Exception as error:  # noqa: BLE001  # the session goes on
            self._not_before = self._now() + TICK_S
            self._port.publish(RealtimeError(error))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    # --- what comes in ------------------------------------------------------------------------------------

    def _hear(self, event: ModelEvent) -> None:
        """Take an event of the model. Quick, and never waits."""
        if isinstance(event, ConnectionStatus):
            self._connected = event.status == "connected"
            self._port.publish(event)
        elif self._deaf:
            return  # of a connection that was given up
        for opening in self._openings:
            opening.hear(event)
        if isinstance(event, ConnectionStatus):
            if event.status == "disconnected":
                self._disconnected()
        elif isinstance(event, ConnectionFailed):
            if isinstance(event.error, ConnectionLostError) and self._reconnects:
                self._broken = event.error
            else:
                self._port.publish(RealtimeError(event.error))
        else:
            try:
                self._receive(event)
            except Exception as error:  # noqa: BLE001  # one event that cannot be taken in harms no other
                self._port.publish(RealtimeError(error))

    def _receive(self, event: ServerEvent | Unknown) -> None:
        self._link.observers.received(event)
        if isinstance(event, ResponseOutputAudioDelta):
            # Fifty of these come in a second, and only the conversation has a use for them.
            self._conversation.receive(event, self._now())
            self._port.report()
            self._wake_if_needed()
            return
        self._unheard.hear(event)
        refused = isinstance(event, ErrorEvent) and str(event.error.event_id).startswith(UPDATE_ID)
        if not refused:  # who changes the settings is told
            self._conversation.receive(event, self._now())
        self._port.heard(event)
        if isinstance(event, SessionCreated | SessionUpdated):
            self._unheard.set_format(input_format(self._conversation.session))
        if isinstance(event, SessionCreated):
            self._renewal.plan(present(event.session.expires_at, None))
        elif isinstance(event, ResponseDone) and event.response.status == "completed":
            self._attempts = 0
        elif isinstance(event, ErrorEvent) and event.error.code == EXPIRED and self._reconnects:
            self._broken = ConnectionLostError("The session has reached the server's time limit.")
        self._wake_if_needed()
        self._renewal.look()

    def _wake_if_needed(self) -> None:
        """Wake the pump for something to send or an earlier deadline: not for each piece of audio."""
        deadline = self._conversation.next_deadline()
        if self._conversation.has_output or (deadline is not None and deadline < self._deadline):
            self._wake.set()

    # --- staying alive ------------------------------------------------------------------------------------

    @property
    def _reconnects(self) -> bool:
        return self._link.reconnect.enabled and self.state in {"open", "reconnecting"}

    def _disconnected(self) -> None:
        if self.state != "open":
            return
        if self._broken is not None:
            self._begin_again(self._broken)
        else:
            self._end()

    def _break(self, error: ConnectionLostError) -> None:
        """Take the connection for lost although nobody has said so."""
        if self.state != "open":
            return
        if self._link.reconnect.enabled:
            self._begin_again(error)
        else:
            self._port.publish(RealtimeError(error))
            self._end()

    def _end(self) -> None:
        self.state = "lost"
        self._opened.set()
        self._port.lost()

    def _begin_again(self, error: ConnectionLostError | None) -> None:
        """Look for another connection; `error` is what became of this one, ``None`` is only its age."""
        self.state = "reconnecting"
        self._deaf = True
        self._opened.clear()
        self._renewal.cancel()
        if error is not None:
            self._port.publish(RealtimeConnectionLost(error))
        self._tasks.spawn(self._reconnect(error), name="session reconnect")

    async def _reconnect(self, error: Exception | None) -> None:
        attached, heard = self._link.attached, self._unheard.end
        self._port.disconnected(self._conversation.lose_connection(self._now(), attached=attached))
        settings = self._link.reconnect
        if error is None or self._now() - self._opened_at >= STABLE_S:
            self._attempts = 0
        while self._attempts < settings.attempts:
            self._attempts += 1
            attempt = self._attempts
            delay = 0.0 if error is None else self._link.delay_before(attempt)
            self._port.publish(RealtimeReconnecting(attempt, delay, error))
            await self._link.give_up()
            await asyncio.sleep(delay)
            try:
                await self._handshake()
                await self._restore(attempt, heard if attached else 0)
            except Exception as failure:  # noqa: BLE001  # whatever a model raises, there is another try
                error = failure
                if isinstance(failure, ConnectionLostError) and failure.status in NOT_WELCOME:
                    break
            else:
                return
        self._port.publish(RealtimeError(error))
        self._end()

    async def _restore(self, attempt: int, heard: int) -> None:
        """Tell the server what it does not know, and go on; it knows the audio up to the position `heard`."""
        events: Sequence[ClientEvent]
        if self._link.attached:
            events = self._conversation.resume()
        else:
            self._conversation.forget_turn(self._unheard.take_back(finds_turns(self._conversation.session)))
            events = self._conversation.restore()
        await self._outlet.send_all(events)
        await self._outlet.send_unheard(heard)
        self._set_open()
        self._port.publish(RealtimeReconnected(attempt))
        self._conversation.connected(self._now(), hears_turn=self._unheard.repeats_turn)
        self._port.report()
        self.wake()

    def _is_quiet(self) -> bool:
        return self.state == "open" and self._conversation.is_quiet(self._now())

    def _begin_afresh(self) -> None:
        self._begin_again(None)
