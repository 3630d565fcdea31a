"""A bad network: what passes it, what does not, and in which order."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, cast

import pytest

from vivavoce.errors import ConfigurationError
from vivavoce.testing import LinkConditions, LossyLink, without_candidates
from vivavoce.testing.lossy_link import MAX_PEERS, _Front

SDP = (
    "v=0\r\n"
    "a=candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host\r\n"
    "a=candidate:2 1 tcp 2130706431 127.0.0.1 9 typ host tcptype active\r\n"
    "a=candidate:3 1 udp 1694498815 192.0.2.1 7 typ srflx raddr 0.0.0.0 rport 0\r\n"
    "a=candidate:4 1 UDP 2130706431 ::1 7 typ host\r\n"
    "a=end-of-candidates\r\n"
)


def on_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    @functools.wraps(test)
    def run() -> None:
        asyncio.run(test())

    return run


class Mailbox(asyncio.DatagramProtocol):
    """Keeps what comes, and answers it where it is told to."""

    def __init__(self, *, echo: bool = False) -> None:
        self.echo = echo
        self.came: asyncio.Queue[bytes] = asyncio.Queue()
        self.senders: set[tuple[str, int]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.came.put_nowait(data)
        self.senders.add(addr)
        if self.echo:
            self.transport.sendto(data, addr)


async def mailbox(*, echo: bool = False) -> Mailbox:
    loop = asyncio.get_running_loop()
    _, box = await loop.create_datagram_endpoint(lambda: Mailbox(echo=echo), local_addr=("127.0.0.1", 0))
    return box


async def door(link: LossyLink, box: Mailbox) -> tuple[str, int]:
    """Return where the link lets datagrams in that are for this box."""
    port = box.transport.get_extra_info("sockname")[1]
    sdp = await link.through(SDP.format(port=port))
    (line,) = [line for line in sdp.splitlines() if line.startswith("a=candidate:")]
    assert sdp.endswith("a=end-of-candidates\r\n")
    fields = line.split()
    assert fields[5] != str(port)
    return fields[4], int(fields[5])


async def opened(link: LossyLink, sender: Mailbox, receiver: Mailbox) -> tuple[str, int]:
    """Return the door once a datagram has gone through: the first ones are lost while the way is made."""
    address = await door(link, receiver)
    while receiver.came.empty():
        sender.transport.sendto(b"open", address)
        await asyncio.sleep(0)
    while not receiver.came.empty():
        receiver.came.get_nowait()
    return address


@on_a_loop
async def test_a_good_link_carries_everything_both_ways() -> None:
    async with LossyLink() as link:
        near, far = await mailbox(echo=True), await mailbox()
        address = await opened(link, far, near)
        far.transport.sendto(b"hello", address)
        while await near.came.get() != b"hello":
            pass
        while await far.came.get() != b"hello":
            pass
        assert link.passed >= 2
        near.transport.close()
        far.transport.close()


@on_a_loop
async def test_the_same_seed_loses_the_same() -> None:
    async def numbers(seed: int) -> list[int]:
        async with LossyLink(seed=seed) as link:
            near, far = await mailbox(), await mailbox()
            address = await opened(link, far, near)
            link._way.chances.seed(seed)
            link.conditions = LinkConditions(loss=0.3)
            for number in range(100):
                far.transport.sendto(bytes([number]), address)
                await asyncio.sleep(0)
            link.conditions = LinkConditions()
            far.transport.sendto(b"end", address)
            came: list[int] = []
            while (data := await near.came.get()) != b"end":
                came += [data[0]] if data != b"open" else []
            near.transport.close()
            far.transport.close()
            return came

    first = await numbers(7)
    assert 50 < len(first) < 90
    assert first == await numbers(7) != await numbers(8)


@on_a_loop
async def test_jitter_puts_datagrams_out_of_order_and_loses_none() -> None:
    async with LossyLink(seed=1) as link:
        near, far = await mailbox(), await mailbox()
        address = await opened(link, far, near)
        link.conditions = LinkConditions(delay_ms=5, jitter_ms=30)
        for number in range(50):
            far.transport.sendto(bytes([number]), address)
        came = [data[0] async for data in _take(near, 50)]
        assert sorted(came) == list(range(50)) != came
        near.transport.close()
        far.transport.close()


async def _take(box: Mailbox, count: int) -> AsyncIterator[bytes]:
    while count:
        if (data := await box.came.get()) != b"open":
            count -= 1
            yield data


@on_a_loop
async def test_senders_are_kept_apart_and_bounded() -> None:
    async with LossyLink() as link:
        near = await mailbox()
        senders = [await mailbox() for _ in range(2)]
        address = await door(link, near)
        while len(near.senders) < 2:
            for sender in senders:
                sender.transport.sendto(b"x", address)
            await asyncio.sleep(0)
        (front,) = [
            protocol for each in link._way.sockets if isinstance(protocol := each.get_protocol(), _Front)
        ]
        known = next(iter(front._backs.values()))
        front._backs.update({("192.0.2.1", number): known for number in range(MAX_PEERS)})
        before = link.lost
        front.datagram_received(b"one too many", ("192.0.2.2", 1))
        assert link.lost == before + 1
        for box in (near, *senders):
            box.transport.close()


@on_a_loop
async def test_a_closed_link_carries_nothing_and_closes_twice() -> None:
    link = LossyLink(LinkConditions(delay_ms=20))
    near, far = await mailbox(), await mailbox()
    address = await opened(link, far, near)
    far.transport.sendto(b"late", address)
    await asyncio.sleep(0)
    await link.aclose()
    await link.aclose()
    assert not link._way.sockets
    near.transport.close()
    far.transport.close()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"loss": 1.1}, "loss is a share"),
        ({"delay_ms": -1}, "delay_ms is 0 or more"),
        ({"jitter_ms": float("inf")}, "jitter_ms"),
    ],
)
def test_conditions_that_mean_nothing_are_refused(values: dict[str, float], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        LinkConditions(**values)


def test_an_offer_without_addresses() -> None:
    assert without_candidates(SDP.format(port=5)) == "v=0\r\na=end-of-candidates\r\n"
