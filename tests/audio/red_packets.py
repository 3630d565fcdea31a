"""Redundant audio as a sender makes it (RFC 2198), for tests of those who receive it."""

from __future__ import annotations

from collections.abc import Sequence

from vivavoce.audio.red import RedBlock

MAX_OFFSET = (1 << 14) - 1
MAX_LENGTH = (1 << 10) - 1


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
