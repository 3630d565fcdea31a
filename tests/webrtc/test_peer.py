from __future__ import annotations

import asyncio
import re
import sys

import pytest
import uvloop
from hypothesis import HealthCheck, given, settings
from tests.webrtc.ends import LOCAL, End, call, cut, nothing_left
from tests.webrtc.test_sdp import CHROMIUM, mutated

from vivavoce.errors import LocalProtocolError, MissingExtraError, NoPortError, SdpError
from vivavoce.webrtc.config import RtcConfig
from vivavoce.webrtc.peer import HIGH_WATER, MAX_BUFFERED, RtcPeer, load


def test_two_peers_hear_each_other() -> None:
    async def talk() -> None:
        with nothing_left():
            async with call() as (_, near, _, far):
                await near.hears(0.4)
                await far.hears(0.4)
                assert near.pitch() == pytest.approx(700, abs=10)
                assert far.pitch() == pytest.approx(400, abs=10)

    asyncio.run(talk())


def test_two_peers_write_to_each_other() -> None:
    async def write() -> None:
        async with call() as (caller, near, callee, far):
            assert caller.carries_text
            assert callee.carries_text
            long = "é" * 130_000
            for text in ("hello", "", long):
                assert caller.send(text)
            assert callee.send("and back")
            await far.until(lambda end: len(end.texts) == 3)
            await near.until(lambda end: end.texts)
            assert far.texts == ["hello", "", long]
            assert near.texts == ["and back"]

    asyncio.run(write())


def test_what_is_said_before_the_channel_is_open_is_not_lost() -> None:
    async def early() -> None:
        near, far = End(), End()
        caller, callee = RtcPeer(LOCAL, near), RtcPeer(LOCAL, far)
        caller.send("one")
        answer = await callee.answer(await caller.offer())
        callee.send("two")
        assert (callee.buffered, callee.connected) == (3, False)
        await caller.accept(answer)
        await far.until(lambda end: end.texts and end.opened)
        await near.until(lambda end: end.texts)
        assert (far.texts, near.texts) == (["one"], ["two"])
        assert (callee.buffered, callee.connected) == (0, True)
        await caller.aclose()
        await callee.aclose()

    asyncio.run(early())


def test_a_message_longer_than_the_peer_takes_is_not_sent() -> None:
    async def write() -> None:
        async with call() as (caller, _, callee, far):
            assert caller.max_message_size == callee.max_message_size == 262144
            assert not caller.send("x" * 262145)
            assert caller.send("x" * 262144)
            await far.until(lambda end: end.texts)
            assert len(far.texts[0]) == 262144

    asyncio.run(write())


