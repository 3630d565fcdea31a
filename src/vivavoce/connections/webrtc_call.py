"""`WebRTCCall`: one call to a realtime server, from its offer to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from vivavoce.connections.base import ConnectionFailed, ModelEvent
from vivavoce.connections.webrtc_speech import IncomingSpeech
from vivavoce.connections.webrtc_voice import MAX_QUEUED_MS, OutgoingVoice
from vivavoce.connections.websocket import event_text
from vivavoce.conversation.client_session import input_format
from vivavoce.errors import ConfigurationError, ConnectionLostError, RemoteProtocolError
from vivavoce.protocol import (
    ClientEvent,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    OutputAudioBufferClear,
    SessionCreated,
    SessionUpdated,
)
from vivavoce.protocol.codec import decode_server_event
from vivavoce.webrtc.peer import HIGH_WATER, RtcPeer

if TYPE_CHECKING:
    from vivavoce.webrtc.config import RtcConfig

MAX_EARLY = 256
"""Messages that may come before the call is taken over; more than any server says by itself."""
MAX_WAITING_MESSAGES = 256
"""Messages that may wait behind speech; who sends more waits with them."""


class WebRTCCall:
    """One call. It is what its peer connection reports to.

    Args:
        config: how the peer is reached.
        emit: takes what the session is to hear.
        ended: called once when the call has ended from the other end, with the reason.

    Attributes:
        peer: the peer connection.
    """

    def __init__(
        self, config: RtcConfig, emit: Callable[[ModelEvent], None], ended: Callable[[str], None]
    ) -> None:
        self.peer = RtcPeer(config, self)
        self._emit = emit
        self._ended = ended
        self._speech = IncomingSpeech()
        self._voice = OutgoingVoice()
        self._early: list[str] | None = []
        self._reason = ""
        self._over = False
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._armed: float | None = None

    # --- opening and closing ------------------------------------------------------------------------------

    async def wait_open(self) -> None:
        """Wait for the server's first message.

        Raises:
            ConnectionLostError: the call ended before.
        """
        while not self._early and not self._over:
            await self._news.wait()
            self._news.clear()
        if self._over:
            raise ConnectionLostError(f"The call could not be made: {self._reason}")

    def take_over(self) -> None:
        """Begin to deliver: first what has come already."""
        early, self._early = self._early or [], None
        for text in early:
            self.on_text(text)
        if self._over:
            self._ended(self._reason)

    async def aclose(self) -> None:
        """Hang up."""
        self._end("it was closed")
        await self.peer.aclose()

    def _end(self, reason: str) -> None:
        self._over, self._reason = True, self._reason or reason
        self._news.set()
        self._room.set()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- what the peer connection reports -----------------------------------------------------------------

    def on_open(self) -> None:
        """Note that messages can travel; the server says so itself, with its first one."""

    def on_text(self, text: str) -> None:
        """Take a message of the server."""
        if self._early is not None:
            if len(self._early) < MAX_EARLY:
                self._early.append(text)
            self._news.set()
            return
        try:
            event = decode_server_event(text)
        except RemoteProtocolError as error:
            self._emit(ConnectionFailed(error))
            return
        self._deliver(self._speech.receive(event, self._now()))
        if isinstance(event, SessionCreated | SessionUpdated):
            self._voice.set_format(input_format(self._speech.session))

    def on_audio(self, pcm: bytes) -> None:
        """Take the agent's voice."""
        if self._early is None:
            self._deliver(self._speech.hear(pcm, self._now()))

    def pull_audio(self) -> bytes:
        """Give the user's voice; what must not overtake it leaves now."""
        frame, messages = self._voice.pull()
        for text in messages:
            self.peer.send(text)
        self._room.set()
        return frame

    def on_drained(self) -> None:
        """Let go on who waits for the peer to read."""
        self._room.set()

    def on_end(self, reason: str) -> None:
        """Note that the call has ended from the other end."""
        self._end(reason)
        if self._early is None:
            self._ended(reason)

    # --- what is delivered --------------------------------------------------------------------------------

    def _deliver(self, events: Iterable[ModelEvent]) -> None:
        for event in events:
            self._emit(event)
        deadline = self._speech.next_deadline()
        if deadline != self._armed and not self._over:
            self._armed = deadline
            if self._timer is not None:
                self._timer.cancel()
            loop = asyncio.get_running_loop()
            self._timer = None if deadline is None else loop.call_at(deadline, self._fall_due)

    def _fall_due(self) -> None:
        self._timer = self._armed = None
        # Timers may come a little early.
        self._deliver(self._speech.handle_deadline(max(self._now(), self._speech.next_deadline() or 0.0)))

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    # --- what is sent -------------------------------------------------------------------------------------

    async def send(self, event: ClientEvent, *, within_s: float) -> None:
        """Send an event: speech as speech, at the pace of the call, everything else as a message.

        Args:
            event: as for a WebSocket.
            within_s: seconds for which a message may wait for a peer that does not read.

        Raises:
            ConfigurationError: the event is longer than the server takes.
            ConnectionLostError: the call has ended, or the peer has stopped reading.
        """
        match event:
            case InputAudioBufferAppend():
                await self._say(event.audio)
                return
            case InputAudioBufferCommit():
                await self._commit(event)
                return
            case InputAudioBufferClear():
                self._voice.clear()
        events, heard = self._speech.send(event, self._now())
        self._deliver(heard)
        for each in events:
            overtakes = isinstance(each, OutputAudioBufferClear)
            await self.send_text(str(each.type), event_text(each), within_s=within_s, overtakes=overtakes)

    async def _say(self, audio: bytes) -> None:
        for piece in self._voice.pieces(audio):
            while self._voice.queued_ms >= MAX_QUEUED_MS:
                await self._wait_for_room("input_audio_buffer.append")
            self._check_open("input_audio_buffer.append")
            self._voice.push(piece)

    async def _commit(self, event: InputAudioBufferCommit) -> None:
        """End the user's turn when all of it has left."""
        await self._wait_for_order(str(event.type))
        self._voice.follow(event_text(event))

    async def send_text(self, name: str, text: str, *, within_s: float, overtakes: bool = False) -> None:
        """Send a message; behind a commit that waits for its speech it waits, too.

        Args:
            name: what it is called, for messages to people.
            text: the message.
            within_s: seconds for which it may wait for a peer that does not read.
            overtakes: it waits for no speech.

        Raises:
            ConfigurationError: it is longer than the server takes.
            ConnectionLostError: the call has ended, or the peer has stopped reading.
        """
        longest, size = self.peer.max_message_size, len(text.encode(errors="replace"))
        if longest and size > longest:
            raise ConfigurationError(
                f"{name} has {size} bytes, and this server takes at most {longest} in one message of a call: "
                "make it shorter (pictures smaller), or use WebSocketRealtimeModel"
            )
        await self._wait_for_order(name)
        if self._voice.messages and not overtakes:
            self._voice.follow(text, settle=False)
            return
        try:
            async with asyncio.timeout(within_s):
                while self.peer.buffered > HIGH_WATER:
                    await self._wait_for_room(name)
        except TimeoutError as error:
            raise ConnectionLostError(
                f"cannot send {name}: the server has read nothing for {within_s:g} s"
            ) from error
        if not self.peer.send(text):
            raise ConnectionLostError(f"cannot send {name}: the call has ended")

    async def _wait_for_order(self, name: str) -> None:
        while self._voice.messages >= MAX_WAITING_MESSAGES:
            await self._wait_for_room(name)
        self._check_open(name)

    async def _wait_for_room(self, name: str) -> None:
        self._check_open(name)
        self._room.clear()
        await self._room.wait()

    def _check_open(self, name: str) -> None:
        if self._over:
            raise ConnectionLostError(f"cannot send {name}: the call has ended: {self._reason}")
