"""Session descriptions: what of a stranger's is taken, and what is written into our own. Knows no aiortc.

What comes in is read into a small record and written anew, so that only what was checked reaches the
machinery behind. RFC 8866 (SDP), 8839 (ICE), 8842 (DTLS), 8841 (data channels), 8843 (BUNDLE), 9429 (JSEP).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from vivavoce.errors import SdpError
from vivavoce.webrtc.sections import Attributes, Section, split

if TYPE_CHECKING:
    from collections.abc import Iterator

CODECS = ("opus", "PCMU", "PCMA")
"""What a voice may be coded with, best first."""

DEFAULT_MESSAGE_SIZE = 64 * 1024
"""Bytes of a message that a peer takes when it does not say (RFC 8841)."""

_MAX_CANDIDATES = 8
_STATIC = {0: "PCMU", 8: "PCMA"}
_CLOCKS = {"opus": 48000, "PCMU": 8000, "PCMA": 8000}
_EXTENSIONS = ("urn:ietf:params:rtp-hdrext:sdes:mid", "urn:ietf:params:rtp-hdrext:ssrc-audio-level")
_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
_SETUPS = ("actpass", "active", "passive")
_AUDIO_PROFILES = ("UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/SAVP", "RTP/SAVPF", "TCP/TLS/RTP/SAVPF")
_DATA_PROFILES = ("UDP/DTLS/SCTP", "TCP/DTLS/SCTP")

_RTPMAP = re.compile(r"(\d{1,3}) ([\w.-]+)/(\d{1,6})(?:/\d{1,2})?", re.ASCII)
_EXTMAP = re.compile(r"(\d{1,2})(?:/\w+)? (\S+)", re.ASCII)
_FINGERPRINT = re.compile(
    r"(sha-256|sha-384|sha-512) ([0-9A-F]{2}(?::[0-9A-F]{2}){31,63})", re.ASCII | re.IGNORECASE
)
_UFRAG = re.compile(r"[\w+/=-]{4,256}", re.ASCII)
_PASSWORD = re.compile(r"[\w+/=-]{22,256}", re.ASCII)
_CANDIDATE = re.compile(
    r"([\w+/]{1,32}) 1 udp (\d{1,10}) ([0-9A-Fa-f:.]{2,45}) (\d{1,5}) typ (host|srflx|relay)(?: .*)?",
    re.ASCII | re.IGNORECASE,
)


class Candidates(Enum):
    """Which of a peer's candidates are taken: a packet goes to each, so whoever names them says where."""

    NONE = "none"
    """None: the peer reaches us first, and is learnt by its authenticated checks."""
    PUBLIC = "public"
    """Only addresses of the public internet: what hole punching and relays need."""
    ANY = "any"
    """Any address, for a server that one chose to call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What of a peer's description is taken.

    Attributes:
        sections: every section that came, in order.
        audio: the section that is the voice.
        channel: the section that is the data channel, or ``None``.
        codecs: payload type and name of each codec in common, best first.
        redundant: payload type under which the peer can send each packet of Opus twice (RED), or ``None``.
        direction: whether the peer sends and receives the voice, in its own words.
        max_message_size: bytes of one message that it takes; 0 means any.
    """

    sections: tuple[Section, ...]
    audio: Section
    channel: Section | None
    codecs: tuple[tuple[int, str], ...]
    redundant: int | None
    direction: str
    max_message_size: int
    _lines: tuple[str, ...] = field(repr=False)
    _setup: str
    _lite: bool = False
    _extensions: tuple[tuple[int, str], ...] = ()
    _sctp_port: int = 5000

    @property
    def codec(self) -> str:
        """Name of the codec to speak."""
        return self.codecs[0][1]

    def write(self) -> str:
        """The description anew, with nothing in it but what was checked."""
        taken = [section for section in self.sections if section is self.audio or section is self.channel]
        # The machinery wants the section first that it has a transport for already: the voice.
        mids = " ".join([self.audio.mid, *([self.channel.mid] if self.channel else [])])
        lines = ["v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=msid-semantic:WMS *"]
        lines += ["a=ice-lite"] * self._lite
        if self.audio.mid:
            lines.append(f"a=group:BUNDLE {mids}")
        for section in taken:
            lines += self._audio() if section is self.audio else self._application(section)
            lines += [*self._lines, f"a=setup:{self._setup}"]
        return "\r\n".join(lines) + "\r\n"

    def _audio(self) -> Iterator[str]:
        yield f"m=audio 9 UDP/TLS/RTP/SAVPF {' '.join(str(number) for number, _ in self.codecs)}"
        yield "c=IN IP4 0.0.0.0"
        if self.audio.mid:
            yield f"a=mid:{self.audio.mid}"
        yield f"a={self.direction}"
        yield "a=rtcp-mux"
        for number, name in self.codecs:
            yield f"a=rtpmap:{number} {name}/{_CLOCKS[name]}{'/2' if name == 'opus' else ''}"
        for number, uri in self._extensions:
            yield f"a=extmap:{number} {uri}"

    def _application(self, section: Section) -> Iterator[str]:
        yield "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"
        yield "c=IN IP4 0.0.0.0"
        yield f"a=mid:{section.mid}"
        yield f"a=sctp-port:{self._sctp_port}"
        yield f"a=max-message-size:{self.max_message_size}"