def test_who_sends_much_is_told_when_it_has_left() -> None:
    async def write() -> None:
        async with call() as (caller, near, _, far):
            for _ in range(8):
                caller.send("x" * (HIGH_WATER // 6))
            assert caller.buffered > HIGH_WATER
            await near.until(lambda end: end.drained)
            await far.until(lambda end: len(end.texts) == 8)
            assert near.drained == 1

    asyncio.run(write())


def test_who_hangs_up_is_gone_at_once() -> None:
    async def hang_up() -> None:
        for first in (0, 2):
            with nothing_left():
                async with call() as ends:
                    leaver, other = ends[first], ends[(first + 3) % 4]
                    assert isinstance(leaver, RtcPeer)
                    assert isinstance(other, End)
                    before = asyncio.get_running_loop().time()
                    await leaver.aclose()
                    await other.until(lambda end: end.ends)
                    assert other.ends == ["the peer hung up"]
                    assert asyncio.get_running_loop().time() - before < 1
                    assert not leaver.send("too late")
                    assert not leaver.connected

    asyncio.run(hang_up())


def test_who_does_not_read_is_dropped() -> None:
    async def flood() -> None:
        async with call() as (caller, near, callee, _):
            cut(callee)
            for _ in range(MAX_BUFFERED // 262144 + 1):
                caller.send("x" * 262144)
            await near.until(lambda end: end.ends)
            assert near.ends[0].startswith("the peer does not read: ")

    asyncio.run(flood())


def test_an_end_whose_certificate_is_not_the_one_it_named_is_refused() -> None:
    async def lie() -> None:
        with nothing_left():
            near, far = End(), End()
            caller, callee = RtcPeer(LOCAL, near), RtcPeer(LOCAL, far)
            offer = re.sub(r"(a=fingerprint:\S+ )..:..", r"\g<1>00:00", await caller.offer())
            await caller.accept(await callee.answer(offer))
            await far.until(lambda end: end.ends)
            assert far.ends == [
                "the connection failed: the two ends agree on no encryption, or no way is left"
            ]
            assert far.heard == b""
            await callee.aclose()
            await caller.aclose()

    asyncio.run(lie())


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vivavoce.webrtc.wiring", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'vivavoce\[webrtc\]'"):
        load()


def test_what_came_is_counted() -> None:
    async def count() -> None:
        assert RtcPeer(LOCAL, End()).reception is None
        async with call() as (caller, near, _, _):
            await near.hears(0.1)
            assert caller.reception is not None
            assert caller.reception.packets >= 5

    asyncio.run(count())


def test_a_call_can_be_closed_at_any_moment() -> None:
    async def close_early() -> None:
        for moment in [*range(0, 40, 3), *range(60, 400, 40)]:
            with nothing_left():
                near, far = End(), End()
                caller, callee = RtcPeer(LOCAL, near), RtcPeer(LOCAL, far)
                await caller.accept(await callee.answer(await caller.offer()))
                for _ in range(moment):
                    await asyncio.sleep(0)
                await callee.aclose()
                await callee.aclose()
                await caller.aclose()
                assert far.ends == []

    asyncio.run(close_early())


def test_media_goes_on_when_the_channel_is_closed_and_opened_again() -> None:
    async def reopen() -> None:
        async with call() as (caller, near, callee, far):
            assert caller._wiring is not None
            assert callee._wiring is not None
            caller._channel._channel.close()  # type: ignore[union-attr]
            while callee._channel._channel is not None:
                await far.next_frame()
            assert not callee.send("nobody")
            assert far.ends == []
            channel = caller._wiring.connection.createDataChannel("oai-events")
            channel.on("message", near.on_text)
            while not callee.send("again"):
                await far.next_frame()
            await near.until(lambda end: "again" in end.texts)
            assert far.opened == 1
            assert far.ends == near.ends == []

    asyncio.run(reopen())


def test_the_servers_own_event_loop_carries_a_call() -> None:
    async def talk() -> None:
        with nothing_left():
            async with call() as (caller, near, _, far):
                caller.send("hello")
                await far.until(lambda end: end.texts)
                await near.hears(0.2)
                await far.hears(0.2)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(talk())


def test_a_closed_peer_takes_no_description() -> None:
    async def close_first() -> None:
        peer = RtcPeer(LOCAL, End())
        await peer.aclose()
        with pytest.raises(SdpError):
            await peer.answer(CHROMIUM)

    asyncio.run(close_first())


def test_one_call_has_one_description() -> None:
    async def again() -> None:
        with nothing_left():
            peer, other = RtcPeer(LOCAL, End()), RtcPeer(LOCAL, End())
            with pytest.raises(LocalProtocolError, match="call offer first"):
                await peer.accept(CHROMIUM)
            await peer.answer(CHROMIUM)
            with pytest.raises(SdpError, match="begin a new call instead of renegotiating"):
                await peer.answer(CHROMIUM)
            answer = await other.answer(await (caller := RtcPeer(LOCAL, End())).offer())
            await caller.accept(answer)
            with pytest.raises(LocalProtocolError, match="accept once"):
                await caller.accept(answer)
            for each in (peer, other, caller):
                await each.aclose()

    asyncio.run(again())


def test_an_answer_that_does_not_fit_closes_the_call() -> None:
    async def misfit() -> None:
        with nothing_left():
            peer = RtcPeer(LOCAL, End())
            await peer.offer()
            with pytest.raises(SdpError, match="other media sections"):
                await peer.accept(
                    CHROMIUM.replace("actpass", "active")
                    .replace("BUNDLE 0 1", "BUNDLE 0 x")
                    .replace("mid:1", "mid:x")
                )

    asyncio.run(misfit())


def test_when_the_ports_are_gone_it_says_so_and_frees_what_it_had() -> None:
    async def crowd() -> None:
        with nothing_left():
            first = RtcPeer(LOCAL, End())
            offer = await first.offer()
            port = int(offer.split("m=audio ")[1].split()[0])
            await first.aclose()
            one_port = RtcConfig(addresses=("127.0.0.1",), udp_ports=(port, port))
            second, third, fourth = (RtcPeer(one_port, End()) for _ in range(3))
            assert f" 127.0.0.1 {port} typ host" in await second.answer(CHROMIUM)
            with pytest.raises(
                NoPortError, match=f"every UDP port of {port}-{port} on 127.0.0.1 is taken; widen udp_ports"
            ):
                await third.answer(CHROMIUM)
            await second.aclose()
            await fourth.answer(CHROMIUM)
            await fourth.aclose()

    asyncio.run(crowd())


def test_an_answer_that_nobody_waits_for_any_more_frees_everything() -> None:
    async def cancel() -> None:
        for moment in range(12):
            with nothing_left():
                peer = RtcPeer(RtcConfig(), End())
                task = asyncio.get_running_loop().create_task(peer.answer(CHROMIUM))
                for _ in range(moment):
                    await asyncio.sleep(0)
                task.cancel()
                await asyncio.wait([task])
                await peer.aclose()

    asyncio.run(cancel())


def test_twenty_calls_one_after_another_leave_nothing() -> None:
    async def calls() -> None:
        with nothing_left():
            for _ in range(20):
                async with call() as (caller, _, _, far):
                    caller.send("hello")
                    await far.until(lambda end: end.texts)

    asyncio.run(calls())


@given(mutated())
@settings(max_examples=60, deadline=1000, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_is_offered_is_answered_or_refused(offer: str) -> None:
    async def answer() -> None:
        peer = RtcPeer(LOCAL, End())
        try:
            assert (await peer.answer(offer)).startswith("v=0")
        except SdpError:
            pass
        finally:
            await peer.aclose()

    asyncio.run(answer())
