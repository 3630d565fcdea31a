"""Redundant audio (RFC 2198): packets with copies of those before them, so that a lost one is not missed."""

from __future__ import annotations

from typing import NamedTuple

from vivavoce.errors import AudioFormatError


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
        headers.append((word >> 24 & 0x7F, word >> 10 & 0x3FFF, word & 0x3FF))
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
