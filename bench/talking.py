"""Measurements with talking callers: latency, cost, barge-in and overload."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.process import LOAD_CORE, ROOT, Server, Usage, floor, pinned, server
from bench.report import Cell, Figures, Report, percentile
from bench.speech import speech
from bench.wire import dial

Turns = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Result:
    """What one load found; see `bench.load.Load.result`."""

    turns: Turns
    usage: dict[str, Usage]
    window: tuple[float, float]
    own_cpu_s: float
    send_late_ms: list[float]

    def spent(self, begin: str, end: str) -> Usage:
        """Return what the server used between two notes."""
        first, last = self.usage[begin], self.usage[end]
        return Usage(
            at=last.at - first.at,
            cpu_s=last.cpu_s - first.cpu_s,
            waited_s=last.waited_s - first.waited_s,
            rss_kb=last.rss_kb - first.rss_kb,
            switches=last.switches - first.switches,
        )


def run_load(
    target: Server, sessions: int, *options: str, meanwhile: Callable[[], None] | None = None
) -> Result:
    """Run the load generator against a server, on the other core.

    Args:
        target: the server.
        sessions: how many callers.
        options: more options of `bench.load`.
        meanwhile: called while it runs.

    Raises:
        RuntimeError: the load failed, for example because the server closed a session.
    """
    pcm, _ = speech()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.pcm"
        path.write_bytes(pcm)
        command = [sys.executable, "-m", "bench.load", "--port", str(target.port), "--speech", str(path)]
        command += ["--server-pid", str(target.pid), "--sessions", str(sessions), *options]
        with pinned(LOAD_CORE):
            process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        try:
            if meanwhile is not None:
                meanwhile()
            output, _ = process.communicate(timeout=300)
        finally:
            process.kill()
    if process.returncode:
        raise RuntimeError(f"the load generator failed (exit code {process.returncode})")
    raw = json.loads(output)
    usage = {name: Usage(**fields) for name, fields in raw["usage"].items()}
    begin, end = raw["window"]
    return Result(raw["turns"], usage, (begin, end), raw["own_cpu_s"], raw["send_late_ms"])


def spoken(result: Result, answer_s: float = 2.5) -> Turns:
    """Return the turns that ended early enough in the window to be answered in it."""
    return [turn for turn in result.turns if turn["ended"] and turn["ended"] < result.window[1] - answer_s]


def between(turns: Turns, begin: str, end: str) -> list[float]:
    """Return the milliseconds from one moment of each turn to another, where both came."""
    return [(turn[end] - turn[begin]) * 1000 for turn in turns if turn[begin] and turn[end]]


def latency(report: Report, levels: list[int], warm_up: float, seconds: float) -> None:
    """Measure the server's share of the latency and what a talking session costs, at each load."""
    _, source = speech()
    shares: list[tuple[Cell, ...]] = []
    checks: list[tuple[Cell, ...]] = []
    costs: list[tuple[Cell, ...]] = []
    for sessions in levels:
        report.progress(f"{sessions} talking sessions for {warm_up + seconds:g} s")
        with floor() as target:
            bare = run_load(target, sessions, "--warm-up", "1", "--seconds", "3")
        with server(sessions) as target:
            result = run_load(target, sessions, "--warm-up", str(warm_up), "--seconds", str(seconds))
        turns = spoken(result)
        share = between(turns, "stopped", "answered")
        late = [value for turn in turns for value in turn["late_ms"]]
        answered = f"{len(share)}/{len(turns)}"
        shares.append((sessions, answered, *_spread(share), *_tail(late)))
        stages = [turn["stages"] for turn in turns if "first_audio" in turn["stages"]]
        inside = [stage["first_audio"] - stage.get("end_of_turn", 0.0) for stage in stages]
        checks.append(
            (
                sessions,
                *_spread(inside),
                *_spread(between(turns, "decided", "answered")),
                *_spread(between(turns, "ended", "answered"))[:2],
            )
        )
        costs.append(_costs(sessions, result, bare))
    report.add(
        "latency",
        Figures(
            "Server's share of the latency, ms: end of turn decided -> first audio, as the client sees both",
            ("sessions", "answered", "p50", "p95", "p99", "delta late p50", "delta late p99", "max"),
            tuple(shares),
            f"Speech: {source}. Engines cost nothing; voice activity detection is on. Late: how much later "
            "than its schedule an audio delta came.",
        ),
    )
    columns = ("sessions", "server p50", "p95", "p99", "frame p50", "p95", "p99", "speech p50", "p95")
    note = (
        "server: the server's own clock (stage_times, end_of_turn -> first_audio). frame: sending the 20 ms "
        "with which the silence was long enough -> first audio (adds network, decoding, detection). "
        "speech: sending the last voiced frame -> first audio (adds the silence that ends a turn)."
    )
    report.add("latency", Figures("The same turns, other clocks, ms", columns, tuple(checks), note))
    cost_columns = (
        "sessions",
        "CPU ms/session-s",
        "floor",
        "ratio",
        "core",
        "waited",
        "KB talking",
        "KB idle",
        "generator",
        "sent late p99 ms",
    )
    note = (
        "floor: the same stack and JSON without a conversation (bench.floor), measured just before. core: "
        "share of one core. waited: share of the time for which others kept the server from its core: a "
        "disturbed run. KB: growth of resident memory per session, after talking and after connecting. "
        "generator: its share of the other core; the last column tells if it kept pace."
    )
    report.add(
        "latency", Figures("What a talking session costs the server", cost_columns, tuple(costs), note)
    )


