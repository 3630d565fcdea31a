"""What a peer connection is told: servers on the way, ports, addresses, patience. Knows no aiortc.

Beyond the API reference: its calls have no such settings, the hosted service picks its own.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IceServer:
    """One STUN or TURN server that helps two peers to reach each other.

    Args:
        url: ``"stun:host:port"``, ``"turn:host:port?transport=udp"`` (or ``tcp``), or ``"turns:host:port"``
            (TLS over TCP). Without a port: 3478, with ``turns`` 5349.
        username: for TURN; default none.
        credential: password for TURN; default none. Never in a log or a `repr`.

    Raises:
        ConfigurationError: the URL is none of these forms, or TURN lacks its credentials.
    """

    url: str
    username: str | None = None
    credential: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RtcConfig:
    """How a peer connection reaches its peer, and how long it waits.

    Args:
        ice_servers: STUN and TURN servers; at most one of each kind is used. Default none.
        udp_ports: first and last UDP port that media sockets may bind, both included; default: any free port.
        addresses: local addresses to bind. Default: those of every interface, and 127.0.0.1.
        advertised_address: stands in host candidates in the place of the local address, with the real port
            (behind one-to-one NAT, in a container); default: the local address itself.
        connect_s: seconds from the exchange of SDP to a connected peer; default 15.
        vanish_s: seconds without any packet of the peer until it counts as gone; default 8.

    Raises:
        ConfigurationError: a value is out of range; the message names it and what is accepted.
    """

    ice_servers: tuple[IceServer, ...] = ()
    udp_ports: tuple[int, int] | None = None
    addresses: tuple[str, ...] = ()
    advertised_address: str | None = None
    connect_s: float = 15.0
    vanish_s: float = 8.0
