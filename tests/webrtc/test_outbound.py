"""The voice that goes out: at its own pace, cheap in silence, whole at the first word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("aiortc", reason="needs vivavoce[webrtc]")

from aiortc.mediastreams import MediaStreamError

from vivavoce.errors import ConfigurationError
from vivavoce.testing.clock import run
from vivavoce.webrtc.codecs import CODECS, FRAME_BYTES, SILENCE, VOICE_RATE, decoder_for
from vivavoce.webrtc.outbound import ENCODED_SILENCE, FRAME_S, MAX_BURST, SpeakerTrack

if TYPE_CHECKING:
    from av.packet import Packet

WORD = (6000 * np.sin(2 * np.pi * 300 * np.arange(4800) / VOICE_RATE)).astype("<i2").tobytes()
WORD_FRAMES = [WORD[at : at + FRAME_BYTES] for at in range(0, len(WORD), FRAME_BYTES)]


def saying(frames: Iterable[bytes]) -> Callable[[], bytes]:
    """Let these be pulled, then silence."""
    left = iter(frames)
    return lambda: next(left, b"")


async def take(track: SpeakerTrack, count: int) -> list[Packet[Any]]:
    return [await track.recv() for _ in range(count)]


def loudness(packets: list[Packet[Any]], codec: str = "opus") -> list[float]:
    decoder = decoder_for(codec)
    return [float(np.std(np.frombuffer(decoder.decode(bytes(packet)), "<i2"))) for packet in packets]


@pytest.mark.parametrize(("codec", "rate"), [("opus", 48000), ("PCMU", 8000), ("PCMA", 8000)])
def test_one_packet_every_20_ms_and_no_drift(codec: str, rate: int) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        track = SpeakerTrack(saying([]))
        track.use(codec)
        begin = loop.time()
        for number in range(2000):
            packet = await track.recv()
            assert loop.time() - begin == pytest.approx(number * FRAME_S, abs=1e-6)
            assert packet.pts == number * rate // 50
            assert packet.time_base is not None
            assert 1 / packet.time_base == rate

    run(main())


def test_each_frame_of_the_clock_asks_once() -> None:
    asked = 0

    def pull() -> bytes:
        nonlocal asked
        asked += 1
        return WORD_FRAMES[asked % 10]

    async def main() -> None:
        track = SpeakerTrack(pull)
        for number in range(1, 30):
            await track.recv()
            assert asked == number

    run(main())


def test_in_silence_one_packet_is_repeated() -> None:
    async def main() -> list[bytes]:
        silence = [b"", SILENCE] * 20
        packets = await take(SpeakerTrack(saying([*WORD_FRAMES, *silence])), 60)
        return [bytes(packet) for packet in packets]

    payloads = run(main())
    assert len({*payloads[10 + ENCODED_SILENCE :]}) == 1
    assert len({*payloads[:10]}) == 10
    assert sum(map(len, payloads[-10:])) / 10 < 25


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("before", [0, 3, 50])
def test_the_first_word_after_silence_is_whole_and_does_not_click(codec: str, before: int) -> None:
    async def main() -> list[Packet[Any]]:
        frames = [*WORD_FRAMES, *before * [b""], *WORD_FRAMES]
        track = SpeakerTrack(saying(frames))
        track.use(codec)
        return await take(track, len(frames) + 5)

    packets = run(main())
    loud = loudness(packets, codec)
    # A tone of 4200 (root mean square); codecs are some milliseconds late, so the first frame is not full.
    word = loud[10 + before : 20 + before]
    assert word[0] > 2500
    assert all(3400 < level < 5000 for level in word[1:])
    if before == 50:
        assert max(loud[15:60]) < 60
    decoder = decoder_for(codec)
    sound = np.frombuffer(b"".join(decoder.decode(bytes(packet)) for packet in packets), "<i2").astype(float)
    # A tone of 300 Hz at this level moves by 470 from sample to sample.
    assert np.abs(np.diff(sound)).max() < 1400


def test_the_peer_hears_silence_while_nobody_speaks() -> None:
    packets = run(take(SpeakerTrack(saying(WORD_FRAMES)), 80))
    assert max(loudness(packets)[20:]) < 10


def test_after_a_stall_three_packets_come_and_the_clock_goes_on() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        pulled = 0

        def pull() -> bytes:
            nonlocal pulled
            pulled += 1
            return b""

        track = SpeakerTrack(pull)
        first = await take(track, 5)
        await asyncio.sleep(1.0)
        came = []
        for _ in range(10):
            packet = await track.recv()
            assert packet.pts is not None
            came.append((loop.time(), packet.pts))
        assert pulled == 15
        burst = [at for at, _ in came if at == came[0][0]]
        assert len(burst) == MAX_BURST
        assert [b - a for (_, a), (_, b) in pairwise(came)] == [960] * 9
        assert first[-1].pts == 4 * 960
        # Frame by frame with the clock, as if nothing had been.
        for at, pts in came[MAX_BURST:]:
            assert pts / 48000 == pytest.approx(at, abs=1e-6)

    run(main())


def test_a_short_delay_costs_nothing() -> None:
    async def main() -> None:
        track = SpeakerTrack(saying([]))
        packets = await take(track, 3)
        await asyncio.sleep(0.055)
        packets += await take(track, 6)
        assert [packet.pts for packet in packets] == [960 * number for number in range(9)]

    run(main())


def test_others_have_their_turn_while_it_catches_up() -> None:
    async def main() -> None:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0)

        track = SpeakerTrack(saying([]))
        await track.recv()
        await asyncio.sleep(1)
        task = asyncio.ensure_future(other())
        for number in range(MAX_BURST):
            await track.recv()
            assert turns > number
        task.cancel()

    run(main())


def test_a_stopped_track_ends() -> None:
    async def main() -> None:
        track = SpeakerTrack(saying([]))
        await take(track, 2)
        waiting = asyncio.ensure_future(track.recv())
        await asyncio.sleep(0)
        track.stop()
        for _ in range(2):
            with pytest.raises(MediaStreamError):
                await waiting
            waiting = asyncio.ensure_future(track.recv())
        with pytest.raises(MediaStreamError):
            await waiting

    run(main())


def test_other_codecs_are_refused() -> None:
    async def main() -> None:
        with pytest.raises(ConfigurationError, match="'G722' is no codec"):
            SpeakerTrack(saying([])).use("G722")

    run(main())
