"""The voice that comes in: in order, without holes, never for long behind the present."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("aiortc", reason="needs vivavoce[webrtc]")

from tests.webrtc.line import FRAME_S, OPUS, OTHER, PCMA, PCMU, RED, Line, on_a_line, rest, steadily, tone

from vivavoce.webrtc.codecs import FRAME_BYTES, VOICE_RATE
from vivavoce.webrtc.inbound import MAX_CONCEALED, MAX_HOLE, PAUSE_S, Reception


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
        await rest(10)
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


def test_more_copies_than_anybody_sends_are_not_read() -> None:
    async def scenario(line: Line) -> None:
        await line.play(steadily(line.packets(tone(1.0)), without=range(20, 27)))

    line = on_a_line(scenario, copies=30)
    assert line.reception == Reception(packets=43, recovered=4, lost=3, concealed_ms=60)


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


def test_who_talks_faster_than_time_is_not_heard() -> None:
    async def scenario(line: Line) -> None:
        packets = line.packets(tone(14.0))
        await line.play([(0.0, packet) for packet in packets[:600]], then=0.1)
        assert line.ear.seconds == pytest.approx(10.02)
        assert line.reception.refused == 99
        # As much time later there is room for as much sound.
        await line.play([(0.0, packet) for packet in packets[600:]])

    line = on_a_line(scenario)
    assert line.reception == Reception(packets=700, refused=99 + 95)


def test_once_closed_nothing_is_given() -> None:
    async def scenario(line: Line) -> None:
        packets = line.packets(tone(0.4))
        await line.play(steadily(packets[:10]))
        line.inbound.close()
        line.inbound.close()
        line.inbound.receive(packets[10])
        await rest(5)

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
        await rest(20)

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


def test_the_bounds_are_frames() -> None:
    assert MAX_CONCEALED % 480 == MAX_HOLE % 480 == 0
