from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from vivavoce.conversation.playback import RealtimePlaybackTracker
from vivavoce.errors import ConnectionLostError
from vivavoce.lines import bridge
from vivavoce.testing import run


class ShortLine:
    """Says three things, a second each, and hangs up."""

    sample_rate = 24_000

    def __init__(self, words: int = 3) -> None:
        self.tracker = RealtimePlaybackTracker()
        self.heard: list[Any] = []
        self._left = words

    async def hear(self) -> bytes:
        if not self._left:
            return b""
        self._left -= 1
        await asyncio.sleep(1)
        return b"word"

    def play(self, item_id: str, content_index: int, pcm: bytes) -> None:
        self.heard.append((item_id, content_index, pcm))

    def clear(self) -> None:
        self.heard.append("cleared")


class Session:
    """Answers the first word, is interrupted by the second; ends after `ends` seconds."""

    def __init__(self, ends: float = 100.0, fails: Exception | None = None) -> None:
        self.sent: list[bytes] = []
        self.asked: tuple[str, ...] = ()
        self._ends = ends
        self._fails = fails

    async def send_audio(self, audio: bytes) -> None:
        if self._fails is not None:
            raise self._fails
        self.sent.append(audio)

    async def events(self, *types: str) -> AsyncIterator[Any]:
        self.asked = types
        await asyncio.sleep(1.5)
        audio = SimpleNamespace(data=b"answer")
        yield SimpleNamespace(type="audio", item_id="item", content_index=0, audio=audio)
        await asyncio.sleep(0.1)
        yield SimpleNamespace(type="audio_interrupted", item_id="item", content_index=0, heard_ms=10)
        await asyncio.sleep(self._ends)


def test_both_ways_until_the_line_hangs_up() -> None:
    line, session = ShortLine(), Session()
    run(bridge(line, session))
    assert session.sent == [b"word"] * 3
    assert line.heard == [("item", 0, b"answer"), "cleared"]
    assert session.asked == ("audio", "audio_interrupted")


def test_until_the_session_ends() -> None:
    line, session = ShortLine(words=1000), Session(ends=3.0)

    async def timed() -> float:
        await bridge(line, session)
        return asyncio.get_running_loop().time()

    assert run(timed()) == pytest.approx(4.6)


def test_what_the_session_raises_is_raised_as_it_is() -> None:
    with pytest.raises(ConnectionLostError, match="gone"):
        run(bridge(ShortLine(), Session(fails=ConnectionLostError("gone"))))


def test_cancelling_ends_it() -> None:
    async def impatient() -> None:
        async with asyncio.timeout(2.5):
            await bridge(ShortLine(words=1000), Session())

    with pytest.raises(TimeoutError):
        run(impatient())
