"""The table `[webrtc]`: what an operator writes, and what a peer connection is told."""

from __future__ import annotations

import re
from dataclasses import dataclass

from vivavoce.errors import ConfigurationError
from vivavoce.webrtc.config import IceServer, RtcConfig

__all__ = ["WebRtcSettings"]

_PORTS = re.compile(r"\s*(\d{1,5})\s*-\s*(\d{1,5})\s*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebRtcSettings:
    """The settings of the table, as they are written.

    Attributes:
        enabled: whether calls are taken.
        stun: URL of a STUN server.
        turn: URL of a TURN server.
        turn_username: who we are there.
        turn_credential: our password there.
        turn_credential_env: name of the variable that holds it instead.
        udp_ports: first and last port for media, `"50000-50100"`.
        addresses: local addresses for media.
        advertised_address: where clients reach them.
        connect_s: seconds until a client must have connected.
        vanish_s: seconds without any packet until a client counts as gone.
    """

    enabled: bool = True
    stun: str | None = None
    turn: str | None = None
    turn_username: str | None = None
    turn_credential: str | None = None
    turn_credential_env: str | None = None
    udp_ports: str | None = None
    addresses: tuple[str, ...] = ()
    advertised_address: str | None = None
    connect_s: float = 15.0
    vanish_s: float = 8.0

    def rtc_config(self, credential: str | None = None) -> RtcConfig:
        """Return what a peer connection is told.

        Args:
            credential: the password for the TURN server, wherever it is from.

        Raises:
            ConfigurationError: a setting cannot be; the message begins with its name.
        """
        servers = [
            _server(kind, url, *login)
            for kind, url, *login in (
                ("stun", self.stun),
                ("turn", self.turn, self.turn_username, credential),
            )
            if url is not None
        ]
        return RtcConfig(
            ice_servers=tuple(servers),
            udp_ports=_ports(self.udp_ports),
            addresses=self.addresses,
            advertised_address=self.advertised_address,
            connect_s=self.connect_s,
            vanish_s=self.vanish_s,
        )


def _server(kind: str, url: str, username: str | None = None, credential: str | None = None) -> IceServer:
    other = {"stun": "turn", "turn": "stun"}[kind]
    if url.startswith((f"{other}:", f"{other}s:")):
        raise ConfigurationError(
            f"{kind}: {url!r} is the URL of a {other.upper()} server; put it under {other}"
        )
    try:
        return IceServer(url, username, credential)
    except ConfigurationError as error:
        needs = "; give turn_username and turn_credential_env" if "needs a username" in str(error) else ""
        raise ConfigurationError(f"{kind}: {error}{needs}") from error


def _ports(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    ports = _PORTS.fullmatch(text)
    first, last = (int(ports[1]), int(ports[2])) if ports is not None else (0, 0)
    if not 0 < first <= last < 65536:
        raise ConfigurationError(
            f"udp_ports is {text!r}; write the first and the last port, from 1 to 65535, like 50000-50100"
        )
    return first, last
