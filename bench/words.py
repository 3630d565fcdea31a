"""Speech whose words are known to the hundredth of a second: recorded prompts, and sentences by flite.

The prompts are Debian's `asterisk-core-sounds-en-wav` (one speaker, telephone quality) with their
transcripts. Four voices of flite speak the sentences. pocketsphinx aligns the words with the audio.
"""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr

from vivavoce.audio.wav import read_wav

RATE = 16_000
PROMPTS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
TRANSCRIPTS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
VOICES = ("awb", "kal16", "rms", "slt")
_SPELT = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(frozen=True, slots=True)
class Word:
    """One word, and where it is spoken, in milliseconds; `mark` is the punctuation after it."""

    text: str
    start_ms: int
    end_ms: int
    mark: str


@dataclass(frozen=True, slots=True)
class Speech:
    """A stretch of speech: PCM16 at 16 kHz and its words."""

    name: str
    pcm: bytes
    words: tuple[Word, ...]

    def cut(self, end_ms: int) -> bytes:
        """Return the audio up to a position."""
        return self.pcm[: end_ms * RATE // 1000 * 2]

    def text(self, count: int) -> str:
        """Return the first so many words."""
        return " ".join(word.text for word in self.words[:count])


class Aligner:
    """Finds the words of a known text in its audio."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder = Decoder(samprate=RATE, loglevel="FATAL", lm=None, bestpath=False)

    def align(self, name: str, pcm: bytes, text: str) -> Speech | None:
        """Return the speech with its words; `None` when a word is unknown or the text is not what is said."""
        tokens = _tokens(text)
        if not tokens or any(self._decoder.lookup_word(word) is None for word, _ in tokens):
            return None
        self._decoder.set_align_text(" ".join(word for word, _ in tokens))
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()
        found = [
            (re.sub(r"\(\d+\)$", "", segment.word), segment.start_frame * 10, segment.end_frame * 10 + 10)
            for segment in self._decoder.seg() or ()
            if not segment.word.startswith(("<", "["))
        ]
        if [word for word, _, _ in found] != [word for word, _ in tokens]:
            return None
        words = tuple(
            Word(word, start, end, mark) for (word, start, end), (_, mark) in zip(found, tokens, strict=True)
        )
        return Speech(name, pcm, words)


def _tokens(text: str) -> list[tuple[str, str]]:
    """Return the words of a text in lower case, digits spelt, each with the punctuation after it."""
    tokens = []
    for word, mark in re.findall(r"([A-Za-z0-9']+)[-\"]*([.,;:!?]*)", text):
        spelt = [_SPELT[int(char)] for char in word] if word.isdigit() else [word.lower().strip("'")]
        tokens += [(each, "") for each in spelt[:-1]] + [(spelt[-1], mark[:1])]
    return [(word, mark) for word, mark in tokens if word]


def prompts() -> Iterator[tuple[str, bytes, str]]:
    """Yield name, PCM16 at 16 kHz and transcript of each recorded prompt that is speech."""
    for line in gzip.decompress(TRANSCRIPTS.read_bytes()).decode("utf-8", "replace").splitlines():
        name, colon, text = line.partition(": ")
        path = PROMPTS / f"{name}.wav"
        if colon and not line.startswith(";") and "[" not in text and path.exists():
            yield name, read_at_rate(path), text


def spoken(sentences: list[str], voices: tuple[str, ...] = VOICES) -> Iterator[tuple[str, bytes, str]]:
    """Yield name, PCM16 at 16 kHz and text of each sentence in each of flite's voices."""
    if shutil.which("flite") is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "said.wav"
        for voice in voices:
            for number, text in enumerate(sentences):
                subprocess.run(["flite", "-voice", voice, "-t", text, "-o", str(path)], check=True)
                yield f"{voice}-{number}", read_at_rate(path), text


def read_at_rate(path: Path) -> bytes:
    """Return a mono WAV file as PCM16 at 16 kHz."""
    wav = read_wav(path)
    samples = np.frombuffer(wav.mono(), "<i2")
    if wav.rate != RATE:
        samples = soxr.resample(samples, wav.rate, RATE)
    return samples.astype("<i2").tobytes()


def aligned(sources: Iterator[tuple[str, bytes, str]]) -> Iterator[Speech]:
    """Yield the speech among these whose words can be found in it."""
    aligner = Aligner()
    for name, pcm, text in sources:
        speech = aligner.align(name, pcm, text)
        if speech is not None:
            yield speech
