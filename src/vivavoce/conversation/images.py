"""Pictures that a client puts into the conversation: what is one, how large it is, what it costs.

Counting follows the documented rates of models that look in tiles: 85 tokens, and 170 for every 512 by
512 pixels of a picture scaled to fit into 2048 by 2048 and then to 768 on its shorter side; 85 with
`detail: low`.
"""

from __future__ import annotations

import binascii
import re
import struct
from dataclasses import dataclass

from vivavoce.conversation.refusal import refuse
from vivavoce.protocol import InputImage, Item, MessageItem, present

MAX_IMAGE_BYTES = 16 * 1024 * 1024
"""Size of one picture."""

BASE_TOKENS = 85
TILE_TOKENS = 170
_TILE, _LONGEST, _SHORTEST = 512, 2048, 768
_DATA_URL = re.compile(r"data:image/(png|jpe?g);base64,", re.IGNORECASE)
_SHOWN = 40  # characters of what is no picture that an error repeats
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
# Start-of-frame markers of JPEG: C0 to CF but for the tables of Huffman (C4), arithmetic coding (CC) and JPG.
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_MOST_MARKERS = 2000  # a file of nothing but markers would keep everybody else waiting
_BARE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length


@dataclass(frozen=True, slots=True)
class Picture:
    """Size of a picture, in pixels."""

    width: int
    height: int

    def tokens(self, detail: str) -> int:
        """Return what a model spends on looking at it; `auto` means `high`."""
        if detail == "low":
            return BASE_TOKENS
        scale = min(1.0, _LONGEST / max(self.width, self.height))
        scale *= min(1.0, _SHORTEST / (min(self.width, self.height) * scale))
        columns, rows = (-(-max(1, round(side * scale)) // _TILE) for side in (self.width, self.height))
        return BASE_TOKENS + TILE_TOKENS * columns * rows


def image_tokens(item: Item, param: str) -> int:
    """Return what the pictures of an item cost.

    Args:
        item: what a client made.
        param: where it stands, for errors: `"item"`.

    Raises:
        RemoteProtocolError: naming the part that is no PNG or JPEG in a `data:` URL, or is too large.
    """
    parts = item.content if isinstance(item, MessageItem) else ()
    return sum(
        picture(part.image_url, f"{param}.content[{index}].image_url").tokens(present(part.detail, "auto"))
        for index, part in enumerate(parts)
        if isinstance(part, InputImage)
    )


def picture(url: str, param: str) -> Picture:
    """Return the picture in a `data:` URL.

    Raises:
        RemoteProtocolError: it holds none.
    """
    head = _DATA_URL.match(url)
    if head is None:
        shown = url if len(url) <= _SHOWN else f"{url[:_SHOWN]}…"
        raise refuse(
            f"Invalid value: '{shown}'. Expected a data URL of a PNG or JPEG: 'data:image/png;base64,…'.",
            param,
        )
    if (len(url) - head.end()) // 4 * 3 > MAX_IMAGE_BYTES:
        raise refuse(f"The picture is larger than {MAX_IMAGE_BYTES // 2**20} MiB.", param)
    try:
        data = binascii.a2b_base64(url[head.end() :].encode("ascii"), strict_mode=True)
    except ValueError as error:  # binascii.Error and UnicodeEncodeError are ValueErrors
        raise refuse(f"The picture is not valid base64: {error}.", param) from None
    found = _png(data) if head[1].lower() == "png" else _jpeg(data)
    if found is None or not (found.width and found.height):
        raise refuse(f"The data is no {'PNG' if head[1].lower() == 'png' else 'JPEG'} picture.", param)
    return found


def _png(data: bytes) -> Picture | None:
    if not data.startswith(_PNG) or data[12:16] != b"IHDR" or len(data) < 24:
        return None
    return Picture(*struct.unpack(">II", data[16:24]))


def _jpeg(data: bytes) -> Picture | None:
    if not data.startswith(_JPEG):
        return None
    place = 2
    for _ in range(_MOST_MARKERS):
        if place + 9 > len(data) or data[place] != 0xFF:
            break
        marker = data[place + 1]
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return Picture(width, height)
        if marker == 0xFF:  # padding
            place += 1
        elif marker in _BARE:
            place += 2
        else:
            place += 2 + int(struct.unpack(">H", data[place + 2 : place + 4])[0])
    return None
