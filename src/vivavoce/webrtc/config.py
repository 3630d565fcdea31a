"""What a peer connection is told: servers on the way, ports, addresses, patience. Knows no aiortc.

Beyond the API reference: its calls have no such settings, the hosted service picks its own.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field

from vivavoce.errors import ConfigurationError

_URL = re.compile(
    r"(?P<scheme>stun|stuns|turn|turns):(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[\w.-]+))(?::(?P<port>\d{1,5}))?"
    r"(?:\?transport=(?P<transport>\w+))?",
    re.ASCII,
)
_FORMS = "write stun:host:port, turn:host:port?transport=udp (or tcp), or turns:host:port"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """What the URL of a STUN or TURN server says.

    Attributes:
        kind: ``"stun"`` or ``"turn"``.
        host: name or address.
        port: UDP or TCP port.
        transport: ``"udp"`` or ``"tcp"``; STUN is always over UDP.
        tls: whether TLS is spoken, over TCP.
    """

    kind: str
    host: str
    port: int
    transport: str
    tls: bool


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
    credential: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("url", "username", "credential"):
            value = getattr(self, name)
            if not isinstance(value, str) and (name == "url" or value is not None):
                # The value is not shown: it may be a secret.
                raise ConfigurationError(
                    f"{name} of an IceServer must be a text, got an object of type {_kind(value)}"
                )
        if self.address.kind == "turn" and not (self.username and self.credential):
            raise ConfigurationError(f"the TURN server {self.url!r} needs a username and a credential")

    @property
    def address(self) -> ServerAddress:
        """What the URL says.

        Raises:
            ConfigurationError: the URL has none of the forms.
        """
        found = _URL.fullmatch(self.url)
        if found is None:
            raise ConfigurationError(f"{self.url!r} is no URL of a STUN or TURN server: {_FORMS}")
        scheme, transport = found["scheme"], found["transport"]
        if scheme == "stuns":
            raise ConfigurationError(f"{self.url!r}: STUN over TLS is not possible; write stun:host:port")
        if scheme == "stun" and transport:
            raise ConfigurationError(f"{self.url!r}: a stun URL has no transport; write stun:host:port")
        tls = scheme == "turns"
        transport = transport or ("tcp" if tls else "udp")
        if transport not in (("tcp",) if tls else ("udp", "tcp")):
            raise ConfigurationError(f"{self.url!r}: transport {transport!r} is not possible; {_FORMS}")
        port = int(found["port"] or (5349 if tls else 3478))
        if not 0 < port < 65536:
            raise ConfigurationError(f"{self.url!r}: port {port} is none; it is 1 to 65535")
        return ServerAddress(scheme.removesuffix("s"), found["v6"] or found["host"], port, transport, tls)


@dataclass(frozen=True, slots=True, kw_only=True)
class RtcConfig:
    """How a peer connection reaches its peer, and how long it waits.

    Args:
        ice_servers: STUN and TURN servers; at most one of each kind. Default none.
        udp_ports: first and last UDP port that media sockets may bind, both included; default: any free port.
            Each call takes one port on each of its addresses.
        addresses: local addresses to bind. Default: those of every interface, and 127.0.0.1.
        advertised_address: stands in host candidates in the place of the local addresses of its family, with
            the real port (behind one-to-one NAT, in a container); default: the local address itself. Without
            `addresses`, 127.0.0.1 stays what it is.
        connect_s: seconds from the exchange of SDP to a connected peer; default 15.
        vanish_s: seconds without any packet of the peer until it counts as gone, at least 1; default 8.

    Raises:
        ConfigurationError: a value is out of range; the message names it and what is accepted.
    """

    ice_servers: tuple[IceServer, ...] = ()
    udp_ports: tuple[int, int] | None = None
    addresses: tuple[str, ...] = ()
    advertised_address: str | None = None
    connect_s: float = 15.0
    vanish_s: float = 8.0

    def __post_init__(self) -> None:
        _check_servers(self.ice_servers)
        kinds = [server.address.kind for server in self.ice_servers]
        if twice := {kind for kind in kinds if kinds.count(kind) > 1}:
            raise ConfigurationError(f"ice_servers has several of the kind {min(twice)}; give one of each")
        if self.udp_ports is not None:
            _check_ports(self.udp_ports)
        if not _is_number(self.connect_s) or not self.connect_s > 0:
            raise ConfigurationError(f"connect_s is {self.connect_s!r}; it must be more than 0 seconds")
        if not _is_number(self.vanish_s) or not self.vanish_s >= 1:
            raise ConfigurationError(f"vanish_s is {self.vanish_s!r}; it must be at least 1 second")
        self._check_addresses()

    def _check_addresses(self) -> None:
        advertised = None
        if self.advertised_address is not None:
            advertised = _ip("advertised_address", self.advertised_address)
            if advertised.is_unspecified:
                raise ConfigurationError(
                    f"advertised_address {advertised} is no address that a peer could reach: give the one "
                    "under which the world sees this machine"
                )
        if not isinstance(self.addresses, tuple | list):
            raise ConfigurationError(
                f"addresses is {self.addresses!r}; give a tuple of texts: ('192.0.2.1',)"
            )
        for text in self.addresses:
            address = _ip("addresses", text)
            if address.version == 6 and address.is_link_local:
                raise ConfigurationError(f"addresses: {text} is link-local; peers need another address")
            if address.is_unspecified and (advertised is None or advertised.version != address.version):
                raise ConfigurationError(
                    f"addresses: {text} stands for every address, so peers must be told one of them: set "
                    f"advertised_address to an IPv{address.version} address, or name the addresses to bind"
                )


def _check_servers(servers: object) -> None:
    if isinstance(servers, str):
        raise ConfigurationError(
            f"ice_servers is the text {servers!r}; give a tuple: (IceServer({servers!r}),)"
        )
    wanted = "ice_servers must be a tuple like (IceServer('stun:stun.example.com'),)"
    # No value is shown: a credential may be in it.
    if not isinstance(servers, tuple | list):
        raise ConfigurationError(f"{wanted}, got an object of type {_kind(servers)}")
    for server in servers:
        if not isinstance(server, IceServer):
            raise ConfigurationError(f"{wanted}, but an object of type {_kind(server)} is in it")


def _check_ports(ports: object) -> None:
    wanted = "give first and last port as two numbers from 1 to 65535: (50000, 50100)"
    if not isinstance(ports, tuple | list) or len(ports) != 2 or not all(type(port) is int for port in ports):
        raise ConfigurationError(f"udp_ports is {ports!r}; {wanted}")
    first, last = ports
    if not 0 < first <= last < 65536:
        raise ConfigurationError(f"udp_ports {first}-{last} is no range; {wanted}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kind(value: object) -> str:
    return type(value).__name__


def _ip(name: str, text: object) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        if isinstance(text, str):  # a number would be taken for an address as well
            return ipaddress.ip_address(text)
    except ValueError:
        pass
    raise ConfigurationError(
        f"{name}: {text!r} is not an IP address as a text, such as 192.0.2.1 or 2001:db8::1"
    )
