from __future__ import annotations

import re

import pytest
from aiortc import RTCSessionDescription
from aiortc.sdp import SessionDescription
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.errors import SdpError
from vivavoce.webrtc.sdp import Candidates, Description, read_answer, read_offer, write_local

FINGERPRINT = (
    "9F:38:A7:B8:0B:0D:6A:F1:4C:5D:1D:85:37:C0:71:16:C5:9A:9F:09:BE:5E:0D:73:93:5D:76:5D:8C:7B:36:B1"
)
TRANSPORT = f"""\
a=ice-ufrag:cm8H
a=ice-pwd:WguKWkYsQXJWyH5LCbvize56
a=ice-options:trickle
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
"""
AUDIO = f"""\
m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 0.0.0.0
a=rtcp:9 IN IP4 0.0.0.0
{TRANSPORT}\
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendrecv
a=msid:- 862897a3-9747-4693-b3d0-811e622e2749
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:126 telephone-event/8000
a=ssrc:2971848933 cname:YPFtW0KBouwNCCxJ
"""
DATA = f"""\
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
{TRANSPORT}\
a=mid:1
a=sctp-port:5000
a=max-message-size:262144
"""
VIDEO = f"m=video 9 UDP/TLS/RTP/SAVPF 96 97\n{TRANSPORT}a=mid:v\na=rtcp-mux\na=rtpmap:96 VP8/90000\n"
HEAD = (
    "v=0\no=- 5455048966934633903 2 IN IP4 127.0.0.1\ns=-\nt=0 0\na=group:BUNDLE 0 1\na=msid-semantic: WMS\n"
)
CHROMIUM = HEAD + AUDIO + DATA
"""The offer of Chromium 150, before it has gathered candidates, without some codecs."""

ANSWER = CHROMIUM.replace("actpass", "active")


def read(text: str, candidates: Candidates = Candidates.NONE) -> Description:
    description = read_offer(text, candidates)
    SessionDescription.parse(description.write())  # what is written can be read
    return description


def candidates_of(text: str, which: Candidates) -> list[str]:
    return re.findall(r"a=candidate:(.*)", read(text, which).write().replace("\r", ""))


def test_a_browsers_offer_is_taken() -> None:
    offer = read(CHROMIUM)
    assert offer.codecs == ((111, "opus"), (0, "PCMU"), (8, "PCMA"))
    assert offer.codec == "opus"
    assert offer.direction == "sendrecv"
    assert offer.max_message_size == 262144
    assert offer.channel is not None


def test_only_what_was_checked_is_written_anew() -> None:
    text = read(CHROMIUM.replace("a=sendrecv\n", "a=sendrecv\na=secret:x\na=rid:1 send\n")).write()
    assert "secret" not in text
    assert "G722" not in text
    assert "ssrc" not in text.replace("ssrc-audio-level", "")
    assert f"a=fingerprint:sha-256 {FINGERPRINT}\r\n" in text
    parsed = SessionDescription.parse(text)
    assert [(m.kind, m.rtp.muxId) for m in parsed.media] == [("audio", "0"), ("application", "1")]
    assert [(x.id, x.uri.rsplit(":")[-1]) for x in parsed.media[0].rtp.headerExtensions] == [
        (1, "ssrc-audio-level"),
        (4, "mid"),
    ]
    assert parsed.media[1].sctp_port == 5000


def test_media_alone_is_a_call() -> None:
    offer = read(HEAD.replace(" 0 1", " 0") + AUDIO)
    assert offer.channel is None
    assert offer.max_message_size == 65536


def test_a_telephones_offer_without_names_is_a_call() -> None:
    plain = (
        AUDIO.replace("a=mid:0\n", "")
        .replace("111 63 9 0 8 13 110 126", "8 0")
        .replace("a=rtpmap:0 PCMU/8000\n", "")
    )
    offer = read("v=0\ns=-\n" + plain)
    assert offer.codecs == ((0, "PCMU"), (8, "PCMA"))


def test_the_transport_may_stand_once_for_all() -> None:
    session = HEAD + TRANSPORT + (AUDIO + DATA).replace(TRANSPORT, "")
    first = HEAD + AUDIO + DATA.replace(TRANSPORT, "")
    assert read(session).write() == read(first).write() == read(CHROMIUM).write()


