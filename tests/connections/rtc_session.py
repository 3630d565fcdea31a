"""Sessions over calls as tests hold them: to this project's server, and to one that does what it is told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from tests.connections.rtc_server import LOOPBACK, RtcServer

from vivavoce import RealtimeAgent, RealtimeRunner, RealtimeSession, WebRTCRealtimeModel, function_tool
from vivavoce.conversation.client_history import text_of
from vivavoce.engines.base import Engines
from vivavoce.engines.registry import EngineChoice
from vivavoce.engines.scripted import Step, scripted_engines
from vivavoce.protocol import MessageItem
from vivavoce.server import ServerConfig, serve
from vivavoce.testing import run

Scene = Callable[[RealtimeSession, "Ear"], Coroutine[Any, Any, None]]


@function_tool
async def get_weather(city: str) -> str:
    """Get the weather."""
    return f"The weather in {city} is warm and dry today."


AGENT = RealtimeAgent[Any]("Ada", "Be kind.", tools=[get_weather])
CONFIG: dict[str, Any] = {"model_settings": {"input_audio_transcription": {"model": "any"}}}


class Ear:
    """Reads a session's events all the time, and keeps them with the time of each."""

    def __init__(self) -> None:
        self.events: list[tuple[float, Any]] = []
        self.over = False
        self._news = asyncio.Event()

    async def listen(self, session: RealtimeSession) -> None:
        async for event in session:
            self.events.append((asyncio.get_running_loop().time(), event))
            self._news.set()
        self.over = True
        self._news.set()

    @property
    def kinds(self) -> list[str]:
        return [str(event.type) for _, event in self.events]

    def all(self, kind: str) -> list[Any]:
        return [event for _, event in self.events if event.type == kind]

    async def hears(self, kind: str, count: int = 1) -> Any:
        await self.until(lambda: len(self.all(kind)) >= count)
        return self.all(kind)[count - 1]

    async def until(self, found: Callable[[], bool]) -> None:
        async with asyncio.timeout(15):
            while not found():
                self._news.clear()
                await self._news.wait()

    @property
    def sound(self) -> bytes:
        return b"".join(event.audio.data for event in self.all("audio"))


def speech(seconds: float) -> bytes:
    wave = np.sin(np.arange(round(seconds * 24_000)) * 2 * np.pi * 440 / 24_000)
    return (wave * 12_000).astype("<i2").tobytes()


def voiced_ms(pcm: bytes) -> int:
    samples = np.frombuffer(pcm, "<i2")
    pieces = samples[: len(samples) // 480 * 480].reshape(-1, 480).astype(np.int32)
    return int(20 * np.sum(np.abs(pieces).max(axis=1) > 500))


def said(session: RealtimeSession, role: str = "assistant") -> list[str]:
    return [
        " ".join(map(text_of, item.content)).strip()
        for item in session.history
        if isinstance(item, MessageItem) and item.role == role
    ]


@contextlib.asynccontextmanager
async def serving(engines: Engines | None) -> AsyncIterator[str]:
    """This project's server, on this event loop."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    config = replace(ServerConfig(), port=0, webrtc=LOOPBACK, engines=EngineChoice("embedded"))
    async with asyncio.TaskGroup() as tasks:
        server = tasks.create_task(serve(config, engines=engines, on_ready=ready.set_result))
        try:
            yield await ready
        finally:
            server.cancel()


@contextlib.asynccontextmanager
async def talking(
    url: str, config: Any = None, agent: RealtimeAgent[Any] = AGENT
) -> AsyncIterator[tuple[RealtimeSession, Ear]]:
    model = WebRTCRealtimeModel(url, rtc=LOOPBACK)
    runner = RealtimeRunner(agent, model=model, config={**CONFIG, **(config or {})})
    async with await runner.run() as session, asyncio.TaskGroup() as tasks:
        ear = Ear()
        listening = tasks.create_task(ear.listen(session))
        yield session, ear
        listening.cancel()


def with_server(scene: Scene, *answers: Sequence[Step], word_ms: int = 100, **options: Any) -> None:
    engines = scripted_engines(hears=["Hello there."] * 4, answers=answers, word_ms=word_ms)

    async def main() -> None:
        async with serving(engines) as url, talking(url, **options) as (session, ear):
            await scene(session, ear)

    run(main())


def with_script(
    scene: Callable[[RealtimeSession, Ear, RtcServer], Coroutine[Any, Any, None]], **config: Any
) -> None:
    async def main() -> None:
        async with RtcServer().open() as server, talking(server.url, config) as (session, ear):
            await scene(session, ear, server)

    run(main())
