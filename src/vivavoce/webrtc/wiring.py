"""A peer connection of aiortc, wired to our own sockets, packets and channel."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from aiortc import (
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpCodecParameters,
    RTCRtpSender,
    RTCSessionDescription,
)

from vivavoce.webrtc import seams
from vivavoce.webrtc.ice import IceLink
from vivavoce.webrtc.inbound import Inbound
from vivavoce.webrtc.intake import Intake
from vivavoce.webrtc.outbound import SpeakerTrack
from vivavoce.webrtc.screening import Screen
from vivavoce.webrtc.sdp import CODECS

if TYPE_CHECKING:
    from collections.abc import Callable

    from vivavoce.webrtc.channel import TextChannel
    from vivavoce.webrtc.config import RtcConfig
    from vivavoce.webrtc.sdp import Description

logger = logging.getLogger(__name__)

_CLOSE_S = 0.6


class Voices(Protocol):
    """Where the peer's voice goes, and where ours comes from."""

    def on_audio(self, pcm: bytes) -> None:
        """Take 20 ms or so of the peer's voice."""

    def pull_audio(self) -> bytes:
        """Give the next 20 ms of ours."""


class Wiring:
    """The machinery of one call.

    Args:
        config: how the peer is reached.
        voices: where sound goes and comes from.
        channel: what takes the data channel.
        on_heard: called for each datagram of the peer.
        on_state: called with each new state: ``connecting``, ``connected``, ``failed``, ``closed``.
    """

    def __init__(
        self,
        config: RtcConfig,
        voices: Voices,
        channel: TextChannel,
        *,
        on_heard: Callable[[], None],
        on_state: Callable[[str], None],
    ) -> None:
        self.link = IceLink(config, on_heard)
        self.inbound = Inbound(voices.on_audio)
        self._speaker = SpeakerTrack(voices.pull_audio)
        self._screens_messages = False
        # No servers are named here, or aiortc would ask one of its own choice; ours are the link's matter.
        self.connection = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self._transceiver = self.connection.addTransceiver(self._speaker, "sendrecv")
        known = RTCRtpSender.getCapabilities("audio").codecs
        self._transceiver.setCodecPreferences(
            [codec for name in CODECS for codec in known if codec.name == name]
        )
        transport = self._transceiver.sender.transport
        seams.carry(transport, self.link)
        self._screen = screen = Screen()
        self._intake = Intake(self.link.recv, screen.media)
        seams.screen_media(transport, self._intake.recv, screen.rtp, screen.rtcp)
        self.inbound.tap(self._transceiver.receiver)
        self.connection.on("datachannel", channel.use)
        self.connection.on("connectionstatechange", lambda: on_state(self.connection.connectionState))

    @property
    def connected(self) -> bool:
        """Whether ICE and DTLS are done."""
        return self.connection.connectionState == "connected"

    @property
    def unread(self) -> int:
        """Bytes of messages that came in part."""
        return seams.unread(self.connection.sctp) if self.connection.sctp else 0

    async def hear(self, remote: Description, kind: str) -> None:
        """Take the peer's description.

        Args:
            remote: what was taken of it.
            kind: ``offer`` or ``answer``.
        """
        if kind == "offer":
            self._intake.keep_pace()
        await self.connection.setRemoteDescription(RTCSessionDescription(remote.write(), kind))
        self._screen_messages()
        if remote.redundant is not None and kind == "offer":
            red = RTCRtpCodecParameters("audio/red", 48000, channels=2, payloadType=remote.redundant)
            seams.also_receive(self._transceiver, red)
        self._speaker.use(remote.codec)

    async def speak(self) -> str:
        """Make our own description, offer or answer as is due, with all candidates."""
        if self.connection.sctp is not None:
            seams.send_again_soon(self.connection.sctp)
            seams.begin_untagged(self.connection.sctp)
        self._screen_messages()
        await self.connection.setLocalDescription()
        return self.connection.localDescription.sdp

    def _screen_messages(self) -> None:
        """Once there is something that takes messages, and before any can come."""
        if self.connection.sctp is not None and not self._screens_messages:
            self._screens_messages = True
            seams.screen_messages(self.connection.sctp, self._screen.messages)

    def stop(self) -> None:
        """Let no sound through any more, either way."""
        self._speaker.stop()
        self.inbound.close()

    async def close(self) -> None:
        """Say good-bye to the peer and free everything."""
        self.stop()
        try:
            async with asyncio.timeout(_CLOSE_S):
                # It may be closing by itself, and would fail if whoever waits for that were cancelled.
                await asyncio.shield(self.connection.close())
                await self.link.released()
        except TimeoutError:
            logger.warning("A WebRTC call took too long to close; its sockets are closed now")
            await self.link.close()