def read_offer(text: str, candidates: Candidates = Candidates.NONE) -> Description:
    """Read the offer of a stranger.

    Args:
        text: the SDP.
        candidates: which of its candidates to take; default none.

    Raises:
        SdpError: it is no SDP, or no call that can be taken; the message says what is wrong.
    """
    description = _read(text, candidates)
    if description.direction not in ("sendrecv", "recvonly"):
        raise SdpError(
            f"The audio section is {description.direction}, so the answer could not be heard; offer sendrecv"
        )
    return description


def read_answer(text: str, offer: str) -> Description:
    """Read the answer of the server that was called.

    Args:
        text: the SDP.
        offer: our own offer, which it must fit.

    Raises:
        SdpError: it is no SDP, or does not fit; the message says what is wrong.
    """
    description = _read(text, Candidates.ANY)
    offered = [(section.kind, section.mid) for section in split(offer)[1]]
    if [(section.kind, section.mid) for section in description.sections] != offered:
        raise SdpError("The answer has other media sections than the offer")
    if description.channel is None:
        raise SdpError("The answer refuses the data channel")
    if description._setup == "actpass":  # noqa: SLF001 - of this module
        raise SdpError("The answer leaves open who begins DTLS: a=setup must be active or passive")
    return description


def write_local(text: str, remote: Description | None = None) -> str:
    """Finish our own description, as the machinery wrote it, for the peer.

    Args:
        text: what the machinery wrote.
        remote: for an answer: the offer, whose refused sections must be answered, too.
    """
    head, _, rest = text.partition("m=")
    written = iter(_voice(f"m={part}") for part in rest.split("\r\nm="))
    ours = [part if part.endswith("\r\n") else f"{part}\r\n" for part in written]
    if remote is None:
        return head + "".join(ours)
    parts = iter(ours)
    return head + "".join(
        next(parts) if section is remote.audio or section is remote.channel else _refusal(section)
        for section in remote.sections
    )


def _voice(section: str) -> str:
    # In-band FEC repairs single losses; packets of 20 ms are what both ends are made for.
    opus = re.search(r"a=rtpmap:(\d+) opus/48000/2\r\n", section)
    if opus is None:
        return section
    fmtp = f"a=fmtp:{opus[1]} minptime=10;useinbandfec=1\r\na=ptime:20\r\n"
    section = section.replace(opus[0], opus[0] + fmtp)
    red = re.search(r"a=rtpmap:(\d+) red/48000/2\r\n", section)
    if red is not None:
        # The peer sends with what stands first: every packet brings the one before once more.
        section = section.replace(red[0], f"{red[0]}a=fmtp:{red[1]} {opus[1]}/{opus[1]}\r\n")
        section = re.sub(rf"^(m=audio \d+ \S+)(.*) {red[1]}(?= |\r)", rf"\1 {red[1]}\2", section)
    return section


