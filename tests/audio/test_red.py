"""Redundant audio: apart as it was put together, and never further than the packet goes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.audio.red_packets import MAX_LENGTH, MAX_OFFSET, join_red

from vivavoce.audio.red import RedBlock, split_red
from vivavoce.errors import AudioFormatError

COPIES = st.builds(
    RedBlock,
    st.integers(0, 127),
    st.integers(0, MAX_OFFSET),
    st.binary(max_size=40) | st.just(b"x" * MAX_LENGTH),
)
OWN = st.builds(RedBlock, st.integers(0, 127), st.just(0), st.binary(max_size=60))


@given(st.lists(COPIES, max_size=3), OWN)
def test_what_was_put_together_comes_apart(copies: list[RedBlock], own: RedBlock) -> None:
    assert split_red(join_red([*copies, own])) == [*copies, own]


def test_a_packet_of_chromium() -> None:
    packet = bytes.fromhex("ef0f000278 78".replace(" ", "")[:8]) + b"\x6f" + b"ab" + b"own"
    assert split_red(packet) == [RedBlock(0x6F, 960, b"ab"), RedBlock(0x6F, 0, b"own")]
    assert join_red([RedBlock(0x6F, 960, b"ab"), RedBlock(0x6F, 0, b"own")]) == packet


def test_what_does_not_fit_is_left_out() -> None:
    own = RedBlock(111, 0, b"now")
    old, long = RedBlock(111, MAX_OFFSET + 1, b"old"), RedBlock(111, 960, b"x" * (MAX_LENGTH + 1))
    assert split_red(join_red([old, long, own])) == [own]


@pytest.mark.parametrize(
    "packet", [b"", b"\x80", b"\xef\x0f\x00\x02", b"\xef\x0f\x00\x02\x6fa", b"\xef\x0f\x00"]
)
def test_a_packet_that_is_cut_off_is_refused(packet: bytes) -> None:
    with pytest.raises(AudioFormatError, match="promises"):
        split_red(packet)


@given(st.binary(max_size=80))
def test_any_bytes_are_blocks_or_refused(packet: bytes) -> None:
    try:
        blocks = split_red(packet)
    except AudioFormatError:
        return
    assert sum(len(block.payload) for block in blocks) + 4 * len(blocks) - 3 == len(packet)
