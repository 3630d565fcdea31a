"""One peer connection: a voice each way, and the data channel "oai-events"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from vivavoce.webrtc.config import RtcConfig

HIGH_WATER = 256 * 1024
LOW_WATER = 64 * 1024
MAX_BUFFERED = 8 * 1024 * 1024


class PeerEvents(Protocol):
    """What the user of a peer is told and asked. Every method is quick and runs on the event loop."""

    def on_audio(self, pcm: bytes) -> None:
        """Take the peer's voice: PCM16 mono 24 kHz, in order, losses concealed, usually 20 ms."""

    def pull_audio(self) -> bytes:
        """Give the next 20 ms for the peer's ear: 960 bytes (PCM16 mono 24 kHz), or ``b""`` for silence."""

    def on_text(self, text: str) -> None:
        """Take one text message of the data channel."""

    def on_open(self) -> None:
        """Learn that the data channel is open."""

    def on_drained(self) -> None:
        """Learn that `RtcPeer.buffered` fell below `LOW_WATER` after it had been above `HIGH_WATER`."""

    def on_end(self, reason: str) -> None:
        """Learn, once, that the peer hung up, vanished or never connected; never after `RtcPeer.aclose`."""


class RtcPeer:
    """One end of a peer connection.

    Args:
        config: how the peer is reached, and how long it is waited for.
        events: who is told what comes in, and asked for what goes out.
    """

    def __init__(self, config: RtcConfig, events: PeerEvents) -> None:
        self._config = config
        self._events = events

    async def answer(self, offer: str) -> str:
        """Take an SDP offer and give the answer, with all candidates in it.

        Raises:
            SdpError: the offer is none, or asks for what is not offered here; the message says what.
            NoPortError: every port of `RtcConfig.udp_ports` is taken.
        """
        raise NotImplementedError

    async def offer(self) -> str:
        """Make the data channel "oai-events" and one audio section, and give the SDP offer for them."""
        raise NotImplementedError

    async def accept(self, answer: str) -> None:
        """Take the SDP answer to `offer`.

        Raises:
            SdpError: the answer is none, or does not fit the offer.
        """
        raise NotImplementedError

    def send(self, text: str) -> bool:
        """Queue a message on the data channel; before it is open, messages wait.

        Returns:
            False when the message is longer than the peer takes (`max_message_size`), or when there is nobody
            to send to any more; True otherwise.
        """
        raise NotImplementedError

    @property
    def max_message_size(self) -> int:
        """The longest message, in bytes of UTF-8, that the peer takes; 0 when any length will do."""
        raise NotImplementedError

    @property
    def buffered(self) -> int:
        """Bytes queued on the data channel."""
        raise NotImplementedError

    @property
    def connected(self) -> bool:
        """Whether media flows: ICE and DTLS are done, and the peer has not ended."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Hang up and free sockets, tasks and threads, within a second. Twice is fine."""
        raise NotImplementedError
