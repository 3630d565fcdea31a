"""Speech at the pace that a session asks for, whether or not the synthesiser knows about paces."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from vivavoce.audio.stretch import TimeStretch
from vivavoce.engines.base import SpeechChunk, SpeechOptions, SpokenWord, Synthesizer


async def paced(
    synthesizer: Synthesizer, text: str, options: SpeechOptions
) -> AsyncGenerator[SpeechChunk, None]:
    """Stream the speech of `text` at `options.speed`.

    A synthesiser that does not say `honours_speed` speaks at its own pace, and its speech is stretched here,
    with its pitch as it was and the times of its words moved along.

    Args:
        synthesizer: who speaks.
        text: usually one clause.
        options: voice, speed and language.

    Raises:
        EngineError: the synthesiser failed.
    """
    if options.speed == 1.0 or getattr(synthesizer, "honours_speed", False):
        async with aclosing(synthesizer.synthesize(text, options)) as chunks:
            async for chunk in chunks:
                yield chunk
        return
    stretch = TimeStretch(synthesizer.sample_rate, options.speed)
    async with aclosing(synthesizer.synthesize(text, replace(options, speed=1.0))) as chunks:
        async for chunk in chunks:
            words = tuple(SpokenWord(word.end, round(word.end_ms / options.speed)) for word in chunk.words)
            yield SpeechChunk(stretch.process(chunk.pcm), words)
    yield SpeechChunk(stretch.flush())
