from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.webrtc.config import IceServer, RtcConfig, ServerAddress


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("stun:stun.example.org", ServerAddress("stun", "stun.example.org", 3478, "udp", tls=False)),
        ("stun:192.0.2.7:19302", ServerAddress("stun", "192.0.2.7", 19302, "udp", tls=False)),
        ("stun:[2001:db8::1]:3479", ServerAddress("stun", "2001:db8::1", 3479, "udp", tls=False)),
        ("turn:t.example.org", ServerAddress("turn", "t.example.org", 3478, "udp", tls=False)),
        ("turn:t.example.org:80?transport=tcp", ServerAddress("turn", "t.example.org", 80, "tcp", tls=False)),
        ("turns:t.example.org", ServerAddress("turn", "t.example.org", 5349, "tcp", tls=True)),
    ],
)
def test_a_url_says_where_a_server_is(url: str, address: ServerAddress) -> None:
    assert IceServer(url, "me", "secret").address == address


@pytest.mark.parametrize(
    ("url", "fix"),
    [
        ("stun.example.org", "write stun:host:port"),
        ("http://stun.example.org", "write stun:host:port"),
        ("stuns:stun.example.org", "write stun:host:port"),
        ("stun:s.example.org?transport=udp", "has no transport"),
        ("turn:t.example.org?transport=sctp", "transport=udp"),
        ("turns:t.example.org?transport=udp", "turns:host:port"),
        ("turn:t.example.org:0", "1 to 65535"),
        ("turn:t.example.org:99999", "1 to 65535"),
        ("turn:", "write stun"),
        ("stun:a b", "write stun"),
    ],
)
def test_a_url_of_another_form_is_refused_with_the_fix(url: str, fix: str) -> None:
    with pytest.raises(ConfigurationError, match=fix) as raised:
        IceServer(url, "me", "secret")
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("server", [{"url": 5}, {"url": None}, {"username": 5}, {"credential": b"hunter2"}])
def test_what_is_no_text_is_refused_and_not_shown(server: dict[str, Any]) -> None:
    with pytest.raises(
        ConfigurationError, match=f"{next(iter(server))} of an IceServer must be a text"
    ) as raised:
        IceServer(**{"url": "turn:t.example.org", "username": "me", "credential": "secret", **server})
    assert "hunter2" not in str(raised.value)


def test_servers_in_the_form_of_browsers_are_refused_and_not_shown() -> None:
    servers: Any = [{"urls": "turn:t.example.org", "credential": "hunter2"}]
    with pytest.raises(ConfigurationError, match="but an object of type dict is in it") as raised:
        RtcConfig(ice_servers=servers)
    assert "hunter2" not in str(raised.value)


def test_turn_needs_credentials_and_nobody_reads_them() -> None:
    with pytest.raises(ConfigurationError, match="needs a username and a credential"):
        IceServer("turn:t.example.org", "me")
    assert "hunter2" not in repr(IceServer("turn:t.example.org", "me", "hunter2"))


@pytest.mark.parametrize(
    ("settings", "fix"),
    [
        ({"udp_ports": (50, 40)}, "first and last port"),
        ({"udp_ports": (0, 40)}, "first and last port"),
        ({"udp_ports": (60000, 70000)}, "first and last port"),
        ({"udp_ports": "50000-50100"}, r"udp_ports is '50000-50100'; .* two numbers .*\(50000, 50100\)"),
        ({"udp_ports": (50000,)}, "two numbers"),
        ({"udp_ports": ("50000", "50100")}, "two numbers"),
        ({"udp_ports": 50000}, "udp_ports is 50000; .* two numbers"),
        ({"addresses": "192.0.2.1"}, r"addresses is '192.0.2.1'; give a tuple"),
        ({"addresses": (5,)}, "addresses: 5 is not an IP address as a text"),
        ({"advertised_address": 5}, "advertised_address: 5 is not an IP address as a text"),
        ({"connect_s": "5"}, "connect_s is '5'"),
        ({"connect_s": float("nan")}, "connect_s is nan"),
        ({"vanish_s": True}, "vanish_s is True"),
        ({"vanish_s": None}, "vanish_s is None"),
        ({"ice_servers": "stun:a"}, r"the text 'stun:a'; give a tuple: \(IceServer\('stun:a'\),\)"),
        ({"ice_servers": IceServer("stun:a")}, "a tuple like .*, got an object of type IceServer"),
        ({"ice_servers": ("stun:a",)}, "a tuple like .*, but an object of type str is in it"),
        ({"addresses": ("localhost",)}, "such as 192.0.2.1"),
        ({"addresses": ("fe80::1%eth0",)}, "link-local"),
        ({"addresses": ("0.0.0.0",)}, "set advertised_address to an IPv4 address"),
        (
            {"addresses": ("::",), "advertised_address": "192.0.2.1"},
            "set advertised_address to an IPv6 address",
        ),
        ({"advertised_address": "0.0.0.0"}, "no address that a peer could reach"),
        ({"advertised_address": "example.org"}, "such as 192.0.2.1"),
        ({"connect_s": 0}, "more than 0 seconds"),
        ({"vanish_s": 0.5}, "at least 1 second"),
        ({"ice_servers": (IceServer("stun:a"), IceServer("stun:b"))}, "several of the kind stun"),
    ],
)
def test_a_setting_that_cannot_work_is_refused_with_the_fix(settings: dict[str, Any], fix: str) -> None:
    with pytest.raises(ConfigurationError, match=fix):
        RtcConfig(**settings)


def test_what_can_work_is_taken() -> None:
    RtcConfig(
        ice_servers=(IceServer("stun:a"), IceServer("turn:b", "me", "secret")),
        udp_ports=(40000, 40000),
        addresses=("0.0.0.0", "2001:db8::1", "127.0.0.1"),
        advertised_address="192.0.2.1",
    )


def test_settings_can_be_read_without_the_machinery() -> None:
    loaded = "{'aiortc', 'aioice', 'av', 'cryptography'} & set(sys.modules)"
    code = f"import sys, vivavoce.webrtc.config, vivavoce.webrtc.peer; sys.exit(bool({loaded}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
