"""Measurements of the client half, beside the least that any client does, and beside `openai-agents`.

Every figure is of one program that both SDKs run, in a fresh process, against one server that costs little.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

from bench.process import LOAD_CORE, ROOT, pinned, wire
from bench.report import Cell, Figures, Report, percentile
from bench.sdk_kit import OURS, THEIRS
from bench.speech import FRAME_BYTES

_FLOOR = "-"
_MINUTE = 3000
_DISTURBED = 0.05
_WINDOW = 10
Found = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is done.

    Attributes:
        deltas: pieces of audio that are received.
        rounds: processes per figure of audio.
        minutes: audio that nobody reads, a little and more.
        sessions: that do nothing at the same time.
        turns: of one conversation.
        calls: of a tool.
        cuts: of a connection.
        items: of the history of the conversation that is cut.
    """

    deltas: int = 30_000
    rounds: int = 5
    minutes: tuple[int, int] = (5, 15)
    sessions: int = 200
    turns: int = 2_000
    calls: int = 200
    cuts: int = 10
    items: int = 50

    @classmethod
    def quick(cls) -> Sizes:
        """Return sizes for a first look."""
        return cls(deltas=10_000, rounds=3, sessions=100, turns=300, calls=50, cuts=3)


def sdk(report: Report, sizes: Sizes, peers: Sequence[str] = ()) -> None:
    """Measure `RealtimeSession`, and its peer where that is installed; or those that are named."""
    if not peers:
        found = importlib.util.find_spec("agents") is not None
        peers = (OURS, THEIRS) if found else (OURS,)
        if not found:
            report.progress(f"{THEIRS} is not installed: no figures to compare with")
    with _bench() as bench:
        report.progress(f"a client receives {sizes.deltas} frames of audio, as fast as it can")
        report.add("sdk", _receiving(bench, peers, sizes))
        report.progress(f"a conversation of {sizes.turns} turns")
        report.add("sdk", _turning(bench, peers, sizes))
        report.progress("a client receives what nobody reads")
        report.add("sdk", _keeping(bench, peers, sizes))
        report.progress(f"{sizes.sessions} sessions in which nothing happens")
        report.add("sdk", _idling(bench, peers, sizes))
        report.progress(f"{sizes.calls} calls of a tool that does nothing")
        report.add("sdk", _calling(bench, peers, sizes))
        report.progress("a connection is cut")
        report.add("sdk", _reconnecting(bench, sizes))
    share = bench.waited_s / (bench.waited_s + bench.ran_s)
    if share > _DISTURBED:
        report.progress(f"DISTURBED: for {share:.0%} of their time others kept the clients from their core")
    report.add(
        "sdk",
        Figures(
            "These clients",
            ("client", "version"),
            tuple((name, importlib.metadata.version(name)) for name in peers),
            f"Each in fresh processes over a loopback WebSocket without compression. waited: {share:.0%}",
        ),
    )


@dataclass(slots=True)
class _Bench:
    """The server, and what was found of the machine."""

    url: str
    said: IO[str]
    waited_s: float = 0.0
    ran_s: float = 0.0

    def run(self, measurement: str, client: str, *options: object, **script: int) -> Found:
        """Run a client in a process of its own."""
        query = "&".join(f"{name}={value}" for name, value in script.items())
        url = f"{self.url}?{query}"
        with pinned(LOAD_CORE):
            done = subprocess.run(
                [sys.executable, "-m", "bench.sdk_reader", measurement, client, url, *map(str, options)],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                check=True,
                timeout=900,
            )
        found: Found = json.loads(done.stdout)
        self.waited_s += found["waited_s"]
        self.ran_s += found["ran_s"]
        return found

    def timed(self) -> Found:
        """Return what the server timed of the last connection."""
        found: Found = json.loads(self.said.readline())
        return found


@contextmanager
def _bench() -> Iterator[_Bench]:
    with wire() as server:
        yield _Bench(f"ws://127.0.0.1:{server.port}/v1/realtime", server.said)


