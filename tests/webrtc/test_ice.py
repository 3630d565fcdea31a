from __future__ import annotations

import asyncio
import logging
import re
import socket
from contextlib import closing
from typing import Any

import pytest
from aioice import Candidate, stun
from tests.webrtc.ends import LOCAL, End, call
from tests.webrtc.ice_servers import PASSWORD, USER, StunServer, TurnServer, serving
from tests.webrtc.test_sdp import CHROMIUM

from vivavoce.errors import ConfigurationError, NoPortError
from vivavoce.testing import run
from vivavoce.webrtc.config import IceServer, RtcConfig
from vivavoce.webrtc.ice import IceLink, PeerProtocol, _is_handshake, bind
from vivavoce.webrtc.peer import RtcPeer


async def gather(config: RtcConfig) -> list[Candidate]:
    link = IceLink(config, lambda: None)
    try:
        await link.gather_candidates()
        return link.local_candidates
    finally:
        await link.close()


def hosts(candidates: list[Candidate]) -> list[str]:
    return [candidate.host for candidate in candidates if candidate.type == "host"]


def test_every_address_but_link_local_ones_is_a_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    def addresses(*, use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return ["169.254.3.4", "fe80::1", "::1"] if use_ipv4 and use_ipv6 else []

    monkeypatch.setattr("vivavoce.webrtc.ice.get_host_addresses", addresses)
    assert hosts(asyncio.run(gather(RtcConfig()))) == ["::1", "127.0.0.1"]


def test_only_the_addresses_of_the_config_are_bound() -> None:
    assert hosts(asyncio.run(gather(RtcConfig(addresses=("127.0.0.2", "127.0.0.2"))))) == ["127.0.0.2"]


def test_addresses_of_another_machine_are_said() -> None:
    with pytest.raises(ConfigurationError, match=r"none of the addresses 192\.0\.2\.77 can be bound"):
        asyncio.run(gather(RtcConfig(addresses=("192.0.2.77",))))
    assert hosts(asyncio.run(gather(RtcConfig(addresses=("192.0.2.77", "127.0.0.1"))))) == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("addresses", "shown"),
    [
        (("127.0.0.2", "::1"), ["198.51.100.7", "::1"]),
        (("0.0.0.0",), ["198.51.100.7"]),
        (("127.0.0.1",), ["198.51.100.7"]),
    ],
)
def test_the_advertised_address_stands_for_those_of_its_family(
    addresses: tuple[str, ...], shown: list[str]
) -> None:
    config = RtcConfig(addresses=addresses, advertised_address="198.51.100.7")
    assert hosts(asyncio.run(gather(config))) == shown


def test_without_addresses_of_its_own_the_loopback_stays_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vivavoce.webrtc.ice.get_host_addresses", lambda **_: ["127.0.0.2", "::1"])
    shown = hosts(asyncio.run(gather(RtcConfig(advertised_address="198.51.100.7"))))
    assert shown == ["127.0.0.2", "::1", "127.0.0.1"], "all of them loopback here"


def test_what_is_advertised_has_the_real_port() -> None:
    async def connect() -> None:
        # The caller reaches the callee under an address that it has not bound: the wildcard's.
        callee = RtcConfig(addresses=("0.0.0.0",), advertised_address="127.0.0.1")
        async with call(answering=callee) as (_, near, _, far):
            await near.hears(0.1)
            await far.hears(0.1)

    asyncio.run(connect())


def test_ports_come_from_the_range_until_it_is_used_up() -> None:
    async def use_up() -> None:
        with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as taken:
            taken.bind(("127.0.0.1", 0))
            first = taken.getsockname()[1]
            if first > 65000:  # the range must fit
                return
            bound: list[socket.socket] = []

            async def bind_all() -> None:
                while sock := await bind("127.0.0.1", (first, first + 150)):
                    bound.append(sock)

            reason = f"every UDP port of {first}-{first + 150} on 127.0.0.1 is taken; widen udp_ports"
            with pytest.raises(NoPortError, match=reason):
                await bind_all()
            ports = [sock.getsockname()[1] for sock in bound]
            assert len(set(ports)) == len(ports) > 100
            assert all(first < port <= first + 150 for port in ports)
            for sock in bound:
                sock.close()

    asyncio.run(use_up())


