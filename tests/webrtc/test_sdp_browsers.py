"""Offers in the forms of other browsers, and what they are answered; offers that take long to read."""

from __future__ import annotations

import asyncio
import re
import time

import pytest
from tests.webrtc.ends import LOCAL, End
from tests.webrtc.test_sdp import CHROMIUM, DATA, FINGERPRINT, FIREFOX

from vivavoce.errors import SdpError
from vivavoce.webrtc.peer import RtcPeer
from vivavoce.webrtc.sdp import Candidates, read_offer

SAFARI = f"""\
v=0
o=- 1842376958211946083 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1
a=extmap-allow-mixed
a=msid-semantic: WMS 5c1c5d5e-2c1f-4b52-9d6f-2a8b3f6f8f10
m=audio 54400 UDP/TLS/RTP/SAVPF 96 9 0 8 97
c=IN IP4 198.51.100.7
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:1510613869 1 udp 2113937151 192.0.2.10 54400 typ host generation 0 network-cost 999
a=candidate:842163049 1 udp 1677729535 8.8.4.4 54400 typ srflx raddr 0.0.0.0 rport 0 generation 0
a=candidate:2 1 udp 2113937151 7f3c6d1e-52b8-4f0b-9a55-0d3b7c9f2e11.local 50312 typ host generation 0
a=candidate:1876313031 1 tcp 1518214911 192.0.2.10 9 typ host tcptype active generation 0 network-cost 999
a=ice-ufrag:Lw3T
a=ice-pwd:h1xQbA0uK6rQK7d5iN9aD2Zc
a=ice-options:trickle
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendrecv
a=msid:5c1c5d5e-2c1f-4b52-9d6f-2a8b3f6f8f10 a0
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 opus/48000/2
a=rtcp-fb:96 transport-cc
a=fmtp:96 minptime=10;useinbandfec=1
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:97 telephone-event/8000
a=ssrc:1111111111 cname:hq6F2hQm0y9p
a=ssrc:1111111111 msid:5c1c5d5e-2c1f-4b52-9d6f-2a8b3f6f8f10 a0
m=application 54400 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 198.51.100.7
a=ice-ufrag:Lw3T
a=ice-pwd:h1xQbA0uK6rQK7d5iN9aD2Zc
a=ice-options:trickle
a=fingerprint:sha-256 {FINGERPRINT}
a=setup:actpass
a=mid:1
a=sctp-port:5000
a=max-message-size:262144
"""
"""An offer in the form of Safari, which waits for its candidates."""

HEAD, AUDIO = CHROMIUM.split("m=audio")
AUDIO = "m=audio" + AUDIO.removesuffix(DATA)


def answer_to(offer: str) -> str:
    async def call() -> str:
        peer = RtcPeer(LOCAL, End())
        try:
            return await peer.answer(offer)
        finally:
            await peer.aclose()

    return asyncio.run(call())


def mids(text: str) -> list[str]:
    return re.findall(r"a=mid:(\S+)", text)


@pytest.mark.parametrize(
    ("offer", "opus", "setup"),
    [
        (CHROMIUM, 111, "active"),
        (FIREFOX, 109, "active"),
        (SAFARI, 96, "active"),
        (SAFARI.replace("a=setup:actpass", "a=setup:active"), 96, "passive"),
        (SAFARI.replace("a=setup:actpass", "a=setup:passive"), 96, "active"),
        (HEAD.replace("BUNDLE 0 1", "BUNDLE 1 0") + DATA + AUDIO, 111, "active"),
        (CHROMIUM.replace("a=mid:0", "a=mid:audio").replace("BUNDLE 0", "BUNDLE audio"), 111, "active"),
    ],
    ids=["chromium", "firefox", "safari", "active", "passive", "channel first", "names"],
)
def test_every_browser_is_answered_in_its_own_order(offer: str, opus: int, setup: str) -> None:
    answer = answer_to(offer)
    assert mids(answer) == mids(offer)
    assert re.findall(r"m=(\w+) ", answer) == re.findall(r"m=(\w+) ", offer)
    (bundle,) = re.findall(r"a=group:BUNDLE (.+)\r\n", answer)
    assert sorted(bundle.split()) == sorted(mids(offer))
    assert set(re.findall(r"a=setup:(\w+)", answer)) == {setup}
    assert f"a=rtpmap:{opus} opus/48000/2\r\n" in answer
    assert answer.count("a=sendrecv\r\n") == 1
    assert answer.count("a=rtcp-mux\r\n") == 1
    assert re.search(r"a=ssrc:\d+ cname:", answer)
    assert re.search(r"a=candidate:\S+ 1 udp \d+ 127\.0\.0\.1 \d+ typ host", answer)
    assert "a=end-of-candidates" in answer
    lines = answer.split("\r\n")
    assert all(re.fullmatch(r"[a-z]=.*", line) for line in lines[:-1])


def test_of_several_candidates_only_reachable_ones_are_taken() -> None:
    def written(which: Candidates) -> list[str]:
        return re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+)", read_offer(SAFARI, which).write())

    assert written(Candidates.NONE) == []
    assert set(written(Candidates.PUBLIC)) == {"8.8.4.4"}
    assert set(written(Candidates.ANY)) == {"192.0.2.10", "8.8.4.4"}


@pytest.mark.parametrize(("direction", "answered"), [("recvonly", "sendonly"), ("sendrecv", "sendrecv")])
def test_who_listens_is_spoken_to(direction: str, answered: str) -> None:
    assert f"a={answered}\r\n" in answer_to(SAFARI.replace("a=sendrecv", f"a={direction}"))


@pytest.mark.parametrize("direction", ["sendonly", "inactive"])
def test_who_would_hear_nothing_is_told_so(direction: str) -> None:
    with pytest.raises(SdpError, match=f"is {direction}, so the answer could not be heard"):
        answer_to(SAFARI.replace("a=sendrecv", f"a={direction}"))


def seconds_to_read(line: str) -> float:
    """What an offer takes that is as long as may be, with nothing but this line over and over."""
    offer = CHROMIUM.replace("a=sendrecv\n", "a=sendrecv\n" + line * ((64_000 - len(CHROMIUM)) // len(line)))
    before = time.thread_time()
    read_offer(offer)
    return time.thread_time() - before


def test_no_line_takes_longer_the_more_there_are() -> None:
    plain = min(seconds_to_read("a=x\n") for _ in range(3))
    assert min(seconds_to_read("a=rtpmap:1 red/48000\n") for _ in range(3)) < 4 * plain
