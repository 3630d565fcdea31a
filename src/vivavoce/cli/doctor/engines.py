"""Tries each of the built-in engines for itself, so that one that is missing does not hide the others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import numpy as np

from vivavoce.audio.levels import peak
from vivavoce.cli.demo import clips
from vivavoce.cli.demo.wording import call_text
from vivavoce.engines.base import (
    FunctionCallDelta,
    ModelRequest,
    SpeechOptions,
    TextDelta,
    TranscriptionOptions,
)
from vivavoce.errors import EngineError
from vivavoce.protocol import FunctionTool, InputText, MessageItem
from vivavoce.testing.words import word_error_rate

TIMEOUT_S = 30.0
CLIP = "weather"
SPEECH = 0.5
AUDIBLE = 500
WORD_ERRORS = 0.3


Tryout = Callable[[], Awaitable[str]]
"""Has an engine do something and returns what it did."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of trying one engine.

    Attributes:
        part: what it is for.
        engine: its name.
        works: whether it did what was asked.
        seconds: how long that took, loading included.
        detail: what it did, or what went wrong.
    """

    part: str
    engine: str
    works: bool
    seconds: float
    detail: str


async def hear() -> str:
    """Have the voice activity detector find the speech in a clip.

    Raises:
        EngineError: it finds none, or hears speech in silence.
    """
    from vivavoce.engines.vad.silero import SileroVad

    vad = SileroVad()
    clip = clips.load(CLIP).at(vad.sample_rate)
    silence = np.zeros(vad.sample_rate // 2, np.int16)
    samples = np.concatenate([silence, np.frombuffer(clip.pcm, np.int16)])
    chunks = samples[: len(samples) // vad.chunk_samples * vad.chunk_samples].reshape(-1, vad.chunk_samples)
    slot = vad.open()
    speech = [bool(vad.probabilities([slot], chunk[None])[0] > SPEECH) for chunk in chunks]
    vad.close(slot)
    before = len(silence) // vad.chunk_samples
    found, chunk_s = sum(speech[before:]), vad.chunk_samples / vad.sample_rate
    if found * chunk_s < clip.seconds / 2 or any(speech[: before - 1]):
        raise EngineError(f"found {found * chunk_s:.1f} s of speech in a clip of {clip.seconds:.1f} s")
    return f"found {found * chunk_s:.1f} s of speech in a clip of {clip.seconds:.1f} s"


async def write_down() -> str:
    """Have the transcriber write down a clip.

    Raises:
        EngineError: too many words are wrong.
    """
    from vivavoce.engines.stt.pocketsphinx import PocketsphinxTranscriber

    transcriber = PocketsphinxTranscriber()
    try:
        clip = clips.load(CLIP).at(transcriber.sample_rate)
        stream = transcriber.open(TranscriptionOptions(), lambda _: None)
        silence = bytes(transcriber.sample_rate // 2)
        stream.feed(silence + clip.pcm + silence)
        heard = (await stream.finish()).text
    finally:
        await transcriber.aclose()
    if word_error_rate(clip.text, heard) > WORD_ERRORS:
        raise EngineError(f"heard '{heard}' where '{clip.text}' was said")
    return f"heard '{heard}'"


async def think() -> str:
    """Have the brain choose a tool.

    Raises:
        EngineError: it does not.
    """
    from vivavoce.engines.llm.brain import BuiltinBrain

    city = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    tool = FunctionTool(name="get_weather", description="Get the weather in a city.", parameters=city)
    question = MessageItem(role="user", content=[InputText(text="What is the weather in London?")])
    said = name = arguments = ""
    async for event in BuiltinBrain().respond(ModelRequest(items=(question,), tools=(tool,))):
        if isinstance(event, FunctionCallDelta):
            name += event.name or ""
            arguments += event.arguments
        elif isinstance(event, TextDelta):
            said += event.text
    if name != tool.name:
        raise EngineError(f"did not use the tool, but said '{said}'")
    return f"asked about the weather, it called {call_text(name, arguments)}"


async def say() -> str:
    """Have the synthesizer say a word.

    Raises:
        EngineError: nothing is to be heard.
    """
    from vivavoce.engines.tts.espeak import EspeakSynthesizer

    synthesizer = EspeakSynthesizer()
    try:
        speech = b"".join([chunk.pcm async for chunk in synthesizer.synthesize("Hello.", SpeechOptions())])
    finally:
        await synthesizer.aclose()
    if peak(speech) < AUDIBLE:
        raise EngineError("it made no sound")
    return f"said 'Hello.' in {len(speech) / 2 / synthesizer.sample_rate:.1f} s of sound"


TRIALS: Mapping[tuple[str, str], Tryout] = {
    ("voice activity", "silero"): hear,
    ("speech to text", "pocketsphinx"): write_down,
    ("thinking", "built-in brain"): think,
    ("text to speech", "espeak-ng"): say,
}
"""Part and engine, and what tries it."""


async def try_engines() -> list[Trial]:
    """Try every built-in engine, one after the other."""
    return [await attempt(part, engine, trial) for (part, engine), trial in TRIALS.items()]


async def attempt(part: str, engine: str, trial: Tryout) -> Trial:
    """Try one engine; whatever goes wrong is part of the answer."""
    began = time.perf_counter()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            works, detail = True, await trial()
    except TimeoutError:
        works, detail = False, f"gave no answer within {TIMEOUT_S:g} s"
    except Exception as error:  # noqa: BLE001 - a broken library may raise anything, and that is what to report
        works, detail = False, str(error) or type(error).__name__
    return Trial(part, engine, works, round(time.perf_counter() - began, 3), detail)
