"""Who may use a link, and how much of it."""

from __future__ import annotations

import asyncio
import struct
from typing import TYPE_CHECKING, Any

import pytest
from aioice import Candidate, stun
from aioice.ice import CandidatePair
from hypothesis import given
from hypothesis import strategies as st
from tests.webrtc.ends import LOCAL

from vivavoce.webrtc import seams
from vivavoce.webrtc.ice import MAX_ADDRESSES, MAX_WAITING, IceLink, PeerProtocol

if TYPE_CHECKING:
    from collections.abc import Coroutine


class Wire:
    """What a socket of the link would have sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[bytes, Any]] = []

    def sendto(self, data: bytes, addr: Any) -> None:
        self.sent.append((data, addr))

    def get_extra_info(self, _name: str) -> Any:
        return ("127.0.0.1", 1)


def link_at_work() -> tuple[IceLink, PeerProtocol, list[str]]:
    heard: list[str] = []
    link = IceLink(LOCAL, lambda: heard.append("x"))
    protocol = PeerProtocol(link)
    protocol.transport = Wire()  # type: ignore[assignment]
    protocol.local_candidate = Candidate("f", 1, "udp", 1, "127.0.0.1", 1, "host")
    link.remote_username, link.remote_password = "them1", "p" * 22
    link._early_checks_done = True
    return link, protocol, heard


def check(link: IceLink, password: str | None = None, **attributes: Any) -> bytes:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    message.attributes |= {"USERNAME": f"{link.local_username}:them1", "PRIORITY": 1, "ICE-CONTROLLING": 1}
    message.attributes |= {name.replace("_", "-"): value for name, value in attributes.items()}
    message.attributes = {name: value for name, value in message.attributes.items() if value is not False}
    message.add_message_integrity((password or link.local_password).encode())
    return bytes(message)


def in_loop(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def test_data_of_strangers_is_not_looked_at() -> None:
    async def flood() -> None:
        link, protocol, heard = link_at_work()
        for data in (b"", b"x", b"\x80" * 200, bytes(1500)):
            protocol.datagram_received(data, ("192.0.2.1", 5))
        assert seams.waiting(link) == 0
        assert heard == []

    in_loop(flood())


def test_who_does_not_know_our_name_is_not_answered() -> None:
    async def reflect() -> None:
        link, protocol, _ = link_at_work()
        wire = protocol.transport
        assert isinstance(wire, Wire)
        bare = bytes(stun.Message(stun.Method.BINDING, stun.Class.REQUEST))
        for data in (bare, check(link, USERNAME="somebody:them1"), check(link, USERNAME=False)):
            protocol.datagram_received(data, ("192.0.2.1", 5))
        assert wire.sent == []
        protocol.datagram_received(check(link, "wrong password of 22 c"), ("192.0.2.1", 5))
        assert len(wire.sent) == 1

    in_loop(reflect())


def test_who_proves_to_be_the_peer_is_heard() -> None:
    async def knock() -> None:
        link, protocol, heard = link_at_work()
        protocol.datagram_received(check(link, "wrong password of 22 c"), ("192.0.2.1", 5))
        assert link.remote_candidates == []
        protocol.datagram_received(check(link), ("192.0.2.1", 5))
        assert [(c.host, c.port, c.type) for c in link.remote_candidates] == [("192.0.2.1", 5, "prflx")]
        protocol.datagram_received(b"\x80" * 200, ("192.0.2.1", 5))
        protocol.datagram_received(b"\x80" * 200, ("192.0.2.1", 6))
        assert seams.waiting(link) == 1
        assert heard == ["x"]
        await link.close()

    in_loop(knock())


def test_what_nobody_reads_is_not_kept_without_end() -> None:
    async def flood() -> None:
        link, protocol, _ = link_at_work()
        protocol.datagram_received(check(link), ("192.0.2.1", 5))
        for _ in range(MAX_WAITING + 10):
            protocol.datagram_received(b"\x80" * 200, ("192.0.2.1", 5))
        assert seams.waiting(link) == MAX_WAITING
        await link.close()

    in_loop(flood())


def test_a_peer_cannot_send_our_checks_to_many_places() -> None:
    async def knock() -> None:
        link, protocol, _ = link_at_work()
        for port in range(1, 100):
            protocol.datagram_received(check(link), ("192.0.2.1", port))
        assert len(link.remote_candidates) == MAX_ADDRESSES
        await link.close()

    in_loop(knock())


def test_a_check_without_what_it_must_have_is_no_trouble() -> None:
    async def knock() -> None:
        link, protocol, _ = link_at_work()
        protocol.datagram_received(check(link, PRIORITY=False), ("192.0.2.1", 5))
        assert link.remote_candidates == []
        link.probe()
        await link.close()

    in_loop(knock())


@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(stun.ATTRIBUTES_BY_TYPE)), st.binary(max_size=24), st.integers(-2, 2)
        ),
        max_size=5,
    ),
    st.sampled_from([0x0001, 0x0011, 0x0101, 0x0111, 0x0003, 0x3EEF]),
    st.binary(max_size=6),
)
def test_whatever_a_stranger_sends_is_no_trouble(
    attributes: list[tuple[int, bytes, int]], kind: int, rest: bytes
) -> None:
    async def knock() -> None:
        link, protocol, _ = link_at_work()
        parts = [
            struct.pack("!HH", number, max(0, len(value) + off)) + value for number, value, off in attributes
        ]
        body = b"".join(parts) + rest
        protocol.datagram_received(
            struct.pack("!HHI12s", kind, len(body), stun.COOKIE, bytes(12)) + body, ("192.0.2.1", 5)
        )
        assert link.remote_candidates == []
        await link.close()

    in_loop(knock())


def test_a_link_that_was_closed_while_it_found_a_way_stays_closed() -> None:
    async def close_in_between() -> None:
        link, protocol, _ = link_at_work()
        link._local_candidates_end = True
        pair = CandidatePair(protocol, Candidate("f", 1, "udp", 1, "127.0.0.1", 2, "host"))
        pair.nominated, pair.state = True, CandidatePair.State.SUCCEEDED
        link._check_list.append(pair)
        connecting = asyncio.get_running_loop().create_task(link.connect())
        await asyncio.sleep(0)
        link.check_complete(pair)
        await link.close()
        with pytest.raises(ConnectionError, match="the link was closed"):
            await connecting
        assert asyncio.all_tasks() == {asyncio.current_task()}

    in_loop(close_in_between())
