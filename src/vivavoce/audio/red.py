"""Redundant audio (RFC 2198): packets with copies of those before them, so that a lost one is not missed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vivavoce.errors import AudioFormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_OFFSET = (1 << 14) - 1
MAX_LENGTH = (1 << 10) - 1


class RedBlock(NamedTuple):
    """One payload of several.

    Attributes:
        payload_type: how it is encoded.
        offset: by how many ticks it is older than the packet; 0 for the packet's own payload.
        payload: the payload as it was, or would have been, sent alone.
    """

    payload_type: int
    offset: int
    payload: bytes


def split_red(payload: bytes) -> list[RedBlock]:
    """Take a packet's payload apart: the copies, oldest first, and last its own.

    Raises:
        AudioFormatError: the payload ends before what its header promises.
    """
    headers: list[tuple[int, int, int]] = []
    at = 0
    while at < len(payload) and payload[at] & 0x80:
        if len(payload) < at + 4:
            break
        word = int.from_bytes(payload[at : at + 4])
        headers.append((word >> 24 & 0x7F, word >> 10 & MAX_OFFSET, word & MAX_LENGTH))
        at += 4
    needed = at + 1 + sum(length for _, _, length in headers)
    if len(payload) < needed or payload[at] & 0x80:
        raise AudioFormatError(
            f"redundant audio of {len(payload)} bytes lacks some: its header promises {needed}"
        )
    own_type = payload[at]
    at += 1
    blocks = []
    for payload_type, offset, length in headers:
        blocks.append(RedBlock(payload_type, offset, payload[at : at + length]))
        at += length
    return [*blocks, RedBlock(own_type, 0, payload[at:])]


def join_red(blocks: Sequence[RedBlock]) -> bytes:
    """Put a packet's payload together.

    Args:
        blocks: the copies, oldest first, and last the packet's own. Copies that are too old or too long for
            the format are left out.
    """
    *copies, own = blocks
    copies = [copy for copy in copies if copy.offset <= MAX_OFFSET and len(copy.payload) <= MAX_LENGTH]
    headers = [
        (1 << 31 | copy.payload_type << 24 | copy.offset << 10 | len(copy.payload)).to_bytes(4)
        for copy in copies
    ]
    return b"".join([*headers, bytes([own.payload_type]), *(copy.payload for copy in copies), own.payload])
