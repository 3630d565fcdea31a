"""Names of voices: those that clients know from the Realtime API, and those that an engine has."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

from vivavoce.engines.base import Prewarmable, SpeechChunk, SpeechOptions, Synthesizer
from vivavoce.errors import ConfigurationError, EngineError

API_VOICES = (
    "alloy",
    "ash",
    "ballad",
    "coral",
    "echo",
    "fable",
    "nova",
    "onyx",
    "sage",
    "shimmer",
    "verse",
    "marin",
    "cedar",
)
"""Voices that clients of the hosted API ask for by name."""


def stand_ins(own: Sequence[str]) -> dict[str, str]:
    """Return a voice of an engine for each voice of the API, so that a client's choice always finds one.

    A name that the engine has itself stands for itself, also with something in front (`af_alloy`). The others
    are dealt out in turn; the same engine always deals the same way.

    Args:
        own: the engine's voices, at least one.
    """
    named = {voice.rpartition("_")[2]: voice for voice in reversed(own)} | {voice: voice for voice in own}
    return {name: named.get(name, own[place % len(own)]) for place, name in enumerate(API_VOICES)}


def unknown_voice(voice: str, known: Iterable[str]) -> EngineError:
    """Return the error for a voice that there is not; it lists those that there are."""
    return EngineError(f"there is no voice {voice!r}; there are: {', '.join(known)}")


class MappedVoices:
    """A synthesizer whose voices have other names.

    Args:
        synthesizer: who speaks.
        voices: names for clients, and the synthesizer's voices that they stand for. They go before the
            synthesizer's own names, which are known as well.

    Attributes:
        sample_rate: of the audio, in Hz.
        honours_speed: whether the synthesizer speaks at the speed that it is asked for.

    Raises:
        ConfigurationError: a name stands for a voice that the synthesizer does not have.
    """

    def __init__(self, synthesizer: Synthesizer, voices: Mapping[str, str]) -> None:
        self.sample_rate = synthesizer.sample_rate
        self.honours_speed = bool(getattr(synthesizer, "honours_speed", False))
        self._synthesizer = synthesizer
        self._voices = dict(voices)
        for name, voice in self._voices.items():
            if not synthesizer.knows_voice(voice):
                known = ", ".join(synthesizer.voice_names)
                raise ConfigurationError(
                    f"the voice '{name}' is to be '{voice}', which this engine does not have; it has: {known}"
                )

    @property
    def voice_names(self) -> tuple[str, ...]:
        """The names given here, then the synthesizer's own."""
        own = (name for name in self._synthesizer.voice_names if name not in self._voices)
        return (*self._voices, *own)

    def knows_voice(self, voice: str) -> bool:
        """Return whether it can speak with this voice."""
        return voice in self._voices or self._synthesizer.knows_voice(voice)

    async def synthesize(self, text: str, options: SpeechOptions) -> AsyncGenerator[SpeechChunk, None]:
        """Stream the speech of a text, see `Synthesizer.synthesize`."""
        voice = self._voices.get(options.voice, options.voice)
        async with aclosing(self._synthesizer.synthesize(text, replace(options, voice=voice))) as chunks:
            async for chunk in chunks:
                yield chunk

    async def prewarm(self) -> None:
        """Load ahead what the synthesizer can load ahead."""
        if isinstance(self._synthesizer, Prewarmable):
            await self._synthesizer.prewarm()

    async def aclose(self) -> None:
        """Close the synthesizer; safe to call twice."""
        await self._synthesizer.aclose()