def _refusal(section: Section) -> str:
    mid = f"a=mid:{section.mid}\r\n" if section.mid else ""
    line = f"m={section.kind} 0 {section.profile} {section.formats}\r\nc=IN IP4 0.0.0.0\r\n"
    return f"{line}{mid}a=inactive\r\n"


def _read(text: str, candidates: Candidates) -> Description:
    attributes, sections = split(text)
    audio = _only(sections, "audio")
    if audio is None:
        raise SdpError("There is no audio section: add a microphone track, or an audio transceiver")
    if audio.profile not in _AUDIO_PROFILES:
        raise SdpError(f"Audio over {audio.profile} is not possible; it is {_AUDIO_PROFILES[0]}")
    if audio.value("rtcp-mux") is None:
        raise SdpError("The audio section has no a=rtcp-mux; RTP and RTCP share one port here")
    channel = _only(sections, "application")
    if channel and (channel.profile not in _DATA_PROFILES or channel.formats != "webrtc-datachannel"):
        raise SdpError(
            f"A data channel over {channel.profile} {channel.formats!r} is not possible; "
            f"it is {_DATA_PROFILES[0]} webrtc-datachannel"
        )
    main = _main(attributes, audio, channel)
    taken = [section for section in (main, audio, channel) if section is not None]
    lite = any(name == "ice-lite" for name, _ in attributes)
    if lite and candidates is not Candidates.ANY:
        raise SdpError("A caller cannot be ICE-lite: it must send the first checks")
    setup = _transport(attributes, taken, "setup")
    if setup not in _SETUPS:
        raise SdpError(f"a=setup is {setup!r}; DTLS needs one of: {', '.join(_SETUPS)}")
    direction = next((name for name, _ in audio.attributes if name in _DIRECTIONS), "sendrecv")
    port = _number(channel, "sctp-port", 5000)
    return Description(
        sections=sections,
        audio=audio,
        channel=channel,
        codecs=(codecs := _codecs(audio)),
        redundant=_redundant(audio, codecs),
        direction=direction,
        max_message_size=_number(channel, "max-message-size", DEFAULT_MESSAGE_SIZE),
        _lines=(
            *_ice(attributes, taken),
            *_fingerprints(attributes, taken),
            *_candidates(taken, candidates),
        ),
        _setup=setup,
        _lite=lite,
        _extensions=_extensions(audio),
        _sctp_port=port if 0 < port < 65536 else 5000,
    )


def _only(sections: tuple[Section, ...], kind: str) -> Section | None:
    found = [section for section in sections if section.kind == kind and not section.refused]
    if len(found) > 1:
        raise SdpError(f"There are {len(found)} {kind} sections; one call has one")
    return found[0] if found else None


def _main(session: Attributes, audio: Section, channel: Section | None) -> Section:
    """The section whose transport carries all: the first of the bundle that is taken."""
    if channel is None:
        return audio
    bundle = next(
        (value.split()[1:] for name, value in session if (name, value[:7]) == ("group", "BUNDLE ")), []
    )
    if not audio.mid or audio.mid == channel.mid or not {audio.mid, channel.mid} <= set(bundle):
        raise SdpError(
            "Audio and data channel must share one transport: a=group:BUNDLE with both their a=mid"
        )
    return min((audio, channel), key=lambda section: bundle.index(section.mid))


def _transport(session: Attributes, taken: list[Section], name: str) -> str | None:
    """An attribute of the transport: of the first section that has it, or else of the session."""
    found = [value for section in taken if (value := section.value(name)) is not None]
    inherited = [value for key, value in session if key == name]
    return next(iter(found + inherited), None)


