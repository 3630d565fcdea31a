"""Speech piece by piece, for synthesisers that make the audio of a whole sentence in one blocking call."""

from __future__ import annotations

import functools
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vivavoce.cpus import usable_cpus
from vivavoce.engines.base import SpeechChunk, SpeechOptions, SpokenWord
from vivavoce.engines.tts.word_times import Pace, WordTimes
from vivavoce.engines.voices import stand_ins, unknown_voice
from vivavoce.engines.workers import Workers
from vivavoce.errors import EngineError

SLOWEST, FASTEST = 0.25, 1.5

LONGEST_PIECE = 300
"""Characters; some twenty seconds of speech."""

_SENTENCE_END = re.compile(r"[.!?…。！？]+[\"'”’»)\]]*(?:\s+|$)|\s*\n\s*")
_SHORTEST = 12  # "Dr. " and "No. " are no sentences


@dataclass(frozen=True, slots=True)
class Spoken:
    """The speech of one piece.

    Attributes:
        samples: float32 between -1 and 1.
        word_ends_ms: where each spoken word ends, where the model says so; it may speak more or fewer words
            than are written ("42").
    """

    samples: NDArray[np.float32]
    word_ends_ms: Sequence[float] = ()


def cut(text: str) -> Iterator[tuple[int, str]]:
    """Cut a text after its sentences, or at a space where they are very long.

    Yields:
        The place of each piece in the text, and the piece; pieces without a letter or digit are left out.
    """
    start = 0
    while start < len(text):
        ends = (match.end() for match in _SENTENCE_END.finditer(text, start))
        end = next((end for end in ends if end - start >= _SHORTEST), len(text))
        if end - start > LONGEST_PIECE:
            end = text.rfind(" ", start, start + LONGEST_PIECE) + 1 or start + LONGEST_PIECE
        piece = text[start:end]
        if any(character.isalnum() for character in piece):
            yield start, piece
        start = end


async def speak_pieces(
    workers: Workers, speak: Callable[[str], Spoken], text: str, sample_rate: int, pace: Pace
) -> AsyncGenerator[SpeechChunk, None]:
    """Stream the speech of a text, a sentence at a time; the next is made when the one before was taken.

    Args:
        workers: the threads to speak in.
        speak: makes the speech of one piece; blocks.
        text: what to say.
        sample_rate: of the samples, in Hz.
        pace: how fast this voice speaks, learnt from piece to piece.

    Raises:
        EngineError: the synthesiser failed, or is closed.
    """
    before_ms = 0.0
    for start, piece in cut(text):
        spoken = await workers.run(speak, piece)
        ms = 1000 * len(spoken.samples) / sample_rate
        words = _words(piece, spoken, ms, pace)
        placed = tuple(SpokenWord(start + word.end, round(before_ms) + word.end_ms) for word in words)
        yield SpeechChunk(_pcm(spoken.samples), placed)
        before_ms += ms


def _words(piece: str, spoken: Spoken, ms: float, pace: Pace) -> Sequence[SpokenWord]:
    times = WordTimes(piece, pace.ms_per_letter)
    pace.learn(times.letters, ms)
    words = times.finish(ms)
    if len(spoken.word_ends_ms) != len(words):
        return words
    # The model knows better, where it speaks word for word what is written.
    ends = [round(min(end, ms)) for end in spoken.word_ends_ms]
    return [SpokenWord(word.end, end) for word, end in zip(words, ends, strict=True)]


def _pcm(samples: NDArray[np.float32]) -> bytes:
    whole: NDArray[np.float32] = np.clip(np.nan_to_num(samples), -1.0, 1.0) * 32767
    return np.rint(whole).astype("<i2").tobytes()


class PieceSynthesizer(ABC):
    """A `Synthesizer` whose voices make the audio of a whole sentence in one blocking call, in a thread.

    Names of the API are dealt out over the voices that have none of them for a name.

    Args:
        name: of the engine, for its threads.
        voices: the names of its voices.
        workers: sentences spoken at the same time; `None`: one for two cores.

    Attributes:
        sample_rate: of its speech, in Hz.
        honours_speed: it speaks at the speed that it is asked for.
    """

    sample_rate: int
    honours_speed = True

    def __init__(self, name: str, voices: Sequence[str], workers: int | None) -> None:
        self._own = tuple(voices)
        self._stand_ins = stand_ins(self._own)
        self._workers = Workers(name, workers or max(1, usable_cpus() // 2))
        self._paces: dict[str, Pace] = {}

    @property
    def voice_names(self) -> tuple[str, ...]:
        """Its own voices, then the names of the API that stand for one of them."""
        return tuple(dict.fromkeys((*self._own, *self._stand_ins)))

    def knows_voice(self, voice: str) -> bool:
        """Return whether it can speak with this voice."""
        return voice in self._own or voice in self._stand_ins

    @property
    def queue_depth(self) -> int:
        """Work that waits for a thread, for the server's metrics."""
        return self._workers.waiting

    async def synthesize(self, text: str, options: SpeechOptions) -> AsyncGenerator[SpeechChunk, None]:
        """Stream the speech of a text, sentence by sentence.

        Raises:
            EngineError: unknown voice, a speed out of range, or the voice failed.
        """
        voice = options.voice if options.voice in self._own else self._stand_ins.get(options.voice, "")
        if voice not in self._own:
            raise unknown_voice(options.voice, self.voice_names)
        if not SLOWEST <= options.speed <= FASTEST:
            raise EngineError(f"speed is {options.speed}; it must be from {SLOWEST} to {FASTEST}")
        speak = functools.partial(self._speak, voice, options.speed)
        pace = self._paces.setdefault(f"{voice} {options.speed:.1f}", Pace())
        async with aclosing(speak_pieces(self._workers, speak, text, self.sample_rate, pace)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def aclose(self) -> None:
        """End the threads; safe to call twice."""
        self._workers.close()

    @abstractmethod
    def _speak(self, voice: str, speed: float, text: str) -> Spoken:
        """Make the speech of one piece; blocks, and may run in several threads at once."""
