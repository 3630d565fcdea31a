"""Our peer and ends that are not ours: aiortc as it comes."""

from __future__ import annotations

import asyncio
import contextlib
import re

import numpy as np
import pytest
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
)
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame
from tests.webrtc.ends import LOCAL, End, nothing_left

from vivavoce.webrtc.outbound import SpeakerTrack
from vivavoce.webrtc.peer import RtcPeer


class Browser:
    """Somebody else's end: aiortc as it comes, with its own tone, codecs and channel."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.frames: asyncio.Queue[AudioFrame] = asyncio.Queue()
        self.connection.on("track", self._on_track)
        self._task: asyncio.Task[None] | None = None

    def _on_track(self, track: MediaStreamTrack) -> None:
        self._task = asyncio.get_running_loop().create_task(self._listen(track))

    async def _listen(self, track: MediaStreamTrack) -> None:
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                assert isinstance(frame, AudioFrame)
                self.frames.put_nowait(frame)

    async def call(self, peer: RtcPeer) -> str:
        await self.connection.setLocalDescription()
        answer = await peer.answer(self.connection.localDescription.sdp)
        await self.connection.setRemoteDescription(RTCSessionDescription(answer, "answer"))
        return answer

    async def pitch(self) -> float:
        """What the 20th to 30th frame were, in Hz."""
        frames = [await self.frames.get() for _ in range(30)][20:]
        sound = np.concatenate([frame.to_ndarray()[0][::2] for frame in frames]).astype(float)
        return float(np.argmax(np.abs(np.fft.rfft(sound))) * 48000 / len(sound))

    async def close(self) -> None:
        await self.connection.close()
        if self._task is not None:
            await self._task


def test_somebody_elses_end_is_heard_and_hears() -> None:
    async def talk() -> None:
        with nothing_left():
            browser, end = Browser(), End(700)
            peer = RtcPeer(LOCAL, end)
            browser.connection.addTrack(SpeakerTrack(End(400).pull_audio))
            channel = browser.connection.createDataChannel("oai-events")
            channel.on("message", lambda text: channel.send(f"got {text}"))
            other = browser.connection.createDataChannel("something else")
            answer = await browser.call(peer)
            assert re.search(r"a=msid:\S+ \S+\r\n", answer)
            peer.send("hello")
            await end.until(lambda end: end.texts)
            assert end.texts == ["got hello"]
            await end.hears(0.4)
            assert end.pitch() == pytest.approx(400, abs=10)
            assert await browser.pitch() == pytest.approx(700, abs=10)
            assert other.readyState != "open" or peer.connected
            await browser.close()
            await end.until(lambda end: end.ends)
            assert end.ends == ["the peer hung up"]
            await peer.aclose()

    asyncio.run(talk())


def test_pictures_are_refused_and_the_call_goes_on() -> None:
    async def show() -> None:
        with nothing_left():
            browser, end = Browser(), End(700)
            peer = RtcPeer(LOCAL, end)
            browser.connection.addTrack(SpeakerTrack(End(400).pull_audio))
            browser.connection.createDataChannel("oai-events")
            await browser.connection.setLocalDescription()
            # aiortc takes no refusal: the section is written into its offer, and out of the answer.
            offer = browser.connection.localDescription.sdp
            answer = await peer.answer(offer.replace("m=application", PICTURE + "m=application"))
            refused = "m=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\na=inactive\r\n"
            assert refused + "m=application" in answer
            await browser.connection.setRemoteDescription(
                RTCSessionDescription(answer.replace(refused, ""), "answer")
            )
            await end.hears(0.1)
            await browser.close()
            await peer.aclose()

    asyncio.run(show())


PICTURE = "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"


def test_media_alone_is_a_call() -> None:
    async def talk() -> None:
        with nothing_left():
            browser, end = Browser(), End(700)
            peer = RtcPeer(LOCAL, end)
            browser.connection.addTrack(SpeakerTrack(End(400).pull_audio))
            await browser.call(peer)
            assert not peer.carries_text
            assert not peer.send("nobody reads this")
            await end.hears(0.4)
            assert end.pitch() == pytest.approx(400, abs=10)
            assert end.opened == 0
            await browser.close()
            await peer.aclose()

    asyncio.run(talk())


def test_who_only_listens_hears() -> None:
    async def listen() -> None:
        with nothing_left():
            browser, end = Browser(), End(700)
            peer = RtcPeer(LOCAL, end)
            browser.connection.addTransceiver("audio", "recvonly")
            await browser.call(peer)
            assert await browser.pitch() == pytest.approx(700, abs=10)
            assert end.heard == b""
            await browser.close()
            await peer.aclose()

    asyncio.run(listen())


@pytest.mark.parametrize("name", ["PCMU", "PCMA"])
def test_a_telephones_codec_will_do(name: str) -> None:
    async def talk() -> None:
        browser, end = Browser(), End(700)
        peer = RtcPeer(LOCAL, end)
        speaker = SpeakerTrack(End(400).pull_audio)
        speaker.use(name)
        browser.connection.addTrack(speaker)
        (transceiver,) = browser.connection.getTransceivers()
        known = RTCRtpSender.getCapabilities("audio").codecs
        transceiver.setCodecPreferences([codec for codec in known if codec.name == name])
        assert "opus" not in await browser.call(peer)
        await end.hears(0.4)
        assert end.pitch() == pytest.approx(400, abs=10)
        frames = [await browser.frames.get() for _ in range(30)][20:]
        sound = np.concatenate([frame.to_ndarray()[0] for frame in frames]).astype(float)
        assert np.argmax(np.abs(np.fft.rfft(sound))) * 8000 / len(sound) == pytest.approx(700, abs=10)
        await browser.close()
        await peer.aclose()

    asyncio.run(talk())
