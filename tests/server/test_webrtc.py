"""Calls by WebRTC, over real UDP on this machine: what is said, heard, told, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from tests.server.rtc_caller import StockCaller, calling, tone

from vivavoce.engines.base import Engines
from vivavoce.engines.scripted import scripted_engines
from vivavoce.server import ServerConfig
from vivavoce.webrtc.config import RtcConfig

Serve = Callable[..., AbstractAsyncContextManager[str]]

HERE = RtcConfig(addresses=("127.0.0.1",))
LONG = "This is an answer that goes on for so long that nobody would listen to all of it."


def config(**settings: Any) -> ServerConfig:
    return ServerConfig(webrtc=settings.pop("webrtc", HERE), **settings)


def talker(*answers: str, hears: tuple[str, ...] = ("Hello there.",) * 4) -> Engines:
    return scripted_engines(hears=hears, answers=[[answer] for answer in answers], word_ms=200)


def test_a_question_is_heard_and_its_answer_spoken(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving(config(), talker("Good day to you.")) as url, calling(url) as caller:
            assert caller.location == f"/v1/realtime/calls/{caller.call_id}"
            assert caller.call_id.startswith("rtc_")
            caller.say(tone(0.5))
            await caller.event("output_audio_buffer.stopped")
            assert caller.types[0] == "session.created"
            assert "response.output_audio.delta" not in caller.types
            answer = caller.of("response.output_audio_transcript.done")[0]
            assert answer["transcript"] == "Good day to you."
            # Four words of 200 ms, in which 20 ms at each end may be lost in the silence around.
            assert caller.voiced_ms == pytest.approx(800, abs=60)
            wanted = ["output_audio_buffer.started", "response.done", "output_audio_buffer.stopped"]
            assert [kind for kind in caller.types if kind in wanted] == wanted

    asyncio.run(scenario())


def test_a_caller_on_aiortc_as_it_comes(serving: Serve) -> None:
    async def scenario() -> None:
        caller = StockCaller()
        async with serving(config(), talker("Good day to you.")) as url, asyncio.TaskGroup() as tasks:
            await caller.call(tasks, url)
            caller.say(tone(0.5))
            await caller.event("output_audio_buffer.stopped")
            await caller.connection.close()
        assert caller.voiced_ms == pytest.approx(800, abs=100)

    asyncio.run(scenario())


def test_who_speaks_in_between_is_listened_to_and_the_rest_is_not_said(serving: Serve) -> None:
    async def scenario() -> None:
        async with serving(config(), talker(LONG, "Yes?")) as url, calling(url) as caller:
            caller.write("Tell me something.")
            await caller.until(lambda: caller.voiced_ms >= 600)
            caller.say(tone(0.5))
            truncated = await caller.event("conversation.item.truncated")
            heard_ms = caller.voiced_ms
            kinds = caller.types[caller.types.index("input_audio_buffer.speech_started") :]
            assert kinds == [
                "input_audio_buffer.speech_started",
                "output_audio_buffer.cleared",
                "response.output_audio.done",
                "response.output_audio_transcript.done",
                "response.content_part.done",
                "conversation.item.done",
                "response.output_item.done",
                "response.done",
                "conversation.item.truncated",
            ]
            assert caller.of("response.done")[0]["response"]["status_details"]["reason"] == "turn_detected"
            # What was played is what was heard, but for what is still on its way.
            assert truncated["audio_end_ms"] == pytest.approx(heard_ms, abs=100)
            assert truncated["audio_end_ms"] % 20 == 0
            await caller.event("output_audio_buffer.stopped")
            assert caller.voiced_ms < heard_ms + 400

    asyncio.run(scenario())