def _costs(sessions: int, result: Result, bare: Result) -> tuple[Cell, ...]:
    talked, nothing = result.spent("begin", "end"), bare.spent("begin", "end")
    share, least = talked.cpu_s / talked.at, nothing.cpu_s / nothing.at
    generator = result.own_cpu_s / (result.usage["end"].at - result.usage["before"].at)
    return (
        sessions,
        share / sessions * 1000,
        least / sessions * 1000,
        share / least if least else None,
        f"{share:.0%}",
        f"{talked.waited_s / talked.at:.0%}",
        result.spent("before", "end").rss_kb / sessions,
        result.spent("before", "connected").rss_kb / sessions,
        f"{generator:.0%}",
        percentile(result.send_late_ms, 99),
    )


def _spread(values: list[float]) -> tuple[float | None, ...]:
    return tuple(percentile(values, percent) for percent in (50, 95, 99))


def _tail(values: list[float]) -> tuple[float | None, ...]:
    return percentile(values, 50), percentile(values, 99), max(values, default=None)


def idle(report: Report, sessions: int, seconds: float) -> None:
    """Measure what connected sessions cost while nobody speaks."""
    rows: list[tuple[Cell, ...]] = []
    for count in (0, sessions):
        report.progress(f"{count} idle sessions for {seconds:g} s")
        with server(max(1, sessions)) as target:
            result = run_load(target, count, "--idle", str(seconds), "--seconds", "0")
        spent = result.spent("connected", "idle")
        rows.append((count, spent.switches / spent.at, spent.cpu_s / spent.at * 1000))
    report.add(
        "idle",
        Figures(
            "A server with idle sessions",
            ("sessions", "wake-ups / s", "CPU ms / s"),
            tuple(rows),
            "Wake-ups: voluntary context switches of the process. What sessions cost is the difference.",
        ),
    )


def barge_in(report: Report, levels: list[int], seconds: float) -> None:
    """Measure how fast an answer stops when the person speaks."""
    rows: list[tuple[Cell, ...]] = []
    for sessions in levels:
        report.progress(f"{sessions} sessions that interrupt every answer, for {seconds:g} s")
        with server(sessions) as target:
            result = run_load(target, sessions, "--barge-in", "--warm-up", "4", "--seconds", str(seconds))
        cut = [turn for turn in result.turns if turn["cut"]]
        rows.append(
            (
                sessions,
                len(cut),
                sum(turn["after_start"] for turn in cut),
                *_spread(between(cut, "started", "cut")),
                *_spread(between(cut, "began", "cut")),
            )
        )
    columns = (
        "sessions",
        "interrupted",
        "deltas after",
        "decision p50",
        "p95",
        "p99",
        "voice p50",
        "p95",
        "p99",
    )
    note = (
        "deltas after: audio deltas that came after speech_started; none may. decision: speech_started -> "
        "response.done (cancelled). voice: sending the first voiced frame -> response.done."
    )
    report.add("barge_in", Figures("Barge-in, ms", columns, tuple(rows), note))


def overload(report: Report, sessions: int, seconds: float, dials_per_s: int = 50) -> None:
    """Measure what refused callers wait for, and what they cost those inside."""
    report.progress(
        f"{sessions} talking sessions in a full house, then {dials_per_s} refused dials per second"
    )
    refused: list[float] = []
    dialled = [0.0, 0.0]
    warm_up = 4.0

    def knock() -> None:
        time.sleep(warm_up + 1.0 + seconds / 2)
        dialled[:] = [time.monotonic(), time.monotonic() + seconds / 2]
        count = 0
        while (begin := time.monotonic()) < dialled[1]:
            sock, answer = dial(target.port)
            sock.close()
            if not answer.startswith(b"HTTP/1.1 503"):
                raise RuntimeError(f"a caller too many got {answer[:64]!r}")
            refused.append((time.monotonic() - begin) * 1000)
            count += 1
            time.sleep(max(0.0, dialled[0] + count / dials_per_s - time.monotonic()))

    with server(sessions) as target, pinned(LOAD_CORE):
        result = run_load(
            target, sessions, "--warm-up", str(warm_up), "--seconds", str(seconds), meanwhile=knock
        )
    turns = spoken(result)
    calm = [turn for turn in turns if turn["stopped"] and turn["stopped"] < dialled[0]]
    besieged = [turn for turn in turns if dialled[0] <= turn["stopped"] < dialled[1]]
    rows: list[tuple[Cell, ...]] = [
        ("inside, nobody dials", len(calm), *_spread(between(calm, "stopped", "answered"))),
        (f"inside, {dials_per_s} dials/s", len(besieged), *_spread(between(besieged, "stopped", "answered"))),
        ("refused callers: dial -> 503", len(refused), *_spread(refused)),
    ]
    title = f"Overload: a server that is full with {sessions} talking sessions, ms"
    report.add("overload", Figures(title, ("who", "count", "p50", "p95", "p99"), tuple(rows)))
