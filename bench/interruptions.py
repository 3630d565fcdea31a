"""Which sounds cut an agent off: speech must, at once; coughs, knocks and "mhm" should not.

    python -m bench.interruptions

The real voice detector hears each sound after a second of a quiet room; the conversation's own machine
decides: by voice activity alone, with the clarity of the sound as it does while a response plays, and with
`interrupt_after_ms` besides. Speech is recorded prompts and held-out sentences by flite, which speaks the
hums and the words of assent. Coughs and knocks are made by rule (bursts of shaped noise), as there are no
free recordings at hand: take their figures as a sketch.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.sentences import HELD_OUT, words_of
from bench.words import RATE, prompts, spoken
from vivavoce.conversation.turns import ONSET_MS, SpeechStarted, TurnDetection
from vivavoce.engines.vad.silero import SileroVad

CHUNK = 512
CHUNK_MS = 32
ROOM = 6.0
QUIET_DB = 40.0
Samples = NDArray[np.float64]


def coughs() -> Iterator[Samples]:
    """Yield coughs: a burst, a hiss that falls, and in some a short hoarse voice at the end."""
    for number in range(24):
        random = np.random.default_rng(number)
        size = int(RATE * random.uniform(0.2, 0.4))
        time = np.arange(size) / RATE
        noise = random.standard_normal(size)
        colour = np.convolve(noise, np.exp(-np.arange(40) / random.uniform(2, 8)), "same")
        envelope = np.exp(-time / random.uniform(0.03, 0.08)) + 0.3 * np.exp(-time / 0.15)
        cough = colour / colour.std() * envelope
        if number % 3 == 0:
            cough += 0.3 * np.sign(np.sin(2 * np.pi * random.uniform(90, 200) * time)) * (time > 0.15)
        yield cough / np.abs(cough).max() * 12_000


def knocks() -> Iterator[Samples]:
    """Yield knocks and clicks: resonances that die away at once, one to three of them."""
    for number in range(24):
        random = np.random.default_rng(number)
        time = np.arange(RATE // 8) / RATE
        knock = np.sin(2 * np.pi * random.uniform(150, 2500) * time) * np.exp(
            -time / random.uniform(0.002, 0.02)
        )
        yield np.tile(knock, 1 + number % 3) * 15_000


def said(*texts: str) -> Iterator[Samples]:
    """Yield texts in each of flite's voices."""
    for _, pcm, _ in spoken(list(texts)):
        yield np.frombuffer(pcm, "<i2").astype(np.float64)


def recorded() -> Iterator[Samples]:
    """Yield recorded prompts that are longer than a second."""
    for _, pcm, _ in prompts():
        if len(pcm) > 2 * RATE:
            yield np.frombuffer(pcm, "<i2").astype(np.float64)


def begun(
    sound: Samples, vad: SileroVad, slot: int, *, doubting: bool, onset_ms: int = ONSET_MS
) -> float | None:
    """Return how many milliseconds after the sound's beginning it counts as speech; `None` if never."""
    loud = np.flatnonzero(np.abs(sound) > np.abs(sound).max() * 10 ** (-QUIET_DB / 20))
    sound = sound[loud[0] : loud[-1] + 1]
    whole = np.concatenate([np.zeros(RATE), sound, np.zeros(RATE)])
    whole += np.random.default_rng(1).standard_normal(len(whole)) * ROOM
    chunks = whole[: len(whole) // CHUNK * CHUNK].astype(np.int16).reshape(-1, CHUNK)
    vad.reset(slot)
    turn = TurnDetection()
    turn.onset_ms = onset_ms
    for index, chunk in enumerate(chunks):
        probability = float(vad.probabilities([slot], chunk[None])[0])
        clear = vad.clarity(chunk) if doubting else None
        end = (index + 1) * CHUNK_MS
        if isinstance(turn.receive(probability, end - CHUNK_MS, end, clear), SpeechStarted):
            return end - 1000.0
    return None


def main() -> None:
    """Measure and print."""
    vad = SileroVad()
    slot = vad.open()
    sources: dict[str, Iterator[Samples]] = {
        "speech, recorded prompts": itertools.islice(recorded(), 150),
        "speech, flite": said(*(words_of(line)[0] for line in HELD_OUT)),
        "coughs (by rule)": coughs(),
        "knocks, clicks (by rule)": knocks(),
        '"mm", "mhm", "mm hmm"': said("mm.", "mhm.", "mm hmm."),
        '"uh huh", "yeah", "okay"': said("uh huh.", "yeah.", "okay."),
    }
    ways: dict[str, dict[str, Any]] = {
        "voice activity": {"doubting": False},
        "and clarity": {"doubting": True},
        "250 ms": {"doubting": True, "onset_ms": 250},
        "400 ms": {"doubting": True, "onset_ms": 400},
    }
    print(f"| sound | | {' | '.join(ways)} |")
    print("|---|---|" + "---|" * len(ways))
    for name, sounds in sources.items():
        kept, cells = list(sounds), []
        for way in ways.values():
            after = [begun(sound, vad, slot, **way) for sound in kept]
            times = [each for each in after if each is not None]
            cells.append(f"{len(times) / len(kept):.0%}")
            if times:
                middle, late = np.percentile(times, [50, 95])
                cells[-1] += f", after {middle:.0f} ({late:.0f}) ms"
        print(f"| {name} | {len(kept)} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
