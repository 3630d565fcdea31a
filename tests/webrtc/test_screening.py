"""What of a peer's packets is taken, and at what pace."""

from __future__ import annotations

import struct

import pytest
from tests.server.rtc_attacker import chunk, data, sack

from vivavoce.webrtc.screening import (
    CREDIT_S,
    MAX_AHEAD,
    MAX_PIECES,
    MAX_SOURCES,
    SHARE,
    TURN_S,
    Association,
    Pace,
    Screen,
)

QUIET = Association(next_tsn=100, received=41, ahead=0, pieces=0)
PARAMETER = struct.pack("!HH", 1, 8) + b"info"


def takes(*chunks: bytes, **now: int) -> bool:
    state = Association(
        next_tsn=now.get("next_tsn", 100),
        received=now.get("received", 41),
        ahead=now.get("ahead", 0),
        pieces=now.get("pieces", 0),
    )
    return Screen().messages(bytes(12) + b"".join(chunks), state)


@pytest.mark.parametrize(
    "chunks",
    [
        [data(42, b"{}")],
        [data(42 + n, b"x" * 30) for n in range(25)],
        [data(41, b"again")],
        [sack(99), data(42, b"{}")],
        [sack(90)],
        [sack(90, (2, 3), (5, 9))],
        [sack(80, (19, 19))],
        [chunk(1, bytes(16) + PARAMETER)],
        [chunk(4, PARAMETER)],
        [chunk(130, PARAMETER * 2)],
        [chunk(192, struct.pack("!LHH", 50, 0, 1))],
        [chunk(192, struct.pack("!L", 50))],
        [chunk(11, b"")],
        [chunk(77, b"what nobody knows")],
    ],
)
def test_what_honest_peers_send_is_taken(chunks: list[bytes]) -> None:
    assert takes(*chunks)


@pytest.mark.parametrize(
    "chunks",
    [
        [data(42, b"")],
        [chunk(0, b"short")],
        [data(42, b"{}", stream=256)],
        [chunk(4, struct.pack("!HH", 1, 0))],
        [chunk(4, struct.pack("!HH", 1, 3))],
        [chunk(4, struct.pack("!HH", 1, 4) * 33)],
        [chunk(1, bytes(16) + struct.pack("!HH", 1, 0))],
        [sack(100)],
        [sack(5_000)],
        [sack(90, (2, 10))],
        [sack(90, (3, 2))],
        [sack(90, (2, 4), (4, 9))],
        [sack(90, (5, 9), (2, 3))],
        [chunk(3, sack(90, (2, 3))[4:-4])],
        [chunk(3, b"short")],
        [chunk(192, bytes(4 + 4 * 9))],
        [chunk(192, b"no")],
        [sack(99), sack(99)],
        [b"\4\0\0\3"],
        [b"\4\0\0\x20"],
        [data(42, bytes(2048))],
    ],
)
def test_what_no_honest_peer_sends_is_left_out(chunks: list[bytes]) -> None:
    assert not takes(*chunks)


def test_behind_a_gap_so_many_are_kept_and_then_only_what_is_missing_is_taken() -> None:
    assert takes(data(50, b"{}"), ahead=MAX_AHEAD - 1)
    assert not takes(data(50, b"{}"), ahead=MAX_AHEAD)
    assert takes(data(42, b"{}"), ahead=MAX_AHEAD)
    assert takes(data(0, b"{}"), ahead=MAX_AHEAD, received=2**32 - 1)


def test_messages_that_never_end_come_to_an_end() -> None:
    assert takes(data(42, b"{}"), pieces=MAX_PIECES - 1)
    assert not takes(data(42, b"{}"), pieces=MAX_PIECES)
    many = [data(42 + n, b"x") for n in range(25)]
    assert takes(*many, pieces=500)
    assert not takes(*many, pieces=1000)


def rtp(source: int) -> bytes:
    return struct.pack("!BBHLL", 0x80, 96, 1, 960, source) + b"sound"


def report(source: int) -> bytes:
    return struct.pack("!BBHL", 0x80, 201, 1, source)


def nack(source: int) -> bytes:
    return struct.pack("!BBHLLHH", 0x81, 205, 3, source, 7, 1, 65535)


def test_so_many_sources_are_heard_and_no_more() -> None:
    screen = Screen()
    assert all(screen.rtp(rtp(source)) for source in range(MAX_SOURCES - 1))
    assert screen.rtcp(report(99)) == report(99)
    assert not screen.rtp(rtp(100))
    assert screen.rtcp(report(100)) == b""
    assert screen.rtp(rtp(0))
    assert screen.rtp(rtp(99))


def test_before_decryption_sources_are_only_looked_up() -> None:
    screen = Screen()
    assert all(screen.media(rtp(source)) for source in range(100))
    assert all(screen.rtp(rtp(source)) for source in range(MAX_SOURCES))
    assert screen.media(rtp(0))
    assert not screen.media(rtp(100))
    assert not screen.media(report(100))
    assert screen.media(b"\x16\xfe\xfd a handshake")
    assert screen.media(b"\x80")
    assert not screen.rtp(b"\x80\x60 too short")
    assert not screen.rtp(rtp(0) + bytes(2048))


def test_nothing_is_sent_again() -> None:
    screen = Screen()
    assert screen.rtcp(report(1) + nack(1) + report(1)) == report(1) + report(1)
    assert screen.rtcp(nack(1)) == b""
    picture = struct.pack("!BBHLL", 0x81, 206, 2, 1, 7)
    assert screen.rtcp(picture) == picture
    assert screen.rtcp(report(1) * 300) == b""


def test_who_takes_little_never_waits() -> None:
    pace = Pace(0.0)
    assert all(pace.wait_s(0.0005, number * 0.01) is None for number in range(1, 20))


def test_others_have_a_turn_and_who_takes_much_waits_for_it() -> None:
    pace = Pace(0.0)
    assert pace.wait_s(TURN_S / 2, 10.0) is None
    assert pace.wait_s(TURN_S / 2, 10.0) == 0.0
    assert pace.wait_s(CREDIT_S - TURN_S, 10.0) == 0.0
    assert pace.wait_s(0.05, 10.0) == pytest.approx(0.05 / SHARE)
    assert pace.wait_s(0.0, 10.1) == pytest.approx(0.05 / SHARE - 0.1)
    assert pace.wait_s(0.0, 10.3) is None
