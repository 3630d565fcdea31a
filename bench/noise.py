"""What noise reduction does to recognition: word error rates with and without it, in noise.

    python -m bench.noise

Held-out sentences (see `sentences.py`) by flite, as a client sends them (24 kHz), with noise at several
levels. The filter as a session runs it; pocketsphinx as the transcriber. "Across the room" is 25 dB quieter
and has an echo of 0.4 s. These are figures of one recogniser, trained without noise: others gain less, or
lose.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import product

import numpy as np
import soxr
from numpy.typing import NDArray

from bench.sentences import HELD_OUT, words_of
from bench.words import RATE as SPEECH_RATE
from bench.words import spoken
from vivavoce.engines.noise.base import NoiseKind
from vivavoce.engines.noise.webrtc import WebRtcNoiseReducer
from vivavoce.engines.stt.pocketsphinx_worker import SegmentDecoder
from vivavoce.pipeline.noise import NoiseFilter
from vivavoce.protocol import PcmFormat

RATE = 24_000
LEVEL_DBFS = -23.0
ROOM_DB = 25.0
LEAD_S = 1.0
SNRS: tuple[float | None, ...] = (None, 20.0, 15.0, 10.0)

Wish = tuple[NoiseKind, float]
FILTERS: tuple[Wish | None, ...] = (
    None,
    ("near_field", 1.0),
    ("near_field", 0.5),
    ("far_field", 1.0),
)
Samples = NDArray[np.float64]


def pink_noise(size: int) -> Samples:
    """Return noise of level 1 as of rooms and streets: low sounds are louder."""
    spectrum = np.fft.rfft(np.random.default_rng(7).standard_normal(size))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 20))
    noise = np.fft.irfft(spectrum, size)
    return np.asarray(noise / noise.std())


def heard(pcm: bytes, place: str, snr_db: float | None) -> bytes:
    """Return what a microphone sends: PCM16 at 24 kHz, with a second of the noise before the speech."""
    speech = soxr.resample(np.frombuffer(pcm, "<i2").astype(np.float64), SPEECH_RATE, RATE)
    level = 32768 * 10 ** (LEVEL_DBFS / 20)
    if place == "across the room":
        echo = np.random.default_rng(3).standard_normal(RATE * 4 // 10)
        echo *= 0.05 * 10 ** (-3 * np.arange(len(echo)) / len(echo))
        echo[0] = 1.0
        speech = np.convolve(speech, echo)
        level *= 10 ** (-ROOM_DB / 20)
    speech = speech * level / speech.std()
    speech = np.concatenate([np.zeros(round(LEAD_S * RATE)), speech, np.zeros(RATE // 2)])
    if snr_db is not None:
        speech = speech + pink_noise(len(speech)) * level * 10 ** (-snr_db / 20)
    whole = speech[: len(speech) // (RATE // 100) * (RATE // 100)]
    return bytes(whole.clip(-32768, 32767).astype("<i2").tobytes())


def word_errors(said: list[str], words: list[str]) -> int:
    """Return the least number of words to change, add or remove."""
    row = list(range(len(words) + 1))
    for i, word in enumerate(said, 1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(words, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (word != other))
    return row[-1]


def error_rate(
    sentences: list[tuple[bytes, str]], condition: tuple[str, float | None], wish: Wish | None
) -> float:
    """Return the share of words that are wrong."""
    decoder = SegmentDecoder()
    errors = total = 0
    for pcm, text in sentences:
        audio = heard(pcm, *condition)
        if wish is not None:
            noise = NoiseFilter(WebRtcNoiseReducer(), PcmFormat(rate=24000), *wish)
            audio = b"".join(noise.process(audio[start : start + 960]) for start in range(0, len(audio), 960))
        low = soxr.resample(np.frombuffer(audio, "<i2"), RATE, SPEECH_RATE, "QQ").astype("<i2")
        said = [word.strip(".,?!").lower() for word in text.split()]
        errors += word_errors(said, decoder.transcribe(low[SPEECH_RATE * 7 // 10 :].tobytes()).split())
        total += len(said)
    return errors / total


def table(sentences: list[tuple[bytes, str]], quick: bool) -> Iterator[str]:
    """Yield the lines of the table."""
    named = ["none" if wish is None else f"{wish[0]} {wish[1]:g}" for wish in FILTERS]
    yield f"| where | speech over noise | {' | '.join(named)} |"
    yield "|---|---|" + "---|" * len(FILTERS)
    snrs = (None, 10.0) if quick else SNRS
    for place, snr_db in product(("close", "across the room"), snrs):
        cells = [f"{error_rate(sentences, (place, snr_db), wish):.0%}" for wish in FILTERS]
        shown = "no noise" if snr_db is None else f"{snr_db:g} dB"
        yield f"| {place} | {shown} | {' | '.join(cells)} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.noise", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer sentences and levels")
    quick = parser.parse_args().quick
    texts = [words_of(line)[0] for line in HELD_OUT if "um" not in line.split() and "uh" not in line.split()]
    texts = [text for text in texts if len(text.split()) > 3][: 4 if quick else 8]
    sentences = [(pcm, text) for _, pcm, text in spoken(texts, ("slt",))]
    print(f"{len(sentences)} sentences, word error rate of pocketsphinx\n")
    for line in table(sentences, quick):
        print(line, flush=True)


if __name__ == "__main__":
    main()
