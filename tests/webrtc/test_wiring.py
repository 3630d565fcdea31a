from __future__ import annotations

import asyncio
import logging

import pytest
from tests.webrtc.ends import LOCAL, End
from tests.webrtc.test_sdp import CHROMIUM

from vivavoce.testing import run
from vivavoce.webrtc.channel import TextChannel
from vivavoce.webrtc.sdp import read_offer
from vivavoce.webrtc.wiring import Wiring


def wire() -> tuple[Wiring, list[str]]:
    end, states = End(), list[str]()
    wiring = Wiring(
        LOCAL, end, TextChannel(end, states.append), on_heard=lambda: None, on_state=states.append
    )
    return wiring, states


def test_an_offer_lists_our_codecs_only_and_asks_no_server() -> None:
    async def offer() -> str:
        wiring, _ = wire()
        text = await wiring.speak()
        assert wiring.unread == 0
        await wiring.close()
        return text

    text = asyncio.run(offer())
    assert "SAVPF 96 0 8\r\n" in text
    assert "srflx" not in text


def test_states_are_told_and_the_end_is_one() -> None:
    async def answer() -> list[str]:
        wiring, states = wire()
        await wiring.hear(read_offer(CHROMIUM), "offer")
        assert not wiring.connected
        assert "a=rtpmap:63 red/48000/2" in await wiring.speak()
        await asyncio.sleep(0)
        await wiring.close()
        return states

    assert asyncio.run(answer())[-1] == "closed"


def test_what_does_not_close_is_given_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def close() -> float:
        loop = asyncio.get_running_loop()
        wiring, _ = wire()
        await wiring.speak()
        monkeypatch.setattr(wiring.connection, "close", asyncio.Event().wait)
        before = loop.time()
        await wiring.close()
        await wiring.link.released()
        assert wiring.link.local_candidates == []
        return loop.time() - before

    with caplog.at_level(logging.WARNING):
        assert run(close()) < 1
    assert "took too long to close" in caplog.text