def test_the_data_channel_may_come_first() -> None:
    offer = read(HEAD.replace("0 1", "1 0") + DATA + AUDIO)
    assert [m.kind for m in SessionDescription.parse(offer.write()).media] == ["application", "audio"]
    assert "a=group:BUNDLE 0 1" in offer.write(), "the section that has a transport already is named first"


HOST = "a=candidate:1 1 udp 2122260223 192.168.1.5 50000 typ host generation 0\n"
MDNS = "a=candidate:2 1 udp 2122260223 6f0c6ff2-0c34-4b5e.local 50001 typ host\n"
PUBLIC = "a=candidate:3 1 UDP 1686052607 1.1.1.1 50002 typ srflx raddr 0.0.0.0 rport 0\n"
TCP = "a=candidate:4 1 tcp 1518280447 1.1.1.1 9 typ host tcptype active\n"
ODD = """\
a=candidate:5 1 udp 1 1.1.1.1 0 typ host
a=candidate:6 1 udp 1 0.0.0.0 9 typ host
a=candidate:7 2 udp 1 1.1.1.1 9 typ host
a=candidate:8 1 udp 1 224.0.0.1 9 typ host
a=candidate:9 1 udp 99999999999 1.1.1.1 9 typ host
a=candidate:10 1 udp 1 1.1.1.1.1 9 typ host
a=candidate:11 1 udp 9999999999 1.1.1.1 9 typ host
a=candidate:x
"""
OFFER_WITH_CANDIDATES = CHROMIUM.replace(
    "a=sendrecv\n", f"a=sendrecv\n{HOST}{MDNS}{PUBLIC}{TCP}{ODD}a=end-of-candidates\n"
)


@pytest.mark.parametrize(
    ("which", "taken"),
    [
        (Candidates.NONE, []),
        (Candidates.PUBLIC, ["3 1 udp 1686052607 1.1.1.1 50002 typ srflx"]),
        (
            Candidates.ANY,
            ["1 1 udp 2122260223 192.168.1.5 50000 typ host", "3 1 udp 1686052607 1.1.1.1 50002 typ srflx"],
        ),
    ],
)
def test_candidates_are_taken_as_was_said(which: Candidates, taken: list[str]) -> None:
    assert list(dict.fromkeys(candidates_of(OFFER_WITH_CANDIDATES, which))) == taken
    assert "end-of-candidates" not in read(OFFER_WITH_CANDIDATES, which).write()


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.0.1", "::1", "fd00::1", "100.64.0.1"]
)
def test_a_stranger_cannot_point_at_private_hosts(address: str) -> None:
    pointed = CHROMIUM.replace("a=sendrecv\n", f"a=sendrecv\na=candidate:1 1 udp 1 {address} 53 typ host\n")
    assert candidates_of(pointed, Candidates.PUBLIC) == []


def test_a_stranger_cannot_name_many_addresses() -> None:
    many = "".join(f"a=candidate:1 1 udp 1 1.1.1.1 {port} typ host\n" for port in range(1000, 1200))
    assert (
        len(set(candidates_of(CHROMIUM.replace("a=sendrecv\n", f"a=sendrecv\n{many}"), Candidates.PUBLIC)))
        == 8
    )


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("v=0\n", "", "does not begin with the line v=0"),
        (AUDIO, "", "no audio section: add a microphone"),
        ("m=audio 9", "m=audio 0", "no audio section"),
        (DATA, DATA.replace("mid:1", "mid:2") + DATA, "2 application sections"),
        (AUDIO, AUDIO + AUDIO.replace("mid:0", "mid:2"), "2 audio sections"),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP", "Audio over RTP/AVP is not possible"),
        ("a=rtcp-mux\n", "", "no a=rtcp-mux"),
        ("UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000", "A data channel over DTLS/SCTP '5000'"),
        ("a=group:BUNDLE 0 1\n", "", "must share one transport"),
        ("a=group:BUNDLE 0 1\n", "a=group:BUNDLE 0\n", "must share one transport"),
        ("a=mid:1\n", "a=mid:0\n", "must share one transport"),
        ("a=fingerprint:sha-256", "a=fingerprint:sha-1", "no a=fingerprint of sha-256"),
        (f"a=fingerprint:sha-256 {FINGERPRINT}\n", "", "media here is always encrypted"),
        ("a=ice-ufrag:cm8H\n", "", "no a=ice-ufrag: the SDP is not one of WebRTC"),
        ("a=ice-pwd:WguKWkYsQXJWyH5LCbvize56\n", "a=ice-pwd:short\n", "a=ice-pwd is too short"),
        ("a=setup:actpass\n", "", "a=setup is None"),
        ("a=setup:actpass\n", "a=setup:holdconn\n", "a=setup is 'holdconn'"),
        ("t=0 0\n", "t=0 0\na=ice-lite\n", "cannot be ICE-lite"),
        ("a=sendrecv\n", "a=sendonly\n", "The audio section is sendonly"),
        ("a=sendrecv\n", "a=inactive\n", "The audio section is inactive"),
        ("111 63 9 0 8 13 110 126", "9 13 126", "must have one of: opus, PCMU, PCMA"),
        ("111 63 9 0 8 13 110 126", "200", "must have one of: opus, PCMU, PCMA"),
    ],
)
def test_an_offer_that_cannot_be_taken_is_refused_with_the_reason(old: str, new: str, reason: str) -> None:
    assert old in CHROMIUM
    with pytest.raises(SdpError, match=re.escape(reason)):
        read(CHROMIUM.replace(old, new))


