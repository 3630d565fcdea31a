"""Which addresses of the network a server may reach in the name of a client.

A client of a server names MCP servers; the server connects to them. Unless that is fenced in, anybody who may
open a session can have it reach what only this machine can reach: itself, its neighbours, and the metadata
service of the cloud it runs in.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from vivavoce.errors import ConnectionLostError

_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")
_NOT_FOR_HOSTS = tuple(map(ip_network, ("192.0.0.0/24", "64:ff9b:1::/48", "fec0::/10")))
"""Local use, though some versions of Python call them global: protocol assignments, where one cloud has its
metadata service; translation within a network; the former site-local addresses."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the numeric addresses of a host."""


class PrivateAddressError(ConnectionLostError):
    """The host is at an address that is not public, and only public ones are allowed."""


def is_public(address: str) -> bool:
    """Whether a numeric address is one that anybody can reach.

    IPv4 addresses within IPv6 ones (mapped, compatible, 6to4, NAT64) are judged, too.

    Args:
        address: such as `"192.0.2.1"` or `"2001:db8::1"`; a zone behind `%` does not count.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return all(
        each.is_global and not each.is_multicast and not _is_local(each)
        for each in (parsed, *_within(parsed))
    )


def _is_local(address: IPv4Address | IPv6Address) -> bool:
    return address.is_unspecified or any(address in network for network in _NOT_FOR_HOSTS)


def _within(address: IPv4Address | IPv6Address) -> Iterable[IPv4Address]:
    if isinstance(address, IPv4Address):
        return
    if address.ipv4_mapped is not None:
        yield address.ipv4_mapped
    if address.sixtofour is not None:
        yield address.sixtofour
    if address in _NAT64 or address in _COMPATIBLE:
        yield IPv4Address(int(address) & 0xFFFFFFFF)


async def resolved(host: str, port: int) -> Sequence[str]:
    """Return the numeric addresses of a host, best first.

    Args:
        host: its name, or a numeric address in any of the forms that the system reads.
        port: to be reached there.

    Raises:
        OSError: there is no such host.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class GuardedNetwork:
    """A network of `httpcore2` that opens connections to public addresses only.

    A name is resolved here, once, and connected to at the address that was looked at, so it cannot mean
    another one a moment later. TLS still asks for the certificate of the name.

    Args:
        network: does the work; an `httpcore2.AsyncNetworkBackend`.
        resolve: finds the addresses of a host.
    """

    def __init__(self, network: Any, resolve: Resolve = resolved) -> None:
        self._network = network
        self._resolve = resolve

    async def connect_tcp(self, host: str, port: int, timeout: float | None = None, **how: Any) -> Any:  # noqa: ASYNC109  # the name is httpcore2's
        """Connect to a host.

        Args:
            host: its name or address.
            port: to be reached there.
            timeout: seconds for finding it, and for each attempt to connect to it.
            how: handed on.

        Raises:
            PrivateAddressError: one of its addresses is not public.
            ConnectionLostError: it cannot be found, or not in time.
        """
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:  # a timeout is an OSError, too
            raise ConnectionLostError(f"the host {host!r} cannot be found") from error
        if not addresses or not all(map(is_public, addresses)):
            raise PrivateAddressError(
                f"the host {host!r} is not at a public address; the operator of the server can allow that"
            )
        failure: Exception | None = None
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout=timeout, **how)
            except Exception as error:  # noqa: BLE001  # the next address may do; if none does, it is raised
                failure = error
        assert failure is not None
        raise failure

    async def connect_unix_socket(self, path: str, *_: object, **__: object) -> Any:
        """Refuse: a socket of this machine is not public."""
        raise PrivateAddressError(f"{path!r} is a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await self._network.sleep(seconds)
