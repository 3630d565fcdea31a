"""How well turn detection waits: turns cut off in a pause, and the wait after their end.

    python -m bench.turns

Held-out speech (see `words.py`, `sentences.py`) gets pauses of 0.3 to 2.5 s where somebody would stop to
think, and silence at its end. The real voice detector hears it chunk by chunk; the conversation's own
machine decides; the built-in model is asked with the audio so far and with what pocketsphinx guesses at
that moment, as in a session.
"""

from __future__ import annotations

import argparse
import itertools
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.sentences import HELD_OUT, words_of
from bench.words import RATE, Speech, aligned, prompts, spoken
from vivavoce.audio.resample import Resampler
from vivavoce.conversation.patience import PATIENCE, Patience
from vivavoce.conversation.turns import SpeechPaused, SpeechStarted, SpeechStopped, TurnDetection
from vivavoce.engines.stt.pocketsphinx_worker import SegmentDecoder
from vivavoce.engines.turn import syntax
from vivavoce.engines.turn.base import TurnSoFar
from vivavoce.engines.turn.builtin import BuiltinTurnEnd, builtin_model
from vivavoce.engines.vad.silero import SileroVad

CHUNK = 512
BLOCK_MS = 100
PAUSES_MS = (300, 500, 800, 1200, 1800, 2500)
END_MS = 9000
ROOM = 6.0  # of 32768: the noise of a quiet room, root mean square
_THINK_AFTER = syntax.ARTICLES | syntax.PREPOSITIONS | syntax.CONJUNCTIONS | syntax.FILLERS


@dataclass(frozen=True, slots=True)
class Telling:
    """Somebody tells something, with pauses.

    Attributes:
        pcm: PCM16 at 16 kHz.
        pauses: where each inner pause begins and ends, in milliseconds.
        end_ms: where the last word ends.
    """

    pcm: bytes
    pauses: tuple[tuple[int, int], ...]
    end_ms: int


