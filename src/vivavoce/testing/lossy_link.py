"""`LossyLink`: a bad network between two WebRTC peers, in user space.

A relay of datagrams: the addresses in the one peer's SDP are exchanged for its own, and whatever passes it is
lost, held up or put out of order, both ways. Nothing of the machine's network is touched.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from types import TracebackType
from typing import Self, cast

from vivavoce.errors import ConfigurationError
from vivavoce.tasks import Tasks

MAX_PEERS = 256
"""Senders that one relay tells apart; datagrams of further ones are lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkConditions:
    """How bad a network is; the same in both directions.

    Attributes:
        loss: share of the datagrams that are lost, from 0 to 1.
        delay_ms: what every datagram takes at least.
        jitter_ms: what it takes on top of that, evenly spread from 0; later ones overtake earlier ones.
    """

    loss: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            ConfigurationError: one of them means nothing.
        """
        if not 0.0 <= self.loss <= 1.0:
            raise ConfigurationError(f"loss is a share from 0 to 1, got {self.loss!r}")
        for name in ("delay_ms", "jitter_ms"):
            if not 0.0 <= getattr(self, name) < float("inf"):
                raise ConfigurationError(f"{name} is 0 or more milliseconds, got {getattr(self, name)!r}")


class LossyLink:
    """The way to one peer, and back from it.

    The peer that offers names no address, and learns of the other one only the link's: all goes through it.
    ``calls_url`` is where a server takes calls, ``events`` an object with the methods of `PeerEvents`; a
    whole program is in docs/testing.md.

    ```python
    caller = RtcPeer(RtcConfig(), events)
    async with LossyLink(LinkConditions(loss=0.05, jitter_ms=80)) as link, httpx.AsyncClient() as web:
        offer = without_candidates(await caller.offer())
        answer = await web.post(calls_url, content=offer, headers={"content-type": "application/sdp"})
        await caller.accept(await link.through(answer.text))
    ```

    Args:
        conditions: how bad it is at first.
        seed: of its chances; the same seed loses the same datagrams, as far as they come in the same order.
    """

    def __init__(self, conditions: LinkConditions | None = None, *, seed: int = 0) -> None:
        self._way = _Way(conditions or LinkConditions(), seed)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    @property
    def conditions(self) -> LinkConditions:
        """How bad it is from now on; may be changed at any time."""
        return self._way.conditions

    @conditions.setter
    def conditions(self, conditions: LinkConditions) -> None:
        self._way.conditions = conditions

    @property
    def passed(self) -> int:
        """Datagrams that were let through."""
        return self._way.passed

    @property
    def lost(self) -> int:
        """Datagrams that were not."""
        return self._way.lost

    async def aclose(self) -> None:
        """Cut the way; safe to call twice."""
        await self._way.aclose()

    async def through(self, sdp: str) -> str:
        """Return the SDP of a peer as one that is reached through this link alone.

        Its UDP host candidates become addresses of the relay on 127.0.0.1; all others are left out.

        Args:
            sdp: an offer or an answer, with candidates.
        """
        lines: list[str] = []
        for line in sdp.splitlines():
            if not line.startswith("a=candidate:"):
                lines.append(line)
                continue
            fields = line.split()
            if fields[2].lower() == "udp" and fields[7] == "host" and "." in fields[4]:
                fields[4], fields[5] = "127.0.0.1", str(await self._relay(fields[4], int(fields[5])))
                lines.append(" ".join(fields))
        return "\r\n".join(lines) + "\r\n"

    async def _relay(self, host: str, port: int) -> int:
        loop = asyncio.get_running_loop()
        front, _ = await loop.create_datagram_endpoint(
            lambda: _Front(self._way, (host, port)), local_addr=("127.0.0.1", 0)
        )
        return int(front.get_extra_info("sockname")[1])


class _Way:
    """What a link's sockets share: the chances, and their end."""

    def __init__(self, conditions: LinkConditions, seed: int) -> None:
        self.conditions = conditions
        self.passed = 0
        self.lost = 0
        self.chances = random.Random(seed)  # noqa: S311 - a simulation
        self.sockets: set[asyncio.DatagramTransport] = set()
        self._tasks = Tasks()

    def open(self, back: _Back, target: tuple[str, int]) -> None:
        """Open the way from one sender to the near peer."""
        loop = asyncio.get_running_loop()

        async def connect() -> None:
            await loop.create_datagram_endpoint(lambda: back, remote_addr=target)

        self._tasks.spawn(connect(), "a sender's way through a link")

    def carry(self, transport: asyncio.DatagramTransport, data: bytes, to: tuple[str, int] | None) -> None:
        """Send a datagram on, later, or not at all."""
        conditions = self.conditions
        if self.chances.random() < conditions.loss:
            self.lost += 1
            return
        self.passed += 1
        delay_ms = conditions.delay_ms + self.chances.uniform(0, conditions.jitter_ms)
        if delay_ms <= 0:
            _send(transport, data, to)
        else:
            asyncio.get_running_loop().call_later(delay_ms / 1000, _send, transport, data, to)

    async def aclose(self) -> None:
        """Close every socket."""
        await self._tasks.aclose()
        for socket in self.sockets:
            socket.abort()
        self.sockets.clear()
        await asyncio.sleep(0)  # aborted transports leave on the next turn of the loop


class _Front(asyncio.DatagramProtocol):
    """Where the far peer sends to, in the place of the near one."""

    def __init__(self, way: _Way, target: tuple[str, int]) -> None:
        self._way = way
        self._target = target
        self._backs: dict[tuple[str, int], _Back] = {}
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)
        self._way.sockets.add(self.transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        back = self._backs.get(addr)
        if back is None:
            if len(self._backs) >= MAX_PEERS:
                self._way.lost += 1
                return
            back = self._backs[addr] = _Back(self._way, self, addr)
            self._way.open(back, self._target)
        back.forward(data)

    def error_received(self, exc: Exception) -> None:
        """Say nothing: the peer may have gone, as peers do."""


class _Back(asyncio.DatagramProtocol):
    """From where the near peer hears one sender."""

    def __init__(self, way: _Way, front: _Front, sender: tuple[str, int]) -> None:
        self._way = way
        self._front = front
        self._sender = sender
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self._way.sockets.add(self._transport)

    def forward(self, data: bytes) -> None:
        if self._transport is None:
            self._way.lost += 1  # the way is being made; whoever connects sends again
        else:
            self._way.carry(self._transport, data, None)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002
        if self._front.transport is not None:
            self._way.carry(self._front.transport, data, self._sender)

    def error_received(self, exc: Exception) -> None:
        """Say nothing: the peer may have gone, as peers do."""


def _send(transport: asyncio.DatagramTransport, data: bytes, to: tuple[str, int] | None) -> None:
    if not transport.is_closing():
        transport.sendto(data, to)


def without_candidates(sdp: str) -> str:
    """Return an SDP that names no address: its peer is found by what it sends, and so through the link."""
    return "".join(line for line in sdp.splitlines(keepends=True) if not line.startswith("a=candidate:"))
