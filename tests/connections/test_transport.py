from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from vivavoce.connections.transport import TransportOptions, read_transport
from vivavoce.errors import ConfigurationError

DEFAULT = TransportOptions()


def test_every_option_can_be_written() -> None:
    written = {
        "handshake_timeout": 1,
        "send_timeout": 2,
        "ping_interval": 3,
        "pingTimeout": 4,
        "max_size": 5,
        "max_queue": 6,
        "close_timeout": 0.7,
        "compression": "deflate",
    }
    options = TransportOptions(1, 2, 3, 4, 5, 6, 0.7, compression=True)
    assert read_transport(written, below=DEFAULT) == options
    assert all(getattr(options, field.name) != getattr(DEFAULT, field.name) for field in fields(options))
    assert len(written) == len(fields(options))


def test_what_is_left_out_is_as_it_was() -> None:
    below = TransportOptions(ping_interval_s=1, compression=True)
    options = read_transport({"ping_timeout": None, "max_size": None, "compression": None}, below=below)
    assert options == TransportOptions(
        ping_interval_s=1, ping_timeout_s=None, max_frame_bytes=None, compression=False
    )
    assert read_transport({}, below=below) is not None
    assert read_transport(DEFAULT, below=below) is DEFAULT


@pytest.mark.parametrize(
    ("transport", "complaint"),
    [
        (3, "x must be TransportOptions or a dictionary, got 3"),
        (
            {"ping_intervall": 1},
            "x.ping_intervall is not known; did you mean 'ping_interval'? known are: handshake_timeout",
        ),
        ({"proxy": 1}, "x.proxy is not known; known are: handshake_timeout"),
        ({"handshake_timeout": None}, "x.handshake_timeout must be seconds above 0, got None"),
        ({"pingInterval": 0}, "x.pingInterval must be seconds above 0, or None, got 0"),
        ({"ping_timeout": True}, "x.ping_timeout must be seconds above 0, or None, got True"),
        ({"close_timeout": float("inf")}, "x.close_timeout must be seconds above 0, got inf"),
        ({"max_size": 1.5}, "x.max_size must be bytes above 0, or None, got 1.5"),
        ({"max_queue": True}, "x.max_queue must be a number of frames above 0, got True"),
        ({"compression": "gzip"}, "x.compression must be True, False, 'deflate' or None, got 'gzip'"),
    ],
)
def test_an_option_that_is_not_accepted(transport: Any, complaint: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_transport(transport, below=DEFAULT, path="x")
    assert complaint in str(caught.value)