@dataclass(slots=True)
class Ears:
    """What the engines make of a telling, once for all ways of deciding.

    Attributes:
        probabilities: of each chunk.
        drafts: what the transcriber guesses after each block of 100 ms.
    """

    telling: Telling
    probabilities: list[float]
    drafts: list[str]
    judged: dict[tuple[int, str], float] = field(default_factory=dict)

    def completeness(self, at_ms: int, words: str) -> float:
        """Return what the built-in model says of the telling up to a moment."""
        key = (at_ms, words)
        if key not in self.judged:
            heard = self.telling.pcm[: at_ms * RATE // 1000 * 2][-int(BuiltinTurnEnd.window_s * RATE) * 2 :]
            resampler = Resampler(RATE, BuiltinTurnEnd.sample_rate)
            pcm = resampler.process(heard) + resampler.flush()
            self.judged[key] = builtin_model().completeness(TurnSoFar(pcm, words))
        return self.judged[key]

    def draft(self, at_ms: int) -> str:
        """Return what the transcriber has guessed by then."""
        blocks = at_ms // BLOCK_MS
        return self.drafts[min(blocks, len(self.drafts)) - 1] if blocks else ""


@dataclass(slots=True)
class Tally:
    """What came of it."""

    pauses: int = 0
    cut: int = 0
    waits: list[int] = field(default_factory=list)

    def row(self, name: str) -> str:
        """Return a line of the table."""
        median, late = np.percentile(self.waits, [50, 95]) if self.waits else (0, 0)
        share = self.cut / max(self.pauses, 1)
        return f"| {name} | {share:.1%} | {median:.0f} ms | {late:.0f} ms |"


def tellings(speeches: Iterator[tuple[Speech, Sequence[int]]]) -> Iterator[Telling]:
    """Build the pauses in: after how many words stands beside each speech."""
    lengths = itertools.cycle(PAUSES_MS)
    for number, (speech, stops) in enumerate(speeches):
        noise = np.random.default_rng(number)
        pieces: list[np.ndarray[tuple[int], np.dtype[np.float64]]] = []
        pauses: list[tuple[int, int]] = []
        samples = np.frombuffer(speech.pcm, "<i2").astype(np.float64)
        start, at_ms = 0, 0
        for stop in stops:
            end = speech.words[stop - 1].end_ms * RATE // 1000
            piece = samples[start:end].copy()
            piece[-160:] *= np.linspace(1, 0, len(piece[-160:]))
            length = next(lengths)
            at_ms += len(piece) * 1000 // RATE
            pauses.append((at_ms, at_ms + length))
            pieces += [piece, np.zeros(length * RATE // 1000)]
            at_ms += length
            start = end
        last = samples[start : speech.words[-1].end_ms * RATE // 1000]
        pieces += [last, np.zeros(END_MS * RATE // 1000)]
        whole = np.concatenate(pieces)
        whole += noise.standard_normal(len(whole)) * ROOM
        pcm = whole.clip(-32768, 32767).astype("<i2").tobytes()
        yield Telling(pcm, tuple(pauses), at_ms + len(last) * 1000 // RATE)


def recorded() -> Iterator[tuple[Speech, Sequence[int]]]:
    """Yield the recorded prompts that the model did not learn from, and where their speaker might think."""
    for speech in aligned(prompts()):
        if zlib.crc32(speech.name.encode()) % 4 or len(speech.words) < 4 or not speech.words[-1].mark:
            continue
        after = [
            index + 1
            for index, word in enumerate(speech.words[:-1])
            if index and (word.text in _THINK_AFTER or speech.words[index + 1].text in _THINK_AFTER)
        ]
        yield speech, after[::3][:3]


def synthetic(voices: tuple[str, ...]) -> Iterator[tuple[Speech, Sequence[int]]]:
    """Yield the held-out sentences, and where their bars stand."""
    stops = {words_of(line)[0]: words_of(line)[1] for line in HELD_OUT}
    sources = list(spoken(list(stops), voices))
    texts = {name: text for name, _, text in sources}
    for speech in aligned(iter(sources)):
        yield speech, stops[texts[speech.name]]


def hear(telling: Telling, vad: SileroVad, slot: int, decoder: SegmentDecoder) -> Ears:
    """Let the engines hear a telling."""
    vad.reset(slot)
    samples = np.frombuffer(telling.pcm, "<i2")
    chunks = samples[: len(samples) // CHUNK * CHUNK].reshape(-1, CHUNK)
    probabilities = [float(vad.probabilities([slot], chunk[None])[0]) for chunk in chunks]
    decoder.start()
    settled, drafts = "", []
    size = BLOCK_MS * RATE // 1000 * 2
    heard = telling.pcm[: (telling.end_ms + 1500) * RATE // 1000 * 2]
    for start in range(0, len(heard), size):
        words, _, guess = decoder.decode(heard[start : start + size])
        settled = f"{settled} {words}".strip()
        drafts.append(f"{settled} {guess}".strip())
    return Ears(telling, probabilities, drafts)


def play(
    ears: Ears, turn: TurnDetection, judge: Callable[[Ears, int, str], int] | None, tally: Tally
) -> None:
    """Decide a telling with one way of deciding, and count."""
    telling = ears.telling
    ends: list[int] = []
    open_turn = False
    since: int | None = None
    words = ""
    for index, probability in enumerate(ears.probabilities):
        start, end = index * 32, index * 32 + 32
        decision = turn.receive(probability, start, end)
        if isinstance(decision, SpeechStarted):
            open_turn = True
        elif isinstance(decision, SpeechStopped):
            open_turn = False
            ends.append(end)
        if judge is not None:
            if isinstance(decision, SpeechPaused):
                since, words = decision.since_ms, ears.draft(end)
                turn.judged(since, judge(ears, end, words))
            elif turn.pause is not None and turn.pause == since and ears.draft(end) != words:
                words = ears.draft(end)
                turn.judged(since, judge(ears, end, words))
        if not open_turn and end > telling.end_ms and ends and ends[-1] > telling.end_ms - 200:
            break
    for begin, over in telling.pauses:
        tally.pauses += 1
        tally.cut += any(begin - 100 < end <= over + 100 for end in ends)
    final = [end for end in ends if end > telling.end_ms - 200]
    if final:
        tally.waits.append(max(final[0] - telling.end_ms, 0))


def by_model(patience: Patience, *, words: bool = True) -> Callable[[Ears, int, str], int]:
    """Return how `semantic_vad` decides with the built-in model."""
    return lambda ears, at_ms, draft: patience.hold_ms(ears.completeness(at_ms, draft if words else ""))


def table(heard: list[Ears]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield "| turn detection | cut off in a pause | wait, median | wait, p95 |"
    yield "|---|---|---|---|"
    for silence_ms in (200, 500, 800):
        tally = Tally()
        for ears in heard:
            play(ears, TurnDetection(0.5, silence_ms), None, tally)
        yield tally.row(f"server_vad, {silence_ms} ms")
    for eagerness in ("high", "medium", "low"):
        patience = PATIENCE[eagerness]
        ways = {
            "words and sound": by_model(patience),
            "sound only": by_model(patience, words=False),
            "no detector": None,
        }
        for name, judge in ways.items():
            tally = Tally()
            for ears in heard:
                turn = TurnDetection(0.5, patience.unknown_ms)
                turn.judges = judge is not None
                play(ears, turn, judge, tally)
            yield tally.row(f"semantic_vad {eagerness}, {name}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.turns", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one voice and fewer prompts")
    quick = parser.parse_args().quick
    vad, decoder = SileroVad(), SegmentDecoder()
    slot = vad.open()
    sources = {
        "recorded prompts": itertools.islice(recorded(), 12 if quick else None),
        "flite, held-out sentences": synthetic(("slt",) if quick else ("awb", "kal16", "rms", "slt")),
    }
    for name, speeches in sources.items():
        heard = [hear(telling, vad, slot, decoder) for telling in tellings(speeches)]
        pauses = sum(len(ears.telling.pauses) for ears in heard)
        print(f"\n{name}: {len(heard)} turns, {pauses} inner pauses of 0.3 to 2.5 s\n")
        print("\n".join(table(heard)), flush=True)


if __name__ == "__main__":
    main()
