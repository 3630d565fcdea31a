"""Callers who were let in and mean harm: whatever they send, others are served, and nothing is left of it."""

from __future__ import annotations

import asyncio
import struct
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from tests.server.rtc_attacker import Attacker, channel_opening, chunk, data, sack
from tests.server.rtc_caller import HERE, calling, emptied, hosting

from vivavoce.server import ServerConfig

MOST_S = 2.0
"""Seconds of a processor for two calls, an attack, and the attacker himself; most take a tenth of that."""

Attack = Callable[[Attacker], Awaitable[None]]


async def parameters_of_no_length(attacker: Attacker) -> None:
    for kind in (4, 6, 9, 130):
        await attacker.send_chunks(chunk(kind, struct.pack("!HH", 1, 0)))


async def acknowledgements_of_everything_again_and_again(attacker: Attacker) -> None:
    for _ in range(20):
        await attacker.send_chunks(sack(attacker.received, *[(1, 65535)] * 290))


async def messages_of_nothing(attacker: Attacker) -> None:
    first = attacker.next_tsn + 1  # so that one is always missing
    for number in range(200):
        await attacker.send_chunks(*(data(first + number * 60 + each, b"", flags=0) for each in range(60)))


async def messages_with_a_gap_before_each(attacker: Attacker) -> None:
    first = attacker.next_tsn + 1
    for number in range(200):
        await attacker.send_chunks(
            *(data(first + 2 * (number * 50 + each), b"x", flags=0) for each in range(50))
        )


async def a_message_in_crumbs(attacker: Attacker) -> None:
    first = attacker.next_tsn
    for number in range(200):
        pieces = (number * 50 + each for each in range(50))
        await attacker.send_chunks(*(data(first + piece, b"x", flags=2 * (not piece)) for piece in pieces))


async def pieces_without_a_beginning_and_much_skipping(attacker: Attacker) -> None:
    first = attacker.next_tsn
    for number in range(100):
        await attacker.send_chunks(*(data(first + number * 50 + each, b"x", flags=4) for each in range(50)))
    for number in range(20):
        skipped = struct.pack("!L", (first + 20_000 + number) % 2**32) + struct.pack("!HH", 0, 1) * 290
        await attacker.send_chunks(chunk(192, skipped))


async def thousands_of_channels(attacker: Attacker) -> None:
    first, opening = attacker.next_tsn, channel_opening(b"more")
    for number in range(0, 4000, 20):
        streams = range(number, number + 20)
        await attacker.send_chunks(*(data(first + s, opening, stream=1000 + s, protocol=50) for s in streams))


async def everything_heard_wanted_again(attacker: Attacker) -> None:
    for first in range(0, 65536, 1310):
        wanted = b"".join(struct.pack("!HH", (first + 17 * n) % 65536, 65535) for n in range(290))
        await attacker.send_media(struct.pack("!BBHLL", 0x81, 205, 292, 1, attacker.ear) + wanted)


async def a_thousand_voices(attacker: Attacker) -> None:
    for number in range(1000):
        head = struct.pack("!BBHLL", 0x80, 96, number, number * 960, 10_000 + number)
        await attacker.send_media(head + b"\xf8\xff\xfe")


@pytest.mark.parametrize(
    "attack",
    [
        parameters_of_no_length,
        acknowledgements_of_everything_again_and_again,
        messages_of_nothing,
        messages_with_a_gap_before_each,
        a_message_in_crumbs,
        pieces_without_a_beginning_and_much_skipping,
        thousands_of_channels,
        everything_heard_wanted_again,
        a_thousand_voices,
    ],
)
def test_an_attack_by_packets_costs_nobody_else_anything(attack: Attack) -> None:
    async def scenario() -> None:
        config = ServerConfig(webrtc=replace(HERE, vanish_s=1.0))  # a good-bye may get lost in a flood
        async with hosting(config) as (url, app), asyncio.TaskGroup() as tasks:
            attacker = Attacker()
            await attacker.call(tasks, url)
            async with calling(url) as other:
                before = time.thread_time()
                await attack(attacker)
                for number in range(1, 6):
                    other.send("session.update", session={"type": "realtime", "instructions": "Be brief."})
                    await other.event("session.updated", number)
                assert time.thread_time() - before < MOST_S
            await attacker.connection.close()
            assert await emptied(app) < 3

    asyncio.run(scenario())
