"""The media sections of a session description, as they came. Knows no aiortc."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vivavoce.errors import SdpError

MAX_SDP = 64 * 1024
"""Bytes that a session description may have."""

Attributes = tuple[tuple[str, str], ...]
"""The ``a=`` lines of one place: name and value, in order."""

_MAX_SECTIONS = 16
_MEDIA = re.compile(r"m=([\w-]{1,32}) (\d{1,5})(?:/\d+)? ([A-Za-z/]{1,32}) (.+)", re.ASCII)
_TOKEN = re.compile(r"[!#$%&'*+.^_`{|}~\w-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Section:
    """One media section as it came.

    Attributes:
        kind: ``audio``, ``video``, ``application`` or anything else.
        mid: its name, or empty.
        profile: its transport.
        formats: what stands behind the transport.
        refused: whether the peer itself refused it (port 0).
        attributes: its ``a=`` lines: name and value, in order.
    """

    kind: str
    mid: str
    profile: str
    formats: str
    refused: bool
    attributes: Attributes

    def value(self, name: str) -> str | None:
        """The first value of an attribute (empty for a flag), or ``None``."""
        return next((value for key, value in self.attributes if key == name), None)

    def values(self, name: str) -> list[str]:
        """Every value of an attribute."""
        return [value for key, value in self.attributes if key == name]


def split(text: str) -> tuple[Attributes, tuple[Section, ...]]:
    """Take a session description apart: the attributes of the session, and its sections.

    Raises:
        SdpError: it is too long, or none.
    """
    size = len(text.encode("utf-8", "replace"))
    if size > MAX_SDP:
        raise SdpError(f"The SDP has {size} bytes; at most {MAX_SDP} are read")
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].strip() != "v=0":
        raise SdpError("This is no SDP: it does not begin with the line v=0")
    groups: list[list[str]] = [[]]
    for line in lines:
        if line.startswith("m="):
            groups.append([])
        groups[-1].append(line)
    if len(groups) > _MAX_SECTIONS + 1:
        raise SdpError(f"The SDP has {len(groups) - 1} media sections; at most {_MAX_SECTIONS} are read")
    return _attributes(groups[0]), tuple(_section(lines) for lines in groups[1:])


def _attributes(lines: list[str]) -> Attributes:
    pairs = (line[2:].strip().partition(":") for line in lines if line.startswith("a="))
    return tuple((name, value) for name, _, value in pairs)


def _section(lines: list[str]) -> Section:
    found = _MEDIA.fullmatch(lines[0].strip())
    if found is None or not re.fullmatch(r"[\w .-]{1,1024}", found[4], re.ASCII):
        raise SdpError(f"This is no media section: {lines[0][:80]!r}")
    attributes = _attributes(lines)
    names = {name for name, _ in attributes}
    mid = next((value for name, value in attributes if name == "mid"), "")
    if mid and not _TOKEN.fullmatch(mid):
        raise SdpError(f"a=mid:{mid[:80]!r} is no name of a media section")
    # A section without a port of its own may still be wanted: it shares that of another.
    refused = int(found[2]) == 0 and "bundle-only" not in names
    return Section(found[1], mid, found[3], found[4], refused, attributes)
