"""The voice that comes in: through aiortc's own machinery, and understood in spite of loss and jitter."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("aiortc", reason="needs vivavoce[webrtc]")

from aiortc import RTCPeerConnection, RTCRtpReceiver
from tests.webrtc.line import Ear, Line, on_a_line, steadily, tone

from vivavoce.testing.words import word_error_rate
from vivavoce.webrtc.codecs import FRAME_BYTES, VOICE_RATE
from vivavoce.webrtc.inbound import Inbound
from vivavoce.webrtc.outbound import SpeakerTrack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_a_receiver_of_aiortc_gives_its_packets() -> None:
    """Of what is private in aiortc, this is what is used: it fails where a new version has moved it."""

    async def main() -> None:
        heard = asyncio.Event()
        ear = Ear()

        def hear(pcm: bytes) -> None:
            ear.hear(pcm)
            if ear.seconds > 0.4:
                heard.set()

        caller, called = RTCPeerConnection(), RTCPeerConnection()
        voice = tone(5.0)
        frames = iter(voice[at : at + FRAME_BYTES] for at in range(0, len(voice), FRAME_BYTES))
        caller.addTrack(SpeakerTrack(lambda: next(frames, b"")))
        inbound = Inbound(hear)
        try:
            await caller.setLocalDescription()
            transceiver = called.addTransceiver("audio", "recvonly")
            inbound.tap(transceiver.receiver)
            await called.setRemoteDescription(caller.localDescription)
            await called.setLocalDescription()
            await caller.setRemoteDescription(called.localDescription)
            async with asyncio.timeout(20):
                await heard.wait()
            assert inbound._codecs, "aiortc's receiver keeps its codecs elsewhere now: see Inbound.tap"
            statistics = await transceiver.receiver.getStats()
            counted = [report for report in statistics.values() if report.type == "inbound-rtp"]
            assert counted[0].packetsReceived == inbound.reception.packets > 15
            assert ear.loudness(0.1, 0.4) == pytest.approx(4243, rel=0.15)
            queued = transceiver.receiver._RTCRtpReceiver__decoder_queue  # type: ignore[attr-defined]
            assert queued.empty()
        finally:
            inbound.close()
            await asyncio.gather(caller.close(), called.close())

    asyncio.run(main())


@pytest.mark.parametrize("name", ["__codecs", "__jitter_buffer", "__decoder_queue"])
def test_aiortc_has_what_is_taken_from_it(name: str) -> None:
    async def main() -> None:
        connection = RTCPeerConnection()
        receiver = connection.addTransceiver("audio").receiver
        assert isinstance(receiver, RTCRtpReceiver)
        assert hasattr(receiver, f"_RTCRtpReceiver{name}"), f"aiortc's receiver has no {name} any more"
        await connection.close()

    asyncio.run(main())


SENTENCES = (
    "can you tell me when the next train leaves for chicago",
    "my brother lives in a small house near the river",
)


@pytest.mark.local
@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("copies", "loss", "jitter_s", "allowed"),
    [(0, 0.05, 0.0, 0.2), (0, 0.15, 0.08, 0.25), (1, 0.15, 0.08, 0.15)],
)
def test_speech_stays_intelligible(
    copies: int, loss: float, jitter_s: float, allowed: float, speech_clip: Callable[..., Path]
) -> None:
    """Lost at random, from a seed; the recogniser on such clips without any loss: 0.04."""
    pytest.importorskip("pocketsphinx", reason="needs vivavoce[local]")
    from vivavoce.audio.resample import Resampler
    from vivavoce.audio.wav import read_wav
    from vivavoce.engines.base import TranscriptionOptions
    from vivavoce.engines.stt.pocketsphinx import PocketsphinxTranscriber

    spoken = [(said, voice) for said in SENTENCES for voice in ("slt", "rms")]
    heard: list[bytes] = []
    for number, (said, voice) in enumerate(spoken):
        chance = random.Random(number)
        pcm = bytes(9600) + read_wav(speech_clip(said, voice)).pcm + bytes(24_000)

        async def scenario(line: Line, pcm: bytes = pcm, chance: random.Random = chance) -> None:
            arrivals = [
                (at + chance.random() * jitter_s, packet)
                for at, packet in steadily(line.packets(pcm))
                if chance.random() >= loss
            ]
            await line.play(arrivals, then=0.3)

        line = on_a_line(scenario, copies=copies)
        assert line.reception.lost + line.reception.recovered > 0
        heard.append(Resampler(VOICE_RATE, 16_000).process(line.ear.pcm))

    async def transcribe() -> list[str]:
        transcriber = PocketsphinxTranscriber(workers=2)

        async def one(pcm: bytes) -> str:
            stream = transcriber.open(TranscriptionOptions(), lambda _: None)
            for at in range(0, len(pcm), 3200):
                stream.feed(pcm[at : at + 3200])
            return (await stream.finish()).text

        try:
            return await asyncio.gather(*(one(pcm) for pcm in heard))
        finally:
            await transcriber.aclose()

    texts = asyncio.run(transcribe())
    words = sum(len(said.split()) for said, _ in spoken)
    errors = sum(
        word_error_rate(said, text) * len(said.split()) for (said, _), text in zip(spoken, texts, strict=True)
    )
    assert errors / words <= allowed, texts