def test_an_opus_whose_number_cannot_be_kept_is_none() -> None:
    # aiortc would send with a number of its own.
    low = CHROMIUM.replace("111", "35")
    assert read(low).codecs == ((0, "PCMU"), (8, "PCMA"))


def test_who_only_listens_is_answered() -> None:
    assert read(CHROMIUM.replace("sendrecv", "recvonly")).direction == "recvonly"


def test_an_answer_that_fits_is_taken() -> None:
    answer = read_answer(
        ANSWER.replace("t=0 0\n", "t=0 0\na=ice-lite\n").replace("a=sendrecv\n", f"a=sendrecv\n{HOST}"),
        CHROMIUM,
    )
    parsed = SessionDescription.parse(answer.write())
    assert parsed.media[0].ice is not None
    assert parsed.media[0].ice.iceLite
    assert [c.ip for c in parsed.media[0].ice_candidates] == ["192.168.1.5"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (CHROMIUM, "leaves open who begins DTLS"),
        (HEAD + AUDIO, "other media sections"),
        (ANSWER.replace("a=mid:1", "a=mid:x").replace("BUNDLE 0 1", "BUNDLE 0 x"), "other media sections"),
        (ANSWER.replace("m=application 9", "m=application 0"), "refuses the data channel"),
        (ANSWER.replace("m=audio 9", "m=audio 0"), "no audio section"),
    ],
)
def test_an_answer_that_does_not_fit_is_refused(answer: str, reason: str) -> None:
    with pytest.raises(SdpError, match=reason):
        read_answer(answer, CHROMIUM)


LOCAL = (
    "v=0\r\na=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=rtpmap:111 opus/48000/2\r\n"
    "a=rtpmap:0 PCMU/8000\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\n"
)


def test_our_own_says_how_opus_is_sent() -> None:
    assert (
        "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=ptime:20\r\na=rtpmap:0"
        in write_local(LOCAL)
    )
    pcmu = LOCAL.replace("a=rtpmap:111 opus/48000/2\r\n", "")
    assert write_local(pcmu) == pcmu


