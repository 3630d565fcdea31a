"""Fit the weights of the built-in turn-end model, and say what they are worth.

    PYTHONPATH=. python tools/fit_turn_end.py

Needs Debian's `asterisk-core-sounds-en-wav` and `flite`, and vivavoce[local] (pocketsphinx aligns the
words). An end of a sentence is a finished turn; a boundary between two of its words is an unfinished one,
and counts three times where the speaker really paused or hesitates. A quarter of the prompts and the held-
out sentences are kept for the figures. Deterministic.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from bench.sentences import FITTED, HELD_OUT, words_of
from bench.words import RATE, Speech, aligned, prompts, spoken
from numpy.typing import NDArray

from vivavoce.audio.resample import Resampler
from vivavoce.engines.turn import syntax
from vivavoce.engines.turn.base import TurnSoFar
from vivavoce.engines.turn.builtin import NAMES, WEIGHTS, BuiltinTurnEnd, TurnEndModel, features

PAUSE_MS = 200
REAL_PAUSE_MS = 160
UNFINISHED_OF_A_SENTENCE = 5
RIDGE = 1.0
_GOES_ON = syntax.ARTICLES | syntax.PREPOSITIONS | syntax.CONJUNCTIONS | syntax.AUXILIARIES | syntax.SUBJECTS


@dataclass(frozen=True, slots=True)
class Example:
    """A moment in a turn, whether it was over there, and how much that counts."""

    turn: TurnSoFar
    finished: bool
    weight: float


def held_out(speech: Speech) -> bool:
    """Whether a recorded prompt is kept for the figures."""
    return zlib.crc32(speech.name.encode()) % 4 == 0


def examples(speech: Speech) -> list[Example]:
    """Return the moments of a recording."""
    found: list[Example] = []
    unfinished: list[Example] = []
    for index, word in enumerate(speech.words):
        rest = speech.words[index + 1 :]
        turn = TurnSoFar(_heard(speech, word.end_ms), speech.text(index + 1))
        if word.mark in (".", "!", "?"):
            found.append(Example(turn, finished=True, weight=1.0))
        elif rest and (rest[0].start_ms - word.end_ms >= REAL_PAUSE_MS or word.text in syntax.FILLERS):
            found.append(Example(turn, finished=False, weight=3.0))
        elif rest:
            unfinished.append(Example(turn, finished=False, weight=1.0))
        elif word.text in _GOES_ON:  # recorded to be gone on from, as "There are currently"
            found.append(Example(turn, finished=False, weight=2.0))
    step = max(len(unfinished) / UNFINISHED_OF_A_SENTENCE, 1.0)
    kept = {int(number * step) for number in range(UNFINISHED_OF_A_SENTENCE)}
    return found + [each for index, each in enumerate(unfinished) if index in kept]


def _heard(speech: Speech, end_ms: int) -> bytes:
    """Return what the detector hears of the speech up to a word's end, and of the pause after it."""
    samples = np.frombuffer(speech.cut(end_ms), "<i2").astype(np.float64)
    fade = min(RATE // 100, len(samples))
    samples[len(samples) - fade :] *= np.linspace(1, 0, fade)
    noise = np.random.default_rng(end_ms).standard_normal(len(samples) + PAUSE_MS * RATE // 1000) * 8
    noise[: len(samples)] += samples
    pcm = noise.clip(-32768, 32767).astype("<i2").tobytes()
    resampler = Resampler(RATE, BuiltinTurnEnd.sample_rate)
    heard = resampler.process(pcm) + resampler.flush()
    return heard[-int(BuiltinTurnEnd.window_s * BuiltinTurnEnd.sample_rate) * 2 :]


def table(found: Iterable[Example]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return features, outcomes and weights: each example with its words and, at half the weight, without."""
    rows, finished, weights = [], [], []
    for each in found:
        for transcript, share in ((each.turn.transcript, 1.0), ("", 0.5)):
            rows.append(features(TurnSoFar(each.turn.pcm, transcript)))
            finished.append(float(each.finished))
            weights.append(each.weight * share)
    return np.array(rows), np.array(finished), np.array(weights)


def fit(found: Iterable[Example]) -> TurnEndModel:
    """Return the logistic regression, both outcomes given the same weight, by Newton's method."""
    rows, finished, weights = table(found)
    weights[finished == 1] *= weights[finished == 0].sum() / weights[finished == 1].sum()
    ridge = np.eye(len(NAMES)) * RIDGE
    ridge[0, 0] = 1e-6
    beta = np.zeros(len(NAMES))
    for _ in range(50):
        likely = 1 / (1 + np.exp(-rows @ beta))
        curvature = (rows * (weights * likely * (1 - likely))[:, None]).T @ rows + ridge
        step = np.linalg.solve(curvature, rows.T @ (weights * (finished - likely)) - ridge @ beta)
        beta += step
        if np.abs(step).max() < 1e-9:
            break
    return TurnEndModel(tuple(round(float(value), 4) for value in beta))


def report(name: str, model: TurnEndModel, found: list[Example]) -> str:
    """Return a line of the table: how well the model tells the two apart, with words and by sound alone."""
    cells = [name, str(sum(each.finished for each in found)), str(sum(not each.finished for each in found))]
    for words in (True, False):
        scores = np.array(
            [
                model.completeness(TurnSoFar(each.turn.pcm, each.turn.transcript if words else ""))
                for each in found
            ]
        )
        finished = np.array([each.finished for each in found])
        yes, no = scores[finished], scores[~finished]
        above = (yes[:, None] > no[None, :]).mean() + (yes[:, None] == no[None, :]).mean() / 2
        cells += [f"{above:.3f}", f"{(yes > 0.5).mean():.0%}", f"{(no < 0.5).mean():.0%}"]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Fit, write the weights and print the figures."""
    recorded = list(aligned(prompts()))
    numbers = syntax.NUMBERS
    recorded = [each for each in recorded if len(each.words) > 1 or each.words[0].text not in numbers]
    learnt = list(aligned(spoken([words_of(line)[0] for line in FITTED])))
    unseen = list(aligned(spoken([words_of(line)[0] for line in HELD_OUT])))
    for_fit = [each for speech in recorded if not held_out(speech) for each in examples(speech)]
    for_fit += [each for speech in learnt for each in examples(speech)]
    model = fit(for_fit)
    named = dict(zip(NAMES, model.weights, strict=True))
    WEIGHTS.write_text(json.dumps(named, indent=2) + "\n", encoding="utf-8")
    print("| speech | finished | unfinished | AUC | found | found | AUC by sound | found | found |")
    print("|---|---|---|---|---|---|---|---|---|")
    kept = [each for speech in recorded if held_out(speech) for each in examples(speech)]
    print(report("learnt from", model, for_fit))
    print(report("recorded prompts, held out", model, kept))
    print(report("flite, held-out sentences", model, [e for speech in unseen for e in examples(speech)]))


if __name__ == "__main__":
    main()
