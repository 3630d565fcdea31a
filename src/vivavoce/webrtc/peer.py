"""One peer connection: a voice each way, and the data channel "oai-events".

Realtime API over WebRTC: the caller offers one audio section and the channel, and gets the answer over HTTP.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Protocol

from vivavoce.errors import LocalProtocolError, MissingExtraError, SdpError
from vivavoce.tasks import Tasks
from vivavoce.webrtc.channel import HIGH_WATER, LABEL, LOW_WATER, MAX_BUFFERED, ChannelEvents, TextChannel
from vivavoce.webrtc.presence import Presence, Verdict
from vivavoce.webrtc.sdp import Candidates, Description, read_answer, read_offer, write_local

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from vivavoce.webrtc.config import RtcConfig
    from vivavoce.webrtc.inbound import Reception
    from vivavoce.webrtc.wiring import Wiring

__all__ = ["HIGH_WATER", "HUNG_UP", "LOW_WATER", "MAX_BUFFERED", "PeerEvents", "RtcPeer", "load"]

# A mebibyte is what a peer may send before a message is whole; aiortc takes more without a word.
HUNG_UP = "the peer hung up"
"""The reason of `PeerEvents.on_end` that is no fault."""

_MAX_UNREAD = 1024 * 1024 + 65536


class PeerEvents(ChannelEvents, Protocol):
    """What the user of a peer is told and asked, on the event loop; methods are quick and raise nothing."""

    def on_audio(self, pcm: bytes) -> None:
        """Take the peer's voice: PCM16 mono 24 kHz, in order, losses concealed, usually 20 ms."""

    def pull_audio(self) -> bytes:
        """Give the next 20 ms for the peer's ear: 960 bytes (PCM16 mono 24 kHz), or ``b""`` for silence."""

    def on_text(self, text: str) -> None:
        """Take one text message of the data channel."""

    def on_open(self) -> None:
        """Learn that the data channel is open; once, also when the peer opens it again."""

    def on_drained(self) -> None:
        """Learn that `RtcPeer.buffered` fell below `LOW_WATER` after it had been above `HIGH_WATER`."""

    def on_end(self, reason: str) -> None:
        """Learn, once, that the peer hung up, vanished or never connected; never after `RtcPeer.aclose`."""


def load() -> type[Wiring]:
    """Load the machinery, some 0.3 s the first time; at a server's start, so that no caller waits for it.

    Raises:
        MissingExtraError: the extra `webrtc` is not installed.
    """
    try:
        from vivavoce.webrtc.wiring import Wiring
    except ModuleNotFoundError:
        raise MissingExtraError("webrtc", "a call over WebRTC") from None
    return Wiring


