"""Speech piece by piece, for synthesisers that make the audio of a whole sentence in one blocking call."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vivavoce.engines.base import SpeechChunk, SpokenWord
from vivavoce.engines.tts.word_times import Pace, WordTimes
from vivavoce.engines.workers import Workers

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
