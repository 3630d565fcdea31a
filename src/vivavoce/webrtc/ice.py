"""How two peers find a way to each other: ICE on chosen addresses and ports, and who may use it.

Built on aioice's `Connection`. What of it is private and needed all the same stands in `webrtc.seams`.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import logging
import math
import random
import socket
import struct
from typing import TYPE_CHECKING, Any

from aioice import Candidate, Connection, stun
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import StunProtocol, get_host_addresses
from aioice.turn import create_turn_endpoint

from vivavoce.errors import ConfigurationError, NoPortError
from vivavoce.webrtc import seams

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from vivavoce.webrtc.config import IceServer, RtcConfig, ServerAddress

logger = logging.getLogger(__name__)

MAX_ADDRESSES = 16
"""Addresses of the peer that are remembered and answered; a stranger cannot make us check more."""

MAX_WAITING = 512
"""Datagrams that may wait to be read: ten seconds of voice."""

GATHER_S = 2.0
"""Seconds that STUN and TURN servers have to answer, before the description goes out without them."""

COPY_S = 0.03
"""Seconds after which a datagram of a DTLS handshake is sent once more: after a short burst of losses."""

_CLOSE_S = 0.3
_OTHERS_S = 0.2
_RECEIVE_BUFFER = 262144
_COOKIE = (0x2112A442).to_bytes(4, "big")
_REQUEST = b"\0\1"
_TRIES_PER_TURN = 64


class IceLink(Connection):
    """The way to one peer: our sockets, its addresses, and what is known to work between them.

    Args:
        config: addresses, ports, servers.
        on_heard: called for each datagram that came from an address of the peer.
    """

    def __init__(self, config: RtcConfig, on_heard: Callable[[], None]) -> None:
        super().__init__(ice_controlling=False)
        self._config = config
        self._on_heard = on_heard
        self._peers: set[tuple[str, int]] = set()
        self._user: asyncio.Task[Any] | None = None
        self._left = False

    async def get_component_candidates(
        self,
        component: int,
        addresses: list[str],  # noqa: ARG002 - aioice's choice; ours is in the config
        timeout: int = 5,  # noqa: ARG002, ASYNC109 - as above
    ) -> list[Candidate]:
        """Bind the sockets, ask the servers, and give all candidates.

        Raises:
            NoPortError: on one address every port that may be used is taken.
            ConfigurationError: none of the addresses is one of this machine.
        """
        protocols = [await self._bind(address, component) for address in self._addresses()]
        hosts = [protocol for protocol in protocols if protocol is not None]
        if not hosts:
            named = ", ".join(self._addresses())
            raise ConfigurationError(f"none of the addresses {named} can be bound; set addresses to others")
        asked = [self._within(server, ask) for server, ask in self._questions(hosts, component)]
        found = [candidate for candidates in await asyncio.gather(*asked) for candidate in candidates]
        return [protocol.local_candidate for protocol in hosts] + found

    def _addresses(self) -> list[str]:
        if self._config.addresses:
            return list(dict.fromkeys(self._config.addresses))
        found = [ipaddress.ip_address(text) for text in get_host_addresses(use_ipv4=True, use_ipv6=True)]
        return [str(address) for address in found if not address.is_link_local] + ["127.0.0.1"]

    async def _bind(self, address: str, component: int) -> StunProtocol | None:
        sock = await bind(address, self._config.udp_ports)
        if sock is None:
            logger.debug("An address cannot be bound", extra={"address": address})
            return None
        try:
            loop = asyncio.get_running_loop()
            _, protocol = await loop.create_datagram_endpoint(lambda: PeerProtocol(self), sock=sock)
        except BaseException:
            sock.close()
            raise
        shown = self._shown(address)
        protocol.local_candidate = Candidate(
            foundation=candidate_foundation("host", "udp", address),
            component=component,
            transport="udp",
            priority=candidate_priority(component, "host"),
            host=shown,
            port=sock.getsockname()[1],
            type="host",
        )
        seams.protocols(self).append(protocol)
        return protocol

    def _shown(self, address: str) -> str:
        """The address that the peer is told in the place of this one."""
        advertised = self._config.advertised_address
        local = ipaddress.ip_address(address)
        if advertised is None or _version(advertised) != local.version:
            return str(local)
        return str(local) if local.is_loopback and not self._config.addresses else advertised

    def _questions(
        self, hosts: list[StunProtocol], component: int
    ) -> Iterator[tuple[IceServer, Awaitable[list[Candidate]]]]:
        for server in self._config.ice_servers:
            if server.address.kind == "stun":
                yield server, self._reflexive(hosts, server.address)
            else:
                yield server, self._relayed(server, component)

    async def _within(self, server: IceServer, ask: Awaitable[list[Candidate]]) -> list[Candidate]:
        try:
            async with asyncio.timeout(GATHER_S + _OTHERS_S):
                return await ask
        except (OSError, TimeoutError, stun.TransactionError) as error:
            logger.warning(
                "A STUN or TURN server was of no use",
                extra={"server": server.url, "error": str(error) or type(error).__name__},
            )
            return []

    async def _reflexive(self, hosts: list[StunProtocol], server: ServerAddress) -> list[Candidate]:
        """How a STUN server sees our sockets."""
        loop = asyncio.get_running_loop()
        infos = await loop.getaddrinfo(server.host, server.port, type=socket.SOCK_DGRAM)
        targets = {_version(str(info[4][0])): (str(info[4][0]), int(info[4][1])) for info in reversed(infos)}
        found: list[Candidate] = []
        try:
            async with asyncio.timeout(GATHER_S) as limit:

                async def ask(protocol: StunProtocol, target: tuple[str, int]) -> None:
                    if candidate := await _seen(protocol, target):
                        found.append(candidate)
                        # A socket that does not get there must not keep those waiting that do.
                        limit.reschedule(min(limit.when() or math.inf, loop.time() + _OTHERS_S))

                await asyncio.gather(
                    *(
                        ask(protocol, target)
                        for protocol in hosts
                        if (target := targets.get(_version(_local(protocol))))
                        and _reaches(protocol, target[0])
                    )
                )
        except (TimeoutError, stun.TransactionError):
            if not found:
                raise
        return found

    async def _relayed(self, server: IceServer, component: int) -> list[Candidate]:
        """An address on a TURN server."""
        at = server.address
        transport, protocol = await create_turn_endpoint(
            lambda: PeerProtocol(self),
            server_addr=(at.host, at.port),
            username=server.username,
            password=server.credential,
            ssl=at.tls,
            transport=at.transport,
        )
        seams.protocols(self).append(protocol)
        host, port = transport.get_extra_info("sockname")
        related = transport.get_extra_info("related_address")
        protocol.local_candidate = Candidate(
            foundation=candidate_foundation("relay", "udp", host),
            component=component,
            transport="udp",
            priority=candidate_priority(component, "relay"),
            host=host,
            port=port,
            type="relay",
            related_address=related[0],
            related_port=related[1],
        )
        return [protocol.local_candidate]

    async def connect(self) -> None:
        """Find a way to the peer.

        Raises:
            ConnectionError: there is none, or the link was closed meanwhile.
        """
        self._user = asyncio.current_task()
        await super().connect()
        if self._left:
            # A way that was found while it was closed would be kept open for ever.
            await super().close()
            raise ConnectionError("the link was closed")

    async def send(self, data: bytes) -> None:
        """Send a datagram to the peer, and what belongs to a handshake of DTLS once more.

        OpenSSL waits for one second, then two, then four, before it sends a flight again, and of a flight of
        three datagrams one is soon lost. Peers drop the copies.

        Raises:
            ConnectionError: no way was found.
        """
        await super().send(data)
        if _is_handshake(data):
            asyncio.get_running_loop().call_later(COPY_S, self._send_copy, data)

    def _send_copy(self, data: bytes) -> None:
        for pair in [] if self._left else seams.nominated(self):
            pair.protocol.transport.sendto(data, pair.remote_addr)

    async def close(self) -> None:
        """Close every socket."""
        self._left = True
        await super().close()

    async def released(self) -> None:
        """Wait, after `close`, for the task that was looking for a way or going it."""
        if self._user is not None:
            await asyncio.wait([self._user])

    def knows(self, address: tuple[str, int]) -> bool:
        """Whether this is an address of the peer: named in its description, or learnt by its own checks."""
        if address not in self._peers:
            self._peers = {(candidate.host, candidate.port) for candidate in self.remote_candidates}
        return address in self._peers

    def admits(self, data: bytes, address: tuple[str, int]) -> bool:
        """Whether a datagram is looked at; what comes from the peer counts as heard."""
        is_stun = len(data) >= 20 and data[0] < 4 and data[4:8] == _COOKIE
        if is_stun and data[:2] == _REQUEST and f"{self.local_username}:".encode() not in data:
            return (
                False  # whoever has not read our description; an answer could go to somebody else's address
            )
        if self.knows(address):
            self._on_heard()
            return is_stun or (bool(data) and seams.waiting(self) < MAX_WAITING)
        return is_stun

    def check_incoming(self, message: stun.Message, addr: tuple[str, int], protocol: StunProtocol) -> None:
        """Take an authenticated check of the peer, unless it claims too many addresses."""
        if "PRIORITY" not in message.attributes:
            return
        if not self.knows(addr) and len(self.remote_candidates) >= MAX_ADDRESSES:
            logger.debug("A peer claims too many addresses")
            return
        super().check_incoming(message, addr, protocol)

    def probe(self) -> None:
        """Ask the peer whether it is there; its answer counts as heard."""
        for pair in seams.nominated(self):
            request = self.build_request(pair, nominate=False)
            request.add_message_integrity((self.remote_password or "").encode())
            pair.protocol.send_stun(request, pair.remote_addr)


class PeerProtocol(StunProtocol):
    """One of our sockets, or an address on a relay."""

    receiver: IceLink

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        """Take a datagram of the peer, or a check of somebody who may be."""
        if not isinstance(data, bytes) or not self.receiver.admits(data, (addr[0], addr[1])):
            return
        try:
            super().datagram_received(data, addr)
        except struct.error:
            # What is too short for what it says it is, aioice stumbles over; anybody can send that.
            logger.debug("A malformed STUN message was left out")

    async def close(self) -> None:
        """Close the socket; a relay that does not answer is left behind soon."""
        try:
            async with asyncio.timeout(_CLOSE_S):
                await super().close()
        except TimeoutError:
            await seams.abandon_relay(self.transport)


async def bind(address: str, ports: tuple[int, int] | None) -> socket.socket | None:
    """Bind a UDP socket.

    Args:
        address: a local address.
        ports: first and last port to choose from; ``None`` for any that is free.

    Returns:
        The socket, or ``None`` when the address cannot be bound at all.

    Raises:
        NoPortError: every port of the range is taken.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    first, last = ports or (0, 0)
    count = last - first + 1
    # Somewhere in the range, so that calls do not look through the same taken ports one after another.
    start = random.randrange(count)  # noqa: S311 - no secret
    for tried in range(count):
        if tried and tried % _TRIES_PER_TURN == 0:
            await asyncio.sleep(0)
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
            sock.bind((address, first + (start + tried) % count))
        except OSError as error:
            sock.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                return None
        else:
            return sock
    raise NoPortError(f"every UDP port of {first}-{last} on {address} is taken; widen udp_ports")