@pytest.mark.parametrize(
    "order",
    [
        (VIDEO, AUDIO, DATA),
        (AUDIO, VIDEO, DATA),
        (AUDIO, DATA, VIDEO),
        (AUDIO, VIDEO, VIDEO.replace("mid:v", "mid:w"), DATA),
    ],
)
def test_what_is_not_wanted_is_refused_in_its_place(order: tuple[str, ...]) -> None:
    offer = read(HEAD.replace("0 1", "0 1 v") + "".join(order))
    text = write_local(LOCAL, offer)
    assert re.findall(r"m=(\w+) (\d)", text) == [
        (part[2:].split(" ")[0], "0" if "video" in part else "9") for part in order
    ]
    assert "m=video 0 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:v\r\na=inactive\r\n" in text
    SessionDescription.parse(text.replace("a=mid:1\r\n", "a=mid:1\r\n" + TRANSPORT.replace("\n", "\r\n")))


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A browser's offer with some of its lines, or pieces of them, gone, doubled, swapped or broken."""
    lines = OFFER_WITH_CANDIDATES.split("\n")
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(lines) - 1))
        other = draw(st.integers(0, len(lines) - 1))
        how = draw(st.sampled_from(["drop", "double", "swap", "cut", "insert", "value", "join"]))
        line = lines[at]
        cut = draw(st.integers(0, len(line)))
        if how == "drop" and len(lines) > 1:
            del lines[at]
        elif how == "double":
            lines.insert(other, line)
        elif how == "swap":
            lines[at], lines[other] = lines[other], line
        elif how == "cut":
            lines[at] = line[:cut]
        elif how == "insert":
            lines[at] = line[:cut] + draw(st.text(max_size=8)) + line[cut:]
        elif how == "value":
            number = draw(st.sampled_from(["-1", "0", "65536", "99999999999999", "1e9", "", "é", "0x10"]))
            lines[at] = re.sub(r"\d+", number, line, count=draw(st.integers(1, 3)))
        else:
            lines[at] = line + lines[other]
    return "\n".join(lines)


@given(mutated() | st.text())
@settings(max_examples=400, deadline=1000)
def test_whatever_comes_is_taken_or_refused(text: str) -> None:
    for which in Candidates:
        try:
            description = read_offer(text, which)
        except SdpError:
            continue
        written = description.write()
        SessionDescription.parse(written)
        assert RTCSessionDescription(written, "offer").sdp
        write_local(LOCAL, description)


def test_a_peer_that_can_is_asked_to_send_every_packet_twice() -> None:
    assert read(CHROMIUM).redundant == 63
    red = LOCAL.replace("SAVPF 111", "SAVPF 111 0 8 63").replace(
        "a=rtpmap:0", "a=rtpmap:63 red/48000/2\r\na=rtpmap:0"
    )
    text = write_local(red)
    assert "m=audio 9 UDP/TLS/RTP/SAVPF 63 111 0 8\r\n" in text
    assert "a=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n" in text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a=fmtp:63 111/111\n", ""),
        ("a=fmtp:63 111/111\n", "a=fmtp:63 0/0\n"),
        ("red/48000/2", "red/8000"),
        ("63", "70"),
        ("a=rtpmap:111 opus/48000/2\n", ""),
    ],
)
def test_redundancy_that_does_not_fit_is_left_out(old: str, new: str) -> None:
    assert read(CHROMIUM.replace(old, new)).redundant is None


FIREFOX = f"""\
v=0
o=mozilla...THIS_IS_SDPARTA-99.0 7221391834720938433 0 IN IP4 0.0.0.0
s=-
t=0 0
a=sendrecv
a=fingerprint:sha-256 {FINGERPRINT}
a=group:BUNDLE 0 1
a=ice-options:trickle
a=msid-semantic:WMS *
m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101
c=IN IP4 0.0.0.0
a=sendrecv
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level
a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1
a=fmtp:101 0-15
a=ice-pwd:c5a8b5f2a6e6f7d0c1b2a3948576e1f0
a=ice-ufrag:9d3a5b7c
a=mid:0
a=msid:- {{0b8b6c6f-1c4e-4a0f-8f0e-6f6a1a0c9d1e}}
a=rtcp-mux
a=rtpmap:109 opus/48000/2
a=rtpmap:9 G722/8000/1
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=setup:actpass
a=ssrc:1234567890 cname:{{5f2a6e6f-7d0c-41b2-a394-8576e1f0c5a8}}
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=sendrecv
a=ice-pwd:c5a8b5f2a6e6f7d0c1b2a3948576e1f0
a=ice-ufrag:9d3a5b7c
a=mid:1
a=setup:actpass
a=sctp-port:5000
a=max-message-size:1073741823
"""
"""An offer in the form of Firefox: what is common stands in the session."""


def test_an_offer_in_the_form_of_firefox_is_taken() -> None:
    offer = read(FIREFOX)
    assert offer.codecs == ((109, "opus"), (0, "PCMU"), (8, "PCMA"))
    assert offer.max_message_size == 1073741823
    assert offer.redundant is None
    assert offer.write().count(f"a=fingerprint:sha-256 {FINGERPRINT}\r\n") == 2