def test_ipv6_carries_a_call() -> None:
    async def connect() -> None:
        async with call(RtcConfig(addresses=("::1",))) as (_, near, _, far):
            await near.hears(0.1)
            await far.hears(0.1)

    asyncio.run(connect())


def test_a_stun_server_says_how_the_world_sees_us() -> None:
    async def ask() -> list[Candidate]:
        server = StunServer(seen=("198.51.100.9", 4242))
        async with serving(server) as at:
            # From a socket on ::1 there is no way to that server; it must not be waited for.
            config = RtcConfig(addresses=("127.0.0.1", "::1"), ice_servers=(IceServer(f"stun:{at}"),))
            return await gather(config)

    seen = [c for c in asyncio.run(ask()) if c.type == "srflx"]
    assert [(c.host, c.port, c.related_address) for c in seen] == [("198.51.100.9", 4242, "127.0.0.1")]


@pytest.mark.parametrize("server", ["stun", "turn"])
def test_a_server_that_does_not_answer_costs_two_seconds_and_a_warning(
    server: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask() -> float:
        loop = asyncio.get_running_loop()
        async with serving(StunServer(mute=True)) as at:
            before = loop.time()
            found = await gather(
                RtcConfig(addresses=("127.0.0.1",), ice_servers=(IceServer(f"{server}:{at}", "me", "x"),))
            )
            assert hosts(found) == ["127.0.0.1"]
            assert len(found) == 1
            return loop.time() - before

    assert run(ask()) == pytest.approx(2.1, abs=0.15)
    assert "A STUN or TURN server was of no use" in caplog.text


def test_a_socket_that_does_not_get_there_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask() -> float:
        loop = asyncio.get_running_loop()
        async with serving(StunServer()) as at:
            before = loop.time()
            found = await gather(
                RtcConfig(addresses=("127.0.0.1", "127.0.0.2"), ice_servers=(IceServer(f"stun:{at}"),))
            )
            assert [c.type for c in found] == ["host", "host", "srflx"]
            return loop.time() - before

    send = PeerProtocol.send_stun

    def lose(self: PeerProtocol, message: stun.Message, addr: tuple[str, int]) -> None:
        if self.local_candidate.host != "127.0.0.2":
            send(self, message, addr)

    monkeypatch.setattr(PeerProtocol, "send_stun", lose)
    assert run(ask()) == pytest.approx(0.2, abs=0.05)


def test_a_stun_server_that_says_nothing_of_use_is_no_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    async def ask() -> list[Candidate]:
        async with serving(StunServer(seen=None)) as at:
            return await gather(RtcConfig(addresses=("127.0.0.1",), ice_servers=(IceServer(f"stun:{at}"),)))

    monkeypatch.setitem(
        stun.ATTRIBUTES_BY_NAME, "XOR-MAPPED-ADDRESS", stun.ATTRIBUTES_BY_NAME["MAPPED-ADDRESS"]
    )
    assert [c.type for c in asyncio.run(ask())] == ["host"]


def turn(at: str, password: str = PASSWORD) -> tuple[IceServer, ...]:
    return (IceServer(f"turn:{at}", USER, password),)


def test_a_relay_carries_a_call_where_there_is_no_other_way() -> None:
    async def connect() -> None:
        server = TurnServer()
        async with serving(server) as at:
            # One has only IPv6, the other only IPv4: between them is only the relay.
            caller = RtcConfig(addresses=("::1",), ice_servers=turn(at))
            async with call(caller, answering=LOCAL) as (_, near, callee, far):
                await near.hears(0.3)
                await far.hears(0.3)
                assert near.pitch() == pytest.approx(700, abs=10)
                assert callee.send("over the relay")
                await near.until(lambda end: end.texts)
            assert server.relayed > 20
            assert server.relays == {}, "the address was given back"

    asyncio.run(connect())


def test_a_wrong_password_is_told_to_the_operator_only(caplog: pytest.LogCaptureFixture) -> None:
    async def ask() -> None:
        async with serving(TurnServer()) as at:
            found = await gather(RtcConfig(addresses=("127.0.0.1",), ice_servers=turn(at, "hunter2")))
            assert [c.type for c in found] == ["host"]

    with caplog.at_level(logging.INFO):
        asyncio.run(ask())
    (record,) = [record for record in caplog.records if record.name.startswith("vivavoce")]
    assert "401" in record.__dict__["error"]
    assert "hunter2" not in str(record.__dict__)


def test_a_relay_that_has_gone_deaf_does_not_keep_a_call_from_closing() -> None:
    async def close() -> float:
        loop = asyncio.get_running_loop()
        server = TurnServer()
        async with serving(server) as at:
            link = IceLink(RtcConfig(addresses=("127.0.0.1",), ice_servers=turn(at)), lambda: None)
            await link.gather_candidates()
            assert [c.type for c in link.local_candidates] == ["host", "relay"]
            server.deaf = True
            before = loop.time()
            await link.close()
            assert asyncio.all_tasks() == {asyncio.current_task()}
            return loop.time() - before

    assert run(close()) < 0.5


class Bystander(asyncio.DatagramProtocol):
    """A service of the private network that a stranger would like to reach through us."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.got.append(data)


@pytest.mark.parametrize("servers", [(), (IceServer("stun:127.0.0.1:9"),)])
def test_nobody_is_sent_anything_because_a_stranger_named_it(servers: tuple[IceServer, ...]) -> None:
    async def offer() -> None:
        bystander = Bystander()
        async with serving(bystander) as at:
            host, port = at.split(":")
            pointed = CHROMIUM.replace(
                "a=sendrecv\n", f"a=sendrecv\na=candidate:1 1 udp 1 {host} {port} typ host\n"
            )
            end = End()
            peer = RtcPeer(RtcConfig(addresses=("127.0.0.1",), ice_servers=servers), end)
            await peer.answer(pointed)
            await end.until(lambda end: end.ends)
            await peer.aclose()
            assert bystander.got == []

    run(offer())


def test_our_answer_names_every_candidate() -> None:
    async def answer() -> str:
        peer = RtcPeer(RtcConfig(addresses=("127.0.0.1", "127.0.0.2")), End())
        text = await peer.answer(CHROMIUM)
        await peer.aclose()
        return text

    text = asyncio.run(answer())
    assert set(re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+) \d+ typ host\r\n", text)) == {
        "127.0.0.1",
        "127.0.0.2",
    }
    assert text.count("a=end-of-candidates") == 2


def test_a_handshake_is_sent_twice_and_a_voice_once(monkeypatch: pytest.MonkeyPatch) -> None:
    copies: list[bytes] = []
    send_copy = IceLink._send_copy

    def note(link: IceLink, data: bytes) -> None:
        copies.append(data)
        send_copy(link, data)

    monkeypatch.setattr(IceLink, "_send_copy", note)

    async def talk() -> IceLink:
        async with call() as (_, near, callee, _far):
            await near.hears(0.2)
            link = callee._wiring.link  # type: ignore[union-attr]
            # Both sides: hello, certificates, what proves them.
            assert len(copies) >= 4
            before = len(copies)
            await near.hears(0.2)
            assert len(copies) == before
        return link

    link = asyncio.run(talk())
    assert all(data[0] < 64 for data in copies)
    link._send_copy(b"\x16")  # its sockets are closed: nothing happens


@pytest.mark.parametrize(
    ("first", "copied"),
    [
        (0x14, True),  # change of ciphers, DTLS 1.2
        (0x16, True),  # handshake, DTLS 1.2, and what is not encrypted in 1.3
        (0x2E, True),  # encrypted handshake, DTLS 1.3
        (0x15, False),  # alert
        (0x17, False),  # data, DTLS 1.2
        (0x2F, False),  # data, DTLS 1.3
        (0x80, False),  # RTP
    ],
)
def test_what_is_sent_twice(first: int, copied: bool) -> None:
    assert _is_handshake(bytes([first, 0, 0])) == copied
