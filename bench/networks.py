"""What bad networks do to a call over WebRTC: words, positions, events, and the time to connect.

    python -m bench.networks
    python -m bench.networks --only barge-in --long

Callers and server are real peers; between them is `vivavoce.testing.LossyLink`, which loses, delays and puts
out of order, both ways. Sentences by flite are said to the server, and by its agent to the caller. What each
end heard is written down by pocketsphinx afterwards, so that it does not take the calls' time. "Stood still"
is the share of the time in which the process of the calls did not run for 30 ms or more: above a few percent
the run was disturbed, as all peers of it pause together.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from bench.marks import heard_ms
from bench.network_call import NetworkCaller, Notebook, calling, house, said, understood, witnessed
from bench.report import percentile
from bench.sentences import HELD_OUT, words_of
from vivavoce.engines.base import Transcriber
from vivavoce.engines.registry import build_local_engines
from vivavoce.testing.lossy_link import LinkConditions, LossyLink
from vivavoce.testing.words import word_error_rate

CONDITIONS = {
    "nothing": LinkConditions(),
    "5 % loss": LinkConditions(loss=0.05),
    "15 % loss": LinkConditions(loss=0.15),
    "80 ms jitter": LinkConditions(jitter_ms=80),
    "5 % loss, 80 ms jitter": LinkConditions(loss=0.05, jitter_ms=80),
    "15 % loss, 80 ms jitter": LinkConditions(loss=0.15, jitter_ms=80),
}
AT_ONCE = 4
STOOD_STILL_S = 0.03
T = TypeVar("T")
INTERRUPTION = "Wait, please stop now, I have a question."
SENTENCES = tuple(
    text
    for line in HELD_OUT
    if not {"um", "uh"} & set((text := words_of(line)[0]).split()) and len(text.split()) > 3
)


@dataclass(frozen=True, slots=True)
class Words:
    """How wrong the transcripts of one sentence are, in words per word.

    Attributes:
        up: as the server understood the caller.
        down: as the caller's ear got what the agent said.
        count: words of the sentence.
    """

    up: float
    down: float
    count: int


@dataclass(frozen=True, slots=True)
class Cut:
    """One interrupted answer, in milliseconds.

    Attributes:
        truncated: where the server cut the conversation.
        heard: how far into the answer the last sound is that reached the ear.
    """

    truncated: int
    heard: float


@dataclass(frozen=True, slots=True)
class Told:
    """What came of many events at once.

    Attributes:
        seconds: from the first to the answer to the last.
        complete: whether the caller was told all that a witness was told, in that order.
    """

    seconds: float
    complete: bool


@dataclass(frozen=True, slots=True)
class Exchange:
    """What was heard of one sentence, PCM16 mono at 24 kHz.

    Attributes:
        sentence: what was said.
        up: by the server, of the caller.
        down: by the caller, of the agent.
    """

    sentence: str
    up: bytes
    down: bytes

    async def words(self, ears: Transcriber) -> Words:
        """Write it down."""
        up, down = await understood(ears, self.up), await understood(ears, self.down)
        said = self.sentence
        return Words(word_error_rate(said, up), word_error_rate(said, down), len(said.split()))


async def exchange(caller: NetworkCaller, notebook: Notebook, sentence: str) -> Exchange:
    """Say a sentence to the agent, and have the agent say it."""
    completed = "conversation.item.input_audio_transcription.completed"
    done = len(caller.of(completed))
    caller.say(said(sentence))
    event = await caller.event(completed, done + 1)
    start, played = len(caller.ear), len(caller.of("output_audio_buffer.stopped"))
    caller.write(sentence)
    caller.send("response.create")
    await caller.event("output_audio_buffer.stopped", played + 1)
    await caller.hear_more(0.5)
    # A sentence with a pause is several turns.
    numbers = [int(each["transcript"]) for each in caller.of(completed)[done:]]
    assert int(event["transcript"]) == numbers[0]
    up = b"".join(notebook.utterances[number] for number in numbers)
    return Exchange(sentence, up, bytes(caller.ear[start:]))


async def barge_in(caller: NetworkCaller, answer_s: int, after_s: float) -> Cut:
    """Interrupt a long answer of the agent."""
    number = len(caller.of("conversation.item.truncated")) + 1
    start = len(caller.ear)
    caller.write(f"sweep {answer_s}")
    caller.send("response.create")
    await caller.hear_more(after_s)
    caller.say(said(INTERRUPTION))
    event = await caller.event("conversation.item.truncated", number)
    await caller.hear_more(1.0)
    heard = heard_ms(bytes(caller.ear[start:]))
    if heard is None:
        raise RuntimeError("nothing of the answer was heard")
    return Cut(event["audio_end_ms"], heard)


async def many_events(url: str, link: LossyLink, count: int) -> tuple[float, Told]:
    """Write so many messages at once; return the seconds until ready, and what the caller was told."""
    loop = asyncio.get_running_loop()
    async with witnessed(url, link) as (caller, witness):
        before, began = len(caller.events), loop.time()
        for number in range(count):
            caller.write(f"{number} {'and more words' * 20}")
        last = await caller.event("conversation.item.done", count)
        seconds = loop.time() - began
        told = [event["event_id"] for event in caller.events[before:]]
        return caller.ready_s, Told(seconds, told == await witness.told(last["event_id"]))


async def _each(jobs: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    places = asyncio.Semaphore(AT_ONCE)

    async def run(job: Callable[[], Awaitable[T]]) -> T:
        async with places:
            return await job()

    return await asyncio.gather(*(run(job) for job in jobs))


class Measurement:
    """The tables.

    Args:
        url: of the server.
        ears: writes down what was heard.
        notebook: of the server.
        quick: fewer of everything.
        long_s: seconds of the answer that is interrupted; 0 for some that last 20.
    """

    def __init__(self, url: str, ears: Transcriber, notebook: Notebook, *, quick: bool, long_s: int) -> None:
        self._url = url
        self._ears = ears
        self._notebook = notebook
        self._sentences = SENTENCES[:2] if quick else SENTENCES[:12]
        self._cuts = 2 if quick else 12
        self._events = 50 if quick else 200
        self._calls = 2 if quick else 8
        self._long_s = long_s

    async def words(self, conditions: LinkConditions) -> str:
        """Return a row: how wrong transcripts are."""

        async def one(share: Sequence[str], seed: int) -> list[Exchange]:
            async with LossyLink(conditions, seed=seed) as link, calling(self._url, link) as caller:
                return [await exchange(caller, self._notebook, sentence) for sentence in share]

        shares = [self._sentences[start::AT_ONCE] for start in range(AT_ONCE)]
        found = await _each([_job(one, share, seed) for seed, share in enumerate(shares) if share])
        words = [await each.words(self._ears) for call in found for each in call]
        total = sum(each.count for each in words)
        up, down = (sum(getattr(each, way) * each.count for each in words) for way in ("up", "down"))
        return f"{len(words)} | {total} | {up / total:.1%} | {down / total:.1%}"

    async def cuts(self, conditions: LinkConditions) -> str:
        """Return a row: how far truncations are from what was heard."""
        chances = random.Random(3)
        lengths = [self._long_s] * 4 if self._long_s else [20] * self._cuts

        async def one(answer_s: int, after_s: float, seed: int) -> Cut:
            async with LossyLink(conditions, seed=seed) as link, calling(self._url, link) as caller:
                return await barge_in(caller, answer_s, after_s)

        cuts = await _each(
            [
                _job(one, length, chances.uniform(0.3, 0.85) * length, seed)
                for seed, length in enumerate(lengths)
            ]
        )
        drifts = sorted(cut.truncated - cut.heard for cut in cuts)
        ends = [cut.truncated for cut in cuts]
        return (
            f"{len(cuts)} | {min(ends) / 1000:.1f} to {max(ends) / 1000:.1f} | {drifts[0]:+.0f} | "
            f"{percentile(drifts, 50):+.0f} | {drifts[-1]:+.0f}"
        )

    async def events(self, conditions: LinkConditions) -> str:
        """Return a row: what came of many events, and how long it took to connect."""

        async def one(seed: int) -> tuple[float, Told]:
            async with LossyLink(conditions, seed=seed) as link:
                return await many_events(self._url, link, self._events)

        found = [await one(seed) for seed in range(self._calls)]
        ready = [ready_s * 1000 for ready_s, _ in found]
        told = [each for _, each in found]
        seconds = [each.seconds for each in told]
        return (
            f"{percentile(ready, 50):.0f} | {max(ready):.0f} | {self._events} | "
            f"{sum(each.complete for each in told)}/{len(told)} | {percentile(seconds, 50):.1f} | "
            f"{max(seconds):.1f}"
        )


def _job(work: Callable[..., Awaitable[T]], *arguments: object) -> Callable[[], Awaitable[T]]:
    return lambda: work(*arguments)


COLUMNS = {
    "words": "sentences | words | wrong at the server | wrong at the caller",
    "barge-in": "answers cut | after, s | truncated - heard, ms: least | median | most",
    "events": "ready p50, ms | slowest | events | calls complete, in order | took p50, s | slowest",
}


async def _stood_still(work: Awaitable[str]) -> tuple[str, float]:
    """Do it; return also for which share of the time this process had no core, or was busy with one thing."""
    loop = asyncio.get_running_loop()
    began, stood_still = loop.time(), 0.0

    async def watch() -> None:
        nonlocal stood_still
        while True:
            before = loop.time()
            await asyncio.sleep(0.005)
            late = loop.time() - before - 0.005
            stood_still += late if late > STOOD_STILL_S else 0.0

    watching = asyncio.ensure_future(watch())
    try:
        return await work, stood_still / (loop.time() - began)
    finally:
        watching.cancel()


async def measure(names: Sequence[str], *, quick: bool, long_s: int) -> None:
    """Measure and print."""
    engines = build_local_engines()
    try:
        notebook = Notebook()
        async with house(engines.vad, notebook) as url:
            measurement = Measurement(url, engines.transcriber, notebook, quick=quick, long_s=long_s)
            rows = {
                "words": measurement.words,
                "barge-in": measurement.cuts,
                "events": measurement.events,
            }
            for name in names:
                columns = f"network | {COLUMNS[name]} | stood still"
                print(f"\n| {columns} |\n{'|---' * (columns.count('|') + 1)}|")
                for shown, conditions in CONDITIONS.items():
                    row, still = await _stood_still(rows[name](conditions))
                    print(f"| {shown} | {row} | {still:.0%} |", flush=True)
    finally:
        await engines.aclose()


def main() -> int:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.networks", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(COLUMNS), default=list(COLUMNS))
    parser.add_argument("--quick", action="store_true", help="fewer of everything")
    parser.add_argument("--long", action="store_true", help="interrupt answers of three minutes")
    args = parser.parse_args()
    asyncio.run(measure(args.only, quick=args.quick, long_s=180 if args.long else 0))
    return 0


if __name__ == "__main__":
    sys.exit(main())
