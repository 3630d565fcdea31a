"""`BrowserLine`: a person in a browser, or at another WebRTC peer, who talks to an agent in this program."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from vivavoce.lines.webrtc_playback import SAMPLE_RATE, CuttingTracker, PacedPlayback
from vivavoce.webrtc.config import RtcConfig
from vivavoce.webrtc.peer import RtcPeer

if TYPE_CHECKING:
    from vivavoce.conversation.playback import RealtimePlaybackTracker
    from vivavoce.lines.playback import PlayedPiece

UNHEARD_BYTES = 10 * SAMPLE_RATE * 2
"""Speech of the person that may wait for `BrowserLine.hear`: ten seconds; then the oldest is dropped."""


class BrowserLine:
    """A `Line` over WebRTC: one microphone, one loudspeaker, and the data channel "oai-events".

    The loudspeaker sets the pace: what is queued with `play` leaves in frames of 20 ms, and `tracker` is told
    of each. Needs the extra ``webrtc``.

    Args:
        config: ports, addresses, STUN and TURN, patience; default: any port, no server on the way.
        on_text: called with each message of the data channel; a plain, quick function. Default: none.
        on_open: called once, when the data channel is open.
        on_frame: called every 20 ms of media time, with the pieces that were played in them: none is silence.

    Attributes:
        sample_rate: 24,000, both ways.
        tracker: is told of all that was played; belongs into the `model_config` of the session.
        ended: why there is nobody any more, in words; ``None`` while there may be somebody.
    """

    sample_rate = SAMPLE_RATE

    def __init__(
        self,
        config: RtcConfig | None = None,
        *,
        on_text: Callable[[str], None] | None = None,
        on_open: Callable[[], None] | None = None,
        on_frame: Callable[[tuple[PlayedPiece, ...]], None] | None = None,
    ) -> None:
        tracker = CuttingTracker()
        self.tracker: RealtimePlaybackTracker = tracker
        self.ended: str | None = None
        self._playback = PacedPlayback(tracker)
        self._unheard = bytearray()
        self._ready = asyncio.Event()
        self._on_text = on_text
        self._on_open = on_open
        self._on_frame = on_frame
        self._peer = RtcPeer(config or RtcConfig(), _Events(self))

    @property
    def connected(self) -> bool:
        """Whether media flows."""
        return self._peer.connected

    @property
    def playing(self) -> bool:
        """Whether speech of the agent is queued for the ear."""
        return self._playback.playing

    async def answer(self, offer: str) -> str:
        """Take the SDP offer of a browser and return the answer, with all candidates in it.

        Raises:
            SdpError: the offer is none, or asks for what is not offered here.
            NoPortError: every port of `RtcConfig.udp_ports` is taken.
            MissingExtraError: aiortc is not installed.
        """
        return await self._peer.answer(offer)

    @property
    def carries_text(self) -> bool:
        """Whether there is a data channel, open or to come."""
        return self._peer.carries_text

    async def hear(self) -> bytes:
        """Wait for more of the person's voice and return it; nothing once they are gone."""
        while not self._unheard and self.ended is None:
            self._ready.clear()
            await self._ready.wait()
        pcm = bytes(self._unheard)
        self._unheard.clear()
        return pcm

    def play(self, item_id: str, content_index: int, pcm: bytes) -> None:
        """Queue speech of the agent for the ear; up to half an hour waits. Never waits itself."""
        self._playback.play(item_id, content_index, pcm)

    def clear(self) -> None:
        """Be silent from the next frame on: what is queued will not be heard."""
        self._playback.clear()

    def send_text(self, text: str) -> bool:
        """Queue a message on the data channel; before it is open, messages wait.

        Returns:
            False when the message is longer than the peer takes, or when nobody is there any more.
        """
        return self._peer.send(text)

    async def aclose(self) -> None:
        """Hang up, within a second. Twice is fine."""
        self._end("hung up here")
        await self._peer.aclose()

    # --- what the peer connection tells -------------------------------------------------------------------

    def _heard(self, pcm: bytes) -> None:
        self._unheard += pcm
        if (excess := len(self._unheard) - UNHEARD_BYTES) > 0:
            del self._unheard[:excess]
        self._ready.set()

    def _pull(self) -> bytes:
        heard = self._playback.pull()
        if self._on_frame is not None:
            self._on_frame(heard.pieces)
        return heard.pcm

    def _end(self, reason: str) -> None:
        if self.ended is None:
            self.ended = reason
        self._ready.set()


class _Events:
    """What the line's peer connection is given: `PeerEvents`."""

    def __init__(self, line: BrowserLine) -> None:
        self.on_audio = line._heard  # noqa: SLF001  # these two are one thing
        self.pull_audio = line._pull  # noqa: SLF001
        self.on_end = line._end  # noqa: SLF001
        self._line = line

    def on_text(self, text: str) -> None:
        if (listener := self._line._on_text) is not None:  # noqa: SLF001
            listener(text)

    def on_open(self) -> None:
        if (listener := self._line._on_open) is not None:  # noqa: SLF001
            listener()

    def on_drained(self) -> None:
        """Nothing waits for it here: who does not read is hung up on by the peer connection."""
