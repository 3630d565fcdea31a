"""Measurements with callers: running a load, and what idle, interrupting and refused callers find."""

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

from bench.process import LOAD_CORE, ROOT, Server, Usage, pinned, server
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
            process = subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        try:
            if meanwhile is not None:
                meanwhile()
            output, failure = process.communicate(timeout=300)
        finally:
            process.kill()
    if process.returncode:
        why = failure.strip().rpartition("\n")[2] or f"exit code {process.returncode}"
        raise RuntimeError(f"the load generator failed: {why}")
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


def spread(values: list[float]) -> tuple[float | None, ...]:
    """Return median, 95th and 99th percentile."""
    return tuple(percentile(values, percent) for percent in (50, 95, 99))


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
                *spread(between(cut, "started", "cut")),
                *spread(between(cut, "began", "cut")),
            )
        )
    columns = (
        "sessions",
        "interrupted",
        "deltas after",
        "decision p50",
        "decision p95",
        "decision p99",
        "voice p50",
        "voice p95",
        "voice p99",
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
        ("inside, nobody dials", len(calm), *spread(between(calm, "stopped", "answered"))),
        (f"inside, {dials_per_s} dials/s", len(besieged), *spread(between(besieged, "stopped", "answered"))),
        ("refused callers: dial -> 503", len(refused), *spread(refused)),
    ]
    title = f"Overload: a server that is full with {sessions} talking sessions, ms"
    spent = result.spent("begin", "end")
    note = (
        f"inside: end of turn decided -> first audio. Others kept the server from its core for "
        f"{spent.waited_s / spent.at:.0%} of the time; it used {spent.cpu_s / spent.at:.0%} of it."
    )
    report.add("overload", Figures(title, ("who", "count", "p50", "p95", "p99"), tuple(rows), note))
