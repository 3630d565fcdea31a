from __future__ import annotations

import pytest

from vivavoce.errors import SdpError
from vivavoce.webrtc.sections import MAX_SDP, split

AUDIO = "m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\na=mid:0\r\na=rtcp-mux\r\na=fmtp:111 a:b\r\n"


def test_a_description_falls_apart_into_session_and_sections() -> None:
    session, sections = split(
        f"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\na=group:BUNDLE 0 1\r\n{AUDIO}m=video 0 X 1\r\n"
    )
    assert session == (("group", "BUNDLE 0 1"),)
    assert [(s.kind, s.mid, s.profile, s.formats, s.refused) for s in sections] == [
        ("audio", "0", "UDP/TLS/RTP/SAVPF", "111 0", False),
        ("video", "", "X", "1", True),
    ]
    assert sections[0].value("rtcp-mux") == ""
    assert sections[0].values("fmtp") == ["111 a:b"]
    assert sections[0].value("setup") is None


def test_lines_may_end_as_on_any_system() -> None:
    assert split(f"v=0\n{AUDIO}".replace("\r\n", "\n"))[1] == split(f"v=0\r\n{AUDIO}")[1]


def test_a_section_that_shares_the_port_of_another_is_wanted() -> None:
    _, sections = split("v=0\r\nm=audio 0 RTP/SAVPF 0\r\na=bundle-only\r\n")
    assert not sections[0].refused


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not begin with the line v=0"),
        ("hello", "does not begin with the line v=0"),
        ("v=0\r\nm=audio\r\n", "no media section: 'm=audio"),
        ("v=0\r\nm=audio 9 RTP/SAVPF \x00\r\n", "no media section"),
        ("v=0\r\n" + "m=video 9 RTP/SAVPF 96\r\n" * 17, "17 media sections; at most 16"),
        ("v=0\r\nm=audio 9 RTP/SAVPF 0\r\na=mid:a b\r\n", "no name of a media section"),
        ("v=0\r\n" + "a=x\r\n" * MAX_SDP, f"at most {MAX_SDP}"),
    ],
)
def test_what_is_none_is_said(text: str, reason: str) -> None:
    with pytest.raises(SdpError, match=reason):
        split(text)
