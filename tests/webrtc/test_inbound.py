"""The voice that comes in: in order, without holes, never for long behind the present."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("aiortc", reason="needs vivavoce[webrtc]")

from aiortc import RTCPeerConnection, RTCRtpCodecParameters, RTCRtpReceiver
from aiortc.rtp import RtpPacket

from vivavoce.audio.red import RedBlock, join_red
from vivavoce.testing.clock import run
from vivavoce.testing.words import word_error_rate
from vivavoce.webrtc.codecs import FRAME_BYTES, VOICE_RATE, VoiceEncoder, encoder_for
from vivavoce.webrtc.inbound import MAX_CONCEALED, MAX_HOLE, PAUSE_S, Inbound, Reception
from vivavoce.webrtc.outbound import SpeakerTrack

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence
    from pathlib import Path

FRAME_S = 0.02
OPUS, RED, PCMU, PCMA, OTHER = 111, 63, 0, 8, 9
CODECS = {
    OPUS: RTCRtpCodecParameters("audio/opus", 48000, 2, OPUS),
    RED: RTCRtpCodecParameters("audio/red", 48000, 2, RED),
    PCMU: RTCRtpCodecParameters("audio/PCMU", 8000, 1, PCMU),
    PCMA: RTCRtpCodecParameters("audio/PCMA", 8000, 1, PCMA),
    OTHER: RTCRtpCodecParameters("audio/G722", 8000, 1, OTHER),
}
NAMES = {OPUS: "opus", PCMU: "PCMU", PCMA: "PCMA"}


def tone(seconds: float, hertz: float = 300.0) -> bytes:
    return (
        (6000 * np.sin(2 * np.pi * hertz * np.arange(round(VOICE_RATE * seconds)) / VOICE_RATE))
        .astype("<i2")
        .tobytes()
    )


@dataclass
class Ear:
    """What was given, and when each piece began to be."""

    pieces: list[tuple[float, bytes]] = field(default_factory=list)

    def hear(self, pcm: bytes) -> None:
        self.pieces.append((asyncio.get_running_loop().time(), pcm))

    @property
    def pcm(self) -> bytes:
        return b"".join(pcm for _, pcm in self.pieces)

    @property
    def seconds(self) -> float:
        return len(self.pcm) / 2 / VOICE_RATE

    def loudness(self, begin: float, end: float) -> float:
        part = self.pcm[2 * round(begin * VOICE_RATE) : 2 * round(end * VOICE_RATE)]
        return float(np.std(np.frombuffer(part, "<i2")))


@dataclass
class Line:
    """A sender, and a receiver that takes its packets at times of the virtual clock.

    Attributes:
        payload_type: of the packets.
        copies: how many packets before it are repeated in each (RED).
    """

    payload_type: int = OPUS
    copies: int = 0
    ear: Ear = field(default_factory=Ear)
    ssrc: int = 7
    first: int = 65_500

    def __post_init__(self) -> None:
        self.inbound = Inbound(self.ear.hear)
        self.inbound._codecs = CODECS

    def packets(self, pcm: bytes) -> list[RtpPacket]:
        encoder: VoiceEncoder = encoder_for(NAMES[self.payload_type])
        made: list[RtpPacket] = []
        sent: list[tuple[int, bytes]] = []
        for number in range(len(pcm) // FRAME_BYTES):
            payload = encoder.encode(pcm[number * FRAME_BYTES : (number + 1) * FRAME_BYTES])
            timestamp = (2**32 - 4800 + number * encoder.clock_rate // 50) % 2**32
            sent.append((number * encoder.clock_rate // 50, payload))
            kind = self.payload_type
            if self.copies:
                blocks = sent[-1 - self.copies :]
                kind = RED
                payload = join_red([RedBlock(self.payload_type, sent[-1][0] - at, it) for at, it in blocks])
            sequence = (self.first + number) % 65536
            made.append(RtpPacket(kind, 0, sequence, timestamp, self.ssrc, payload))
        return made

    async def play(self, arrivals: Iterable[tuple[float, RtpPacket]], then: float = 0.0) -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        for at, packet in sorted(arrivals, key=lambda arrival: arrival[0]):
            await asyncio.sleep(max(0.0, begin + at - loop.time()))
            self.inbound.receive(packet)
        await asyncio.sleep(then)

    @property
    def reception(self) -> Reception:
        return self.inbound.reception


def steadily(packets: Sequence[RtpPacket], *, without: Iterable[int] = ()) -> list[tuple[float, RtpPacket]]:
    return [(n * FRAME_S, packet) for n, packet in enumerate(packets) if n not in set(without)]


def on_a_line(scenario: Callable[[Line], Coroutine[Any, Any, None]], **line: Any) -> Line:
    made = Line(**line)

    async def main() -> None:
        await scenario(made)
        made.inbound.close()

    run(main())
    return made


@pytest.mark.parametrize("payload_type", [OPUS, PCMU, PCMA])
def test_what_comes_is_given_at_once(payload_type: int) -> None:
    async def scenario(line: Line) -> None:
        await line.play(steadily(line.packets(tone(1.0))))

    line = on_a_line(scenario, payload_type=payload_type)
    assert [at for at, _ in line.ear.pieces] == pytest.approx([n * FRAME_S for n in range(50)])
    assert {len(pcm) for _, pcm in line.ear.pieces} == {FRAME_BYTES}
    assert line.reception == Reception(packets=50)
    assert line.ear.loudness(0.1, 1.0) == pytest.approx(4243, rel=0.1)


@pytest.mark.parametrize("payload_type", [OPUS, PCMU])
def test_a_lost_packet_is_made_up_and_nothing_shifts(payload_type: int) -> None:
    async def scenario(line: Line) -> None:
        await line.play(steadily(line.packets(tone(1.0)), without=[10, 25, 26]))

    line = on_a_line(scenario, payload_type=payload_type)
    assert line.ear.seconds == pytest.approx(1.0)
    assert line.reception == Reception(packets=47, lost=3, concealed_ms=60)
    assert line.ear.loudness(0.2, 0.22) > 3000


def test_a_long_loss_becomes_silence_of_its_length() -> None:
    async def scenario(line: Line) -> None:
        # The packets behind the hole come at once, or a pause would be seen before.
        packets = line.packets(tone(1.0))
        await line.play(steadily(packets[:10]) + [(0.2, packet) for packet in packets[40:]], then=0.1)

    line = on_a_line(scenario)
    assert line.ear.seconds == pytest.approx(1.0)
    assert line.reception == Reception(packets=20, lost=30, concealed_ms=100, silence_ms=500)
    assert line.ear.loudness(0.35, 0.78) == 0.0


def test_a_pause_is_silent_in_real_time_and_ends() -> None:
    async def scenario(line: Line) -> None:
        await line.play(steadily(line.packets(tone(1.0))))
        last = asyncio.get_running_loop().time()
        begun = len(line.ear.pieces)
        await asyncio.sleep(10)
        times = [at - last for at, _ in line.ear.pieces[begun:]]
        assert times[0] == pytest.approx(PAUSE_S)
        assert times[-1] == pytest.approx(2.0, abs=0.05)
        given = 0.0
        for at, pcm in line.ear.pieces[begun:]:
            given += len(pcm) / 2 / VOICE_RATE
            now = at - last
            assert given <= now + 1e-6
            # From twice the time on that it takes to see a pause, silence is as late as a frame.
            assert now < 2 * PAUSE_S + FRAME_S or given >= now - 2 * FRAME_S

    line = on_a_line(scenario)
    assert line.ear.seconds == pytest.approx(3.0)
    assert line.reception == Reception(packets=50, concealed_ms=100, silence_ms=1900)
    assert line.ear.loudness(1.2, 3.0) == 0.0


@pytest.mark.parametrize("pause", [0.3, 1.0, 1.9])
def test_after_a_pause_of_the_sender_the_time_is_right(pause: float) -> None:
    """Discontinuous transmission: the timestamps go on, the sequence numbers wait."""

    async def scenario(line: Line) -> None:
        packets = line.packets(tone(0.4))
        for packet in packets[10:]:
            packet.timestamp = (packet.timestamp + round(pause * 48000)) % 2**32
        arrivals = steadily(packets)
        await line.play(arrivals[:10] + [(at + pause, packet) for at, packet in arrivals[10:]])

    line = on_a_line(scenario)
    assert line.ear.seconds == pytest.approx(0.4 + pause)
    assert line.reception.lost == 0
    assert line.ear.loudness(0.32, 0.18 + pause) == 0.0 or pause == 0.3


def test_a_pause_is_filled_for_two_seconds_only() -> None:
    async def scenario(line: Line) -> None:
        packets = line.packets(tone(0.4))
        for packet in packets[10:]:
            packet.timestamp = (packet.timestamp + 30 * 48000) % 2**32
        arrivals = steadily(packets)
        await line.play(arrivals[:10] + [(at + 30, packet) for at, packet in arrivals[10:]])

    line = on_a_line(scenario)
    assert line.ear.seconds == pytest.approx(2.4)


def test_a_network_that_stood_still_costs_no_sound() -> None:
    async def scenario(line: Line) -> None:
        packets = line.packets(tone(1.0))
        await line.play([(max(n * FRAME_S, 0.5 * (n > 5)), packet) for n, packet in enumerate(packets)])

    line = on_a_line(scenario)
    # What was silence until the sound came is silence once more than there was time.
    assert line.ear.seconds == pytest.approx(1.0 + 0.4, abs=0.05)
    assert line.reception.lost == line.reception.late == 0


def test_copies_repair_what_is_lost() -> None:
    async def scenario(line: Line) -> None:
        await line.play(steadily(line.packets(tone(1.0)), without=[3, 10, 25, 31]))

    line = on_a_line(scenario, copies=1)
    assert line.reception == Reception(packets=46, recovered=4)
    assert line.ear.seconds == pytest.approx(1.0)
    # A frame later, for it came with the next packet.
    assert line.ear.pieces[3][0] == pytest.approx(4 * FRAME_S)


def test_copies_of_copies_repair_more() -> None:
    async def scenario(line: Line) -> None:
        await line.play(steadily(line.packets(tone(1.0)), without=[10, 11, 30, 31, 32]))

    line = on_a_line(scenario, copies=2)
    assert line.reception == Reception(packets=45, recovered=4, lost=1, concealed_ms=20)


def test_another_sender_is_a_new_stream() -> None:
    async def scenario(line: Line) -> None:
        await line.play(steadily(line.packets(tone(0.2))))
        line.ssrc, line.first = 8, 3
        await line.play(steadily(line.packets(tone(0.2))))

    line = on_a_line(scenario)
    assert line.ear.seconds == pytest.approx(0.4)
    assert line.reception == Reception(packets=20)


def test_the_codec_may_change_on_the_way() -> None:
    async def scenario(line: Line) -> None:
        packets = line.packets(tone(0.2))
        line.payload_type = PCMU
        line.first += 10
        others = line.packets(tone(0.2))
        for packet in others:
            packet.timestamp = (
                packets[-1].timestamp + 960 + (packet.timestamp - others[0].timestamp)
            ) % 2**32
        await line.play(steadily(packets + others))

    line = on_a_line(scenario)
    assert line.ear.seconds == pytest.approx(0.4, abs=0.11)
    assert line.ear.loudness(0.25, 0.38) > 3000


@pytest.mark.parametrize(
    ("payload_type", "payload", "broken"),
    [(OPUS, b"\xff\xff", 1), (OPUS, b"", 0), (RED, b"\x80", 1), (OTHER, b"x" * 160, 1), (42, b"x", 1)],
)
def test_packets_that_say_nothing_do_no_harm(payload_type: int, payload: bytes, broken: int) -> None:
    async def scenario(line: Line) -> None:
        packets = line.packets(tone(0.6))
        packets[10].payload_type, packets[10].payload = payload_type, payload
        await line.play(steadily(packets))

    line = on_a_line(scenario)
    assert line.reception.broken == broken
    assert line.ear.seconds == pytest.approx(0.6, abs=0.021)


def test_once_closed_nothing_is_given() -> None:
    async def scenario(line: Line) -> None:
        packets = line.packets(tone(0.4))
        await line.play(steadily(packets[:10]))
        line.inbound.close()
        line.inbound.close()
        line.inbound.receive(packets[10])
        await asyncio.sleep(5)

    line = on_a_line(scenario)
    assert line.ear.seconds == pytest.approx(0.2)


def test_it_may_be_closed_by_what_it_gives() -> None:
    async def scenario(line: Line) -> None:
        packets = line.packets(tone(0.4))
        heard = line.ear.hear

        def close(pcm: bytes) -> None:
            heard(pcm)
            if line.ear.seconds >= 0.45:
                line.inbound.close()

        line.inbound._on_audio = close
        await line.play(steadily(packets), then=5.0)
        assert line.ear.seconds < 0.6
        assert line.inbound._timer is None

    on_a_line(scenario)


def test_before_the_first_packet_there_is_nothing() -> None:
    async def scenario(_: Line) -> None:
        await asyncio.sleep(20)

    assert on_a_line(scenario).ear.pieces == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.floats(0, 0.08)), min_size=1, max_size=60), st.integers(0, 2))
def test_as_much_is_given_as_was_said(packets: list[tuple[bool, float]], copies: int) -> None:
    """Loss and 80 ms of jitter, so that no gap looks like a pause: every sample has its place."""

    async def scenario(line: Line) -> None:
        made = line.packets(tone(FRAME_S * (len(packets) + 2)))
        # The first and the last come, and never more than two in a row are lost.
        arrivals = [(0.0, made[0])]
        missing = 0
        for n, (lost, delay) in enumerate(packets, 1):
            missing = missing + 1 if lost and missing < 2 else 0
            if not missing:
                arrivals.append((n * FRAME_S + delay, made[n]))
        arrivals.append((len(made) * FRAME_S + 0.06, made[-1]))
        await line.play(arrivals, then=0.13)

    line = on_a_line(scenario, copies=copies)
    assert line.reception.late == 0
    assert line.ear.seconds == pytest.approx(FRAME_S * (len(packets) + 2))


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


def test_the_bounds_are_frames() -> None:
    assert MAX_CONCEALED % 480 == MAX_HOLE % 480 == 0