def _ice(session: Attributes, taken: list[Section]) -> Iterator[str]:
    for name, pattern in (("ice-ufrag", _UFRAG), ("ice-pwd", _PASSWORD)):
        value = _transport(session, taken, name)
        if value is None:
            raise SdpError(f"There is no a={name}: the SDP is not one of WebRTC")
        if not pattern.fullmatch(value):
            raise SdpError(f"a={name} is too short, too long, or has characters that it cannot have")
        yield f"a={name}:{value}"


def _fingerprints(session: Attributes, taken: list[Section]) -> list[str]:
    inherited = [value for name, value in session if name == "fingerprint"]
    values = next((values for section in taken if (values := section.values("fingerprint"))), inherited)
    known = [found[0] for value in values if (found := _FINGERPRINT.fullmatch(value))]
    if not known:
        raise SdpError(
            "There is no a=fingerprint of sha-256, sha-384 or sha-512: media here is always encrypted"
        )
    return [f"a=fingerprint:{value}" for value in known[:3]]


def _candidates(taken: list[Section], which: Candidates) -> list[str]:
    if which is Candidates.NONE:
        return []
    found: dict[tuple[str, str], str] = {}
    for value in (value for section in taken for value in section.values("candidate")):
        match = _CANDIDATE.fullmatch(value)
        if match is None or int(match[2]) >= 2**32 or not 0 < int(match[4]) < 65536:
            continue
        try:
            address = ipaddress.ip_address(match[3])
        except ValueError:
            continue
        if (
            address.is_unspecified
            or address.is_multicast
            or (which is Candidates.PUBLIC and not address.is_global)
        ):
            continue
        line = f"a=candidate:{match[1]} 1 udp {match[2]} {address} {match[4]} typ {match[5].lower()}"
        found.setdefault((str(address), match[4]), line)
    return list(found.values())[:_MAX_CANDIDATES]


def _codecs(audio: Section) -> tuple[tuple[int, str], ...]:
    maps = dict(_STATIC)
    for found in filter(None, map(_RTPMAP.fullmatch, audio.values("rtpmap"))):
        name = next((name for name in CODECS if name.lower() == found[2].lower()), None)
        number = int(found[1])
        maps.pop(number, None)
        if name and int(found[3]) == _CLOCKS[name]:
            maps[number] = name
    offered = [int(number) for number in audio.formats.split() if re.fullmatch(r"\d{1,3}", number, re.ASCII)]
    # Below 96 are the numbers with a fixed meaning; aiortc keeps no other.
    kept = [number for number in offered if 95 < number < 128 or _STATIC.get(number) == maps.get(number)]
    common = {maps[number]: number for number in reversed(kept) if number in maps}
    if not common:
        raise SdpError(
            f"There is no codec in common; the audio section must have one of: {', '.join(CODECS)}"
        )
    return tuple((common[name], name) for name in CODECS if name in common)


def _redundant(audio: Section, codecs: tuple[tuple[int, str], ...]) -> int | None:
    """The payload type of RED (RFC 2198) around the Opus that was taken."""
    opus = {name: number for number, name in codecs}.get("opus")
    formats = frozenset(audio.values("fmtp"))
    for found in filter(None, map(_RTPMAP.fullmatch, audio.values("rtpmap"))):
        number = int(found[1])
        if (
            (found[2].lower(), found[3]) == ("red", "48000")
            and f"{number} {opus}/{opus}" in formats
            and (34 < number < 64 or 95 < number < 128)
            and number not in dict(codecs)
        ):
            return number
    return None


def _extensions(audio: Section) -> tuple[tuple[int, str], ...]:
    found = [match for match in map(_EXTMAP.fullmatch, audio.values("extmap")) if match]
    known = {match[2]: int(match[1]) for match in found if match[2] in _EXTENSIONS and 0 < int(match[1]) < 15}
    return tuple((number, uri) for uri, number in known.items())


def _number(section: Section | None, name: str, default: int) -> int:
    value = section.value(name) if section else None
    return int(value) if value and re.fullmatch(r"\d{1,10}", value, re.ASCII) else default