def _receiving(bench: _Bench, peers: Sequence[str], sizes: Sizes) -> Figures:
    clients = [
        ("websockets, json, base64", "floor", _FLOOR),
        *((f"{name}, events read", "audio", name) for name in peers),
        (f"{OURS}, and an observer", "observed", OURS),
    ]
    us: dict[str, list[float]] = {label: [] for label, _, _ in clients}
    # In turns, because the machine is not equally fast all the time.
    for _ in range(sizes.rounds):
        for label, measurement, client in clients:
            found = bench.run(measurement, client, deltas=sizes.deltas)
            if found["bytes"] != sizes.deltas * FRAME_BYTES:
                raise RuntimeError(f"{label} got {found['bytes']} bytes of {sizes.deltas} deltas")
            us[label].append(found["cpu_s"] / sizes.deltas * 1e6)
    floor = min(us[clients[0][0]])
    rows: list[tuple[Cell, ...]] = [
        (label, min(taken), statistics.median(taken), min(taken) / floor) for label, taken in us.items()
    ]
    columns = ("client", "best", "median", "best to floor")
    return Figures(
        "Receiving audio: CPU µs per 20 ms", columns, tuple(rows), f"{sizes.rounds} processes each."
    )


def _turning(bench: _Bench, peers: Sequence[str], sizes: Sizes) -> Figures:
    rows: list[tuple[Cell, ...]] = []
    for name in peers:
        found = bench.run("turns", name, sizes.turns, deltas=20, words=10)
        taken = found["turn_ms"]
        early = statistics.median(taken[_WINDOW // 2 : _WINDOW // 2 + _WINDOW])
        late = statistics.median(taken[-_WINDOW:])
        rows.append((name, early, late, late / early, found["grown_kb"] / sizes.turns))
    columns = ("client", "turn 10", f"turn {sizes.turns}", "ratio", "KB kept per turn")
    note = (
        "20 pieces of audio, 10 of transcript, two items. Median of ten turns. KB: of resident memory, with "
        "what the first turn loads."
    )
    return Figures("A turn of a long conversation: CPU ms", columns, tuple(rows), note)


def _keeping(bench: _Bench, peers: Sequence[str], sizes: Sizes) -> Figures:
    rows: list[tuple[Cell, ...]] = []
    few, many = sizes.minutes
    for name in peers:
        for measurement, reader in (("unread", "nobody"), ("stalled", "somebody who stopped")):
            grown = [
                bench.run(measurement, name, deltas=minutes * _MINUTE)["grown_kb"] / 1000
                for minutes in sizes.minutes
            ]
            rows.append((name, reader, *grown, (grown[1] - grown[0]) / (many - few)))
    columns = ("client", "reader", f"{few} min", f"{many} min", "MB more per minute")
    note = f"A minute of audio is {_MINUTE * FRAME_BYTES / 1e6:.2f} MB."
    return Figures("MB kept of audio that is not read", columns, tuple(rows), note)


def _idling(bench: _Bench, peers: Sequence[str], sizes: Sizes) -> Figures:
    rows: list[tuple[Cell, ...]] = []
    for name in peers:
        found = bench.run("idle", name, sizes.sessions)
        traced = bench.run("idle_traced", name, sizes.sessions)
        rows.append((name, found["kb"], traced["kb"], found["open_ms"]))
    columns = ("client", "KB resident", "KB allocated", "CPU ms to open")
    note = "KB: growth per session. Allocated: by Python's own count (tracemalloc)."
    return Figures(f"{sizes.sessions} idle sessions, each", columns, tuple(rows), note)


def _calling(bench: _Bench, peers: Sequence[str], sizes: Sizes) -> Figures:
    rows: list[tuple[Cell, ...]] = []
    for name in peers:
        for kind in ("async", "sync"):
            bench.run("calls", name, kind, calls=sizes.calls)
            found = bench.timed()
            if len(found["response_ms"]) != sizes.calls:
                raise RuntimeError(f"{name} answered {len(found['response_ms'])} of {sizes.calls} calls")
            output, response = found["output_ms"], found["response_ms"]
            rows.append(
                (name, kind, *(percentile(times, p) for times in (output, response) for p in (50, 95)))
            )
    columns = ("client", "tool", "output p50", "output p95", "response.create p50", "response.create p95")
    note = "From the call's end as the server sends it to what comes back there. Sync tools run in threads."
    return Figures("Round trip of a tool that does nothing, ms", columns, tuple(rows), note)


def _reconnecting(bench: _Bench, sizes: Sizes) -> Figures:
    worked, waited = [], []
    for _ in range(sizes.cuts):
        found = bench.run("reconnect", OURS, sizes.items)
        cut_at = bench.timed()["cut_at"]
        waited.append(found["delay_s"] * 1000)
        worked.append((found["at"] - cut_at) * 1000 - waited[-1])
    row = (sizes.items, min(worked), statistics.median(worked), statistics.median(waited))
    columns = ("items replayed", "best", "median", "wait before it, median")
    note = f"{sizes.cuts} times, each with a conversation of its own; the wait is chosen by chance."
    return Figures(f"{OURS}: from a lost connection to the next, ms", columns, (row,), note)
