"""A STUN and a TURN server for tests: as small as RFC 8489 and 8656 let them be, on 127.0.0.1."""

from __future__ import annotations

import asyncio
import struct
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

from aioice import stun
from aioice.turn import is_channel_data, make_integrity_key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

USER, PASSWORD, REALM = "me", "secret", "test"


class StunServer(asyncio.DatagramProtocol):
    """Tells whoever asks how it is seen: under `seen`, if that is set."""

    def __init__(self, seen: tuple[str, int] | None = None, *, mute: bool = False) -> None:
        self.seen = seen
        self.mute = mute
        self.asked = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        self.asked += 1
        if self.mute:
            return
        request = stun.parse_message(data)
        answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, request.transaction_id)
        answer.attributes["XOR-MAPPED-ADDRESS"] = self.seen or addr[:2]
        self.transport.sendto(bytes(answer), addr)


class Relay(asyncio.DatagramProtocol):
    """One allocation: an address of the server that stands for its client."""

    def __init__(self, server: TurnServer, client: tuple[Any, ...]) -> None:
        self.server = server
        self.client = client
        self.channels: dict[int, tuple[str, int]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        for number, peer in self.channels.items():
            if peer == addr[:2]:
                self.server.relayed += 1
                self.server.transport.sendto(struct.pack("!HH", number, len(data)) + data, self.client)


class TurnServer(asyncio.DatagramProtocol):
    """Relays for who knows the password. `deaf` makes it stop answering."""

    def __init__(self) -> None:
        self.relays: dict[tuple[Any, ...], Relay] = {}
        self.relayed = 0
        self.deaf = False
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[Any, ...]) -> None:
        if self.deaf:
            return
        if is_channel_data(data):
            number, length = struct.unpack("!HH", data[:4])
            relay = self.relays[addr]
            relay.transport.sendto(data[4 : 4 + length], relay.channels[number])
            return
        task = asyncio.get_running_loop().create_task(self._answer(stun.parse_message(data), addr))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, request: stun.Message, addr: tuple[Any, ...]) -> None:
        key = make_integrity_key(USER, REALM, PASSWORD)
        answer = stun.Message(request.message_method, stun.Class.RESPONSE, request.transaction_id)
        if not request.check_message_integrity(key):
            answer.message_class = stun.Class.ERROR
            answer.attributes |= {"ERROR-CODE": (401, "Unauthorized"), "NONCE": b"n", "REALM": REALM}
            self.transport.sendto(bytes(answer), addr)
            return
        match request.message_method:
            case stun.Method.ALLOCATE:
                loop = asyncio.get_running_loop()
                transport, relay = await loop.create_datagram_endpoint(
                    lambda: Relay(self, addr), local_addr=("127.0.0.1", 0)
                )
                self.relays[addr] = relay
                answer.attributes["XOR-RELAYED-ADDRESS"] = transport.get_extra_info("sockname")
                answer.attributes |= {"XOR-MAPPED-ADDRESS": addr[:2], "LIFETIME": 600}
            case stun.Method.CHANNEL_BIND:
                number = request.attributes["CHANNEL-NUMBER"]
                self.relays[addr].channels[number] = request.attributes["XOR-PEER-ADDRESS"]
            case stun.Method.REFRESH:
                answer.attributes["LIFETIME"] = request.attributes["LIFETIME"]
                if request.attributes["LIFETIME"] == 0:
                    self.relays.pop(addr).transport.close()
        answer.add_message_integrity(key)
        self.transport.sendto(bytes(answer), addr)

    def close(self) -> None:
        for relay in self.relays.values():
            relay.transport.close()


@asynccontextmanager
async def serving(server: asyncio.DatagramProtocol) -> AsyncIterator[str]:
    """Serve on a free port; gives ``host:port``."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: server, local_addr=("127.0.0.1", 0))
    try:
        yield f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
    finally:
        transport.close()
        if isinstance(server, TurnServer):
            server.close()
        await asyncio.sleep(0)
