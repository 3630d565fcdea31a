"""From `[webrtc]` to what a peer connection is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.server import ServerConfig
from vivavoce.server.config_file import read_config
from vivavoce.server.config_tables import MisplacedError, settings_from
from vivavoce.server.config_webrtc import WebRtcSettings
from vivavoce.webrtc.config import IceServer, RtcConfig


def read(**table: Any) -> Any:
    return settings_from({"webrtc": table}, Path())["webrtc"]


def test_calls_are_taken_unless_they_are_switched_off() -> None:
    assert ServerConfig().webrtc == read() == RtcConfig()
    assert read(enabled=False) is None
    assert WebRtcSettings().rtc_config() == RtcConfig()


def test_everything_that_can_be_said() -> None:
    assert read(
        stun="stun:stun.example.com",
        turn="turn:turn.example.com:3478?transport=tcp",
        turn_username="vivavoce",
        turn_credential="of the relay",
        udp_ports="50000-50100",
        addresses=["10.0.0.5"],
        advertised_address="203.0.113.7",
        connect_s=5,
        vanish_s=2.5,
    ) == RtcConfig(
        ice_servers=(
            IceServer("stun:stun.example.com"),
            IceServer("turn:turn.example.com:3478?transport=tcp", "vivavoce", "of the relay"),
        ),
        udp_ports=(50000, 50100),
        addresses=("10.0.0.5",),
        advertised_address="203.0.113.7",
        connect_s=5.0,
        vanish_s=2.5,
    )


def test_the_password_of_the_relay_may_stand_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY", "of the relay")
    config = read(turn="turns:turn.example.com", turn_username="v", turn_credential_env="RELAY")
    assert config.ice_servers[0].credential == "of the relay"
    assert "of the relay" not in repr(config)
    with pytest.raises(MisplacedError, match="NOWHERE"):
        read(turn="turns:turn.example.com", turn_username="v", turn_credential_env="NOWHERE")


@pytest.mark.parametrize(
    ("table", "key", "words"),
    [
        ({"udp_ports": "50000"}, "udp_ports", "50000-50100"),
        ({"udp_ports": "50100-50000"}, "udp_ports", "first and the last"),
        ({"udp_ports": "1-70000"}, "udp_ports", "1 to 65535, like 50000-50100"),
        ({"udp_ports": 50000}, "udp_ports", "text"),
        ({"stun": "https://stun.example.com"}, "stun", "no URL"),
        ({"stun": "turns:turn.example.com"}, "stun", "URL of a TURN server; put it under turn"),
        ({"turn": "stun:stun.example.com"}, "turn", "URL of a STUN server; put it under stun"),
        ({"turn": "turn:turn.example.com"}, "turn", "turn_credential_env"),
        ({"addresses": ["localhost"]}, "addresses", "localhost"),
        ({"advertised_address": "example.com"}, "advertised_address", "example.com"),
        ({"connect_s": 0}, "connect_s", "more than 0"),
        ({"vanish_s": 0.5}, "vanish_s", "at least 1"),
        ({"port": 1}, "port", "no setting 'port'"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(table: dict[str, Any], key: str, words: str) -> None:
    with pytest.raises(MisplacedError, match=words) as caught:
        read(**table)
    assert caught.value.key == key
    assert str(caught.value).startswith("[webrtc]")


def test_the_line_is_named(tmp_path: Path) -> None:
    file = tmp_path / "vivavoce.toml"
    file.write_text('[webrtc]\nenabled = true\nudp_ports = "all"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"line 3: .*udp_ports is 'all'"):
        read_config(file)
