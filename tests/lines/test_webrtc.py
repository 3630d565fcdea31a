"""Against a peer over loopback UDP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.web.pages import LOCAL, Page, page

from vivavoce.errors import SdpError
from vivavoce.lines import BrowserLine, Line
from vivavoce.lines import webrtc as line_module
from vivavoce.testing.tones import tone


@asynccontextmanager
async def joined(**listeners: Any) -> AsyncIterator[tuple[BrowserLine, Page]]:
    line = BrowserLine(LOCAL, **listeners)
    async with page() as browser:
        try:
            await browser.peer.accept(await line.answer(await browser.peer.offer()))
            await browser.until(lambda: line.connected and browser.peer.connected and browser.heard)
            yield line, browser
        finally:
            await line.aclose()


async def hear(line: BrowserLine, at_least: int) -> bytes:
    heard = b""
    while len(heard) < at_least:
        heard += await line.hear()
    return heard


def test_it_is_a_line() -> None:
    async def story() -> None:
        line = BrowserLine()
        assert isinstance(line, Line)
        assert not line.connected
        await line.aclose()
        assert await line.hear() == b""

    asyncio.run(story())


def test_voices_and_texts_go_both_ways() -> None:
    async def story() -> None:
        texts: list[str] = []
        opened = asyncio.Event()
        frames: list[int] = []
        async with joined(
            on_text=texts.append, on_open=opened.set, on_frame=lambda pieces: frames.append(len(pieces))
        ) as (line, browser):
            await opened.wait()
            assert line.carries_text
            line.tracker.expect("item", 0)
            line.play("item", 0, tone(300))
            assert line.playing
            browser.speak(tone(300))
            browser.send("hello")
            assert line.send_text('{"type": "welcome"}')
            await browser.until(lambda: browser.loud_frames >= 14)
            await browser.until("welcome")
            await browser.until(lambda: not line.playing)
            heard = await hear(line, len(tone(600)))
            assert max(heard) > 0
            assert texts == ['{"type": "hello"}']
            assert line.tracker.played_ms("item", 0) == 300
            assert sum(frames) == 15

    asyncio.run(story())


def test_what_is_cleared_is_not_heard_and_not_reported() -> None:
    async def story() -> None:
        async with joined() as (line, browser):
            line.tracker.expect("item", 0)
            line.play("item", 0, tone(3000))
            await browser.until(lambda: browser.loud_frames >= 5)
            line.clear()
            played = line.tracker.played_ms("item", 0)
            silent_from = len(browser.heard) + 15
            await browser.until(lambda: len(browser.heard) > silent_from + 10)
            assert not any(browser.heard[silent_from:])
            assert line.tracker.played_ms("item", 0) == played
            assert abs(played - browser.loud_frames * 20) <= 60

    asyncio.run(story())


def test_when_the_browser_is_gone_hearing_ends() -> None:
    async def story() -> None:
        async with joined() as (line, browser):
            await browser.peer.aclose()
            async with asyncio.timeout(5):
                while await line.hear():
                    pass
            assert line.ended == "the peer hung up"
            assert not line.send_text("anybody?")

    asyncio.run(story())


def test_hanging_up_is_noticed_over_there() -> None:
    async def story() -> None:
        async with joined() as (line, browser):
            await line.aclose()
            await browser.until(lambda: browser.ended)
            assert line.ended == "hung up here"
            await line.aclose()

    asyncio.run(story())


def test_what_nobody_hears_is_dropped_beyond_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "UNHEARD_BYTES", 9600)

    async def story() -> None:
        async with joined() as (line, browser):
            start = len(browser.heard)
            await browser.until(lambda: len(browser.heard) > start + 20)
            assert len(await line.hear()) == 9600

    asyncio.run(story())


def test_garbage_is_no_offer() -> None:
    async def story() -> None:
        line = BrowserLine(LOCAL)
        try:
            with pytest.raises(SdpError):
                await line.answer("hello")
        finally:
            await line.aclose()

    asyncio.run(story())