async def _seen(protocol: StunProtocol, server: tuple[str, int]) -> Candidate | None:
    """Ask a STUN server what it sees of this socket."""
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    response, _ = await protocol.request(request, server)
    mapped = response.attributes.get("XOR-MAPPED-ADDRESS")
    if mapped is None:
        return None
    local = protocol.local_candidate
    return Candidate(
        foundation=candidate_foundation("srflx", "udp", local.host),
        component=local.component,
        transport="udp",
        priority=candidate_priority(local.component, "srflx"),
        host=mapped[0],
        port=mapped[1],
        type="srflx",
        related_address=local.host,
        related_port=local.port,
    )


def _local(protocol: StunProtocol) -> str:
    return str(protocol.transport.get_extra_info("sockname")[0])


def _is_handshake(data: bytes) -> bool:
    """Whether this is a handshake of DTLS: change of ciphers or handshake in 1.2, epochs up to 2 in 1.3."""
    return data[:1] in (b"\x14", b"\x16") or (len(data) > 1 and data[0] & 0xE3 == 0x22)


def _version(address: str) -> int:
    return ipaddress.ip_address(address).version


def _reaches(protocol: StunProtocol, server: str) -> bool:
    """Whether packets get from this socket to that server: nothing leaves a loopback address."""
    local = ipaddress.ip_address(_local(protocol))
    return local.is_unspecified or local.is_loopback == ipaddress.ip_address(server).is_loopback
