"""Which addresses are public, and that no other is ever connected to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.errors import ConnectionLostError
from vivavoce.mcp.guard import GuardedNetwork, PrivateAddressError, is_public, resolved
from vivavoce.testing import run


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "93.184.216.34",
        "2606:4700::1111",
        "2a00:1450:4001:81b::200e",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
        "2606:4700::1111%eth0",
    ],
)
def test_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.255.255.254",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "169.254.169.254",  # the metadata service of most clouds
        "169.254.170.2",
        "100.64.0.1",  # carriers' networks
        "100.100.100.200",  # the metadata service of another
        "192.0.0.192",  # and of one more
        "198.18.0.1",
        "192.0.2.1",
        "203.0.113.9",
        "224.0.0.1",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:7f00:1::",
        "fe80::1",
        "fe80::1%eth0",
        "fec0::1",
        "fc00::1",
        "fd00:ec2::254",  # a metadata service over IPv6
        "ff02::1",
        "100::1",
        "2001:db8::1",
        "localhost",
        "127.1",
        "2130706433",
        "",
    ],
)
def test_not_public(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_an_address_within_another_is_judged_as_well(address: IPv4Address) -> None:
    number = int(address)
    for inside in (
        f"::ffff:{address}",
        f"64:ff9b::{address}",
        f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1",
    ):
        assert not is_public(inside) or is_public(str(address))


class Net:
    """A network that connects to everything but what is broken."""

    def __init__(self, *broken: str) -> None:
        self.broken = broken
        self.reached: list[tuple[Any, ...]] = []
        self.slept: list[float] = []

    async def connect_tcp(self, host: str, port: int, **how: Any) -> str:
        self.reached.append((host, port, how))
        if host in self.broken:
            raise OSError(f"nobody at {host}")
        return f"stream to {host}"

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def guarded(net: Net, *addresses: str) -> GuardedNetwork:
    async def resolve(host: str, port: int) -> Sequence[str]:
        assert (host, port) == ("example.com", 443)
        return addresses

    return GuardedNetwork(net, resolve)


def test_a_name_is_connected_to_at_the_address_that_was_looked_at() -> None:
    net = Net()
    stream = run(guarded(net, "8.8.8.8", "9.9.9.9").connect_tcp("example.com", 443, 5.0, local_address=None))
    assert stream == "stream to 8.8.8.8"
    assert net.reached == [("8.8.8.8", 443, {"timeout": 5.0, "local_address": None})]


def test_the_next_address_where_nobody_is() -> None:
    net = Net("8.8.8.8")
    assert run(guarded(net, "8.8.8.8", "9.9.9.9").connect_tcp("example.com", 443)) == "stream to 9.9.9.9"
    with pytest.raises(OSError, match=r"nobody at 8\.8\.8\.8"):
        run(guarded(net, "8.8.8.8").connect_tcp("example.com", 443))


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("8.8.8.8", "10.0.0.1"), ("::1", "8.8.8.8"), ()])
def test_nothing_is_connected_to_where_an_address_is_not_public(addresses: tuple[str, ...]) -> None:
    net = Net()
    with pytest.raises(PrivateAddressError, match=r"'example\.com' is not at a public address") as refusal:
        run(guarded(net, *addresses).connect_tcp("example.com", 443))
    assert net.reached == []
    # Who may not reach an address learns nothing about it.
    assert not any(address in str(refusal.value) for address in addresses)


def test_a_name_that_changes_its_meaning_is_asked_once() -> None:
    meanings = [["8.8.8.8"], ["127.0.0.1"]]

    async def resolve(_host: str, _port: int) -> Sequence[str]:
        return meanings.pop(0)

    net = Net()
    network = GuardedNetwork(net, resolve)
    run(network.connect_tcp("example.com", 443))
    assert [host for host, *_ in net.reached] == ["8.8.8.8"]
    with pytest.raises(PrivateAddressError):
        run(network.connect_tcp("example.com", 443))


def test_a_host_that_cannot_be_found() -> None:
    async def nowhere(_host: str, _port: int) -> Sequence[str]:
        raise OSError("no such host")

    async def never(_host: str, _port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    for resolve in (nowhere, never):
        with pytest.raises(ConnectionLostError, match=r"'example\.com' cannot be found"):
            run(GuardedNetwork(Net(), resolve).connect_tcp("example.com", 443, 3.0))


@pytest.mark.parametrize("host", ["127.0.0.1", "2130706433", "0x7f.1", "127.1", "localhost", "::1"])
def test_the_system_reads_addresses_in_many_forms(host: str) -> None:
    async def main() -> None:
        net = Net()
        with pytest.raises(ConnectionLostError):
            await GuardedNetwork(net).connect_tcp(host, 80, 5.0)
        assert net.reached == []

    asyncio.run(main())


def test_what_the_system_finds() -> None:
    assert asyncio.run(resolved("127.0.0.1", 80)) == ["127.0.0.1"]


def test_sockets_of_this_machine_and_time() -> None:
    net = Net()
    with pytest.raises(PrivateAddressError, match="socket of this machine"):
        run(GuardedNetwork(net).connect_unix_socket("/run/docker.sock", timeout=1))
    run(GuardedNetwork(net).sleep(0.5))
    assert net.slept == [0.5]
