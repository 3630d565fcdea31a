"""`TransportOptions`: the limits of a WebSocket, and how users write them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from vivavoce.connections.spelling import snake, unknown
from vivavoce.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class TransportOptions:
    """Limits of the WebSocket.

    Attributes:
        connect_s: seconds to find the key, connect and shake hands.
        send_s: seconds that one event may wait for a peer that does not read.
        ping_interval_s: seconds between pings; ``None`` sends none.
        ping_timeout_s: seconds without an answer to a ping after which the connection is lost; ``None``
            waits for ever.
        max_frame_bytes: largest frame that is accepted; ``None`` accepts any.
        max_queued_frames: frames that may wait to be read before the peer is slowed down.
        close_s: seconds given to the closing handshake before the line is cut; a session waits no longer
            than a second for it, whatever is said here.
        compression: whether to offer compression. Speech does not compress; trying costs more than
            everything else together.
    """

    connect_s: float = 10.0
    send_s: float = 10.0
    ping_interval_s: float | None = 20.0
    ping_timeout_s: float | None = 20.0
    max_frame_bytes: int | None = 32 * 1024 * 1024
    max_queued_frames: int = 64
    close_s: float = 0.4
    compression: bool = False


def _is_seconds(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_compression(value: object) -> bool:
    return value is None or isinstance(value, bool) or value == "deflate"


_KEYS: dict[str, tuple[str, Callable[[object], bool], str]] = {
    "handshake_timeout": ("connect_s", _is_seconds, "seconds above 0"),
    "send_timeout": ("send_s", _is_seconds, "seconds above 0"),
    "ping_interval": ("ping_interval_s", lambda v: v is None or _is_seconds(v), "seconds above 0, or None"),
    "ping_timeout": ("ping_timeout_s", lambda v: v is None or _is_seconds(v), "seconds above 0, or None"),
    "max_size": ("max_frame_bytes", lambda v: v is None or _is_size(v), "bytes above 0, or None"),
    "max_queue": ("max_queued_frames", _is_size, "a number of frames above 0"),
    "close_timeout": ("close_s", _is_seconds, "seconds above 0"),
    "compression": ("compression", _is_compression, "True, False, 'deflate' or None"),
}
"""Key -> field, what is accepted, and that in words."""


def read_transport(
    transport: object, *, below: TransportOptions, path: str = "model_config.transport"
) -> TransportOptions:
    """Return options laid over others.

    Args:
        transport: `TransportOptions`, or a dictionary with some of the keys handshake_timeout, send_timeout,
            ping_interval, ping_timeout, max_size, max_queue, close_timeout and compression.
        below: the options that hold where a dictionary says nothing.
        path: where they stand, for messages.

    Raises:
        ConfigurationError: a key is not known or a value is not accepted.
    """
    if isinstance(transport, TransportOptions):
        return transport
    if not isinstance(transport, Mapping):
        raise ConfigurationError(f"{path} must be TransportOptions or a dictionary, got {transport!r}")
    changes: dict[str, Any] = {}
    for key, value in transport.items():
        name = snake(str(key))
        if name not in _KEYS:
            raise unknown(f"{path}.{key}", key, list(_KEYS))
        field, accepts, wanted = _KEYS[name]
        if not accepts(value):
            raise ConfigurationError(f"{path}.{key} must be {wanted}, got {value!r}")
        changes[field] = bool(value) if field == "compression" else value
    return replace(below, **changes)