class RtcPeer:
    """One end of a peer connection: it answers an offer, or offers and accepts the answer.

    When `PeerEvents.on_end` has been called nothing moves any more; `aclose` frees what is left.

    Args:
        config: how the peer is reached, and how long it is waited for.
        events: who is told what comes in, and asked for what goes out.
    """

    def __init__(self, config: RtcConfig, events: PeerEvents) -> None:
        self._config = config
        self._events = events
        self._channel = TextChannel(events, self._drop)
        self._carries_text = True
        self._wiring: Wiring | None = None
        self._offer = ""
        self._tasks = Tasks()
        self._closing: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._presence = Presence(config.connect_s, config.vanish_s, 0.0)
        self._over = False

    async def answer(self, offer: str) -> str:
        """Take an SDP offer and give the answer, with all candidates in it.

        Raises:
            SdpError: the offer is none, or asks for what there is not; the message says what.
            NoPortError: every port of `RtcConfig.udp_ports` is taken.
            ConfigurationError: no address of `RtcConfig.addresses` can be bound, or the extra is missing.
        """
        self._check_new()
        remote = read_offer(offer, Candidates.PUBLIC if self._config.ice_servers else Candidates.NONE)
        wiring = self._wiring = self._wire()
        async with self._or_closed():
            await wiring.hear(remote, "offer")
            text = await wiring.speak()
        self._expect(remote)
        return write_local(text, remote)

    async def offer(self) -> str:
        """Make the data channel "oai-events" and one audio section, and give the SDP offer for them.

        Raises:
            NoPortError: every port of `RtcConfig.udp_ports` is taken.
            ConfigurationError: no address of `RtcConfig.addresses` can be bound, or the extra is missing.
        """
        self._check_new()
        wiring = self._wiring = self._wire()
        async with self._or_closed():
            self._channel.use(wiring.connection.createDataChannel(LABEL))
            self._offer = write_local(await wiring.speak())
        return self._offer

    async def accept(self, answer: str) -> None:
        """Take the SDP answer to `offer`. When it cannot be taken, the call is closed.

        Raises:
            SdpError: the answer is none, or does not fit the offer.
            LocalProtocolError: there was no offer, or it has been answered.
        """
        wiring, offer = self._wiring, self._offer
        if wiring is None or not offer:
            raise LocalProtocolError("accept takes the answer to an offer: call offer first, accept once")
        async with self._or_closed():
            remote = read_answer(answer, offer)
            self._offer = ""
            self._expect(remote)
            await wiring.hear(remote, "answer")

    def send(self, text: str) -> bool:
        """Queue a message on the data channel; before it is open, messages wait.

        Returns:
            False when the message was not taken: it is longer than `max_message_size`, or nothing can be sent
            (any more): the peer offered no data channel, closed it, or has ended.
        """
        return self._carries_text and not self._over and self._channel.send(text)

    @property
    def max_message_size(self) -> int:
        """The longest message, in bytes of UTF-8, that the peer takes; 0 when any length will do."""
        return self._channel.max_message_size

    @property
    def carries_text(self) -> bool:
        """Whether there is a data channel, open or to come; without one, media alone is the call."""
        return self._carries_text

    @property
    def buffered(self) -> int:
        """Bytes queued on the data channel."""
        return self._channel.buffered

    @property
    def connected(self) -> bool:
        """Whether media flows: ICE and DTLS are done, and the peer has not ended."""
        return not self._over and self._wiring is not None and self._wiring.connected

    @property
    def reception(self) -> Reception | None:
        """What came of the peer's voice, counted; ``None`` before there is a peer."""
        return self._wiring.inbound.reception if self._wiring else None

    async def aclose(self) -> None:
        """Hang up and free sockets, tasks and threads, within a second. Twice is fine."""
        self._stop()
        if self._wiring is not None and self._closing is None:
            self._closing = self._tasks.spawn(self._wiring.close(), "end of a WebRTC call")
        if self._closing is not None:
            # Whoever waits may be cancelled; the closing goes on.
            await asyncio.shield(self._closing)

    def _check_new(self) -> None:
        if self._wiring is not None or self._over:
            raise SdpError("This call has its description already; begin a new call instead of renegotiating")

    def _wire(self) -> Wiring:
        make = load()
        return make(self._config, self._events, self._channel, on_heard=self._heard, on_state=self._changed)

    @contextlib.asynccontextmanager
    async def _or_closed(self) -> AsyncIterator[None]:
        try:
            yield
        except BaseException:
            await self.aclose()
            raise

    def _expect(self, remote: Description) -> None:
        """Wait for the peer, now that both know of each other."""
        if self._over:
            return
        self._carries_text = remote.channel is not None
        self._channel.max_message_size = remote.max_message_size
        now = asyncio.get_running_loop().time()
        self._presence = Presence(self._config.connect_s, self._config.vanish_s, now)
        self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        delay = max(0.0, self._presence.next_deadline() - loop.time())
        self._timer = loop.call_later(delay, self._on_time)

    def _on_time(self) -> None:
        wiring = self._wiring
        assert wiring is not None
        verdict = self._presence.handle_deadline(asyncio.get_running_loop().time())
        if verdict is Verdict.ABSENT:
            self._end(f"the peer did not connect within {self._config.connect_s:g} s")
        elif verdict is Verdict.VANISHED:
            self._end(f"nothing was heard of the peer for {self._config.vanish_s:g} s")
        else:
            if verdict is Verdict.PROBE:
                wiring.link.probe()
            self._arm()

    def _heard(self) -> None:
        self._presence.heard(asyncio.get_running_loop().time())
        if self._wiring is not None and self._wiring.unread > _MAX_UNREAD:
            self._drop("sends more than it may")

    def _changed(self, state: str) -> None:
        if self._over:
            return
        if state == "connected":
            self._presence.connected(asyncio.get_running_loop().time())
            self._arm()
        elif state == "closed":
            self._end(HUNG_UP)
        elif state == "failed":
            self._end("the connection failed: the two ends agree on no encryption, or no way is left")

    def _drop(self, fault: str) -> None:
        self._end(f"the peer {fault}")

    def _end(self, reason: str) -> None:
        if not self._over:
            self._stop()
            self._events.on_end(reason)

    def _stop(self) -> None:
        self._over = True
        self._channel.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._wiring is not None:
            self._wiring.stop()
