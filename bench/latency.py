"""The main measurement: how long an answer takes, and what a talking session costs, at growing load."""

from __future__ import annotations

from dataclasses import dataclass

from bench.process import floor, server
from bench.report import Cell, Figures, Report, percentile
from bench.speech import speech
from bench.talking import Result, between, run_load, spoken, spread

Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Level:
    """One load: what the server did under it, and what the floor cost."""

    sessions: int
    result: Result
    bare: Result


def latency(report: Report, levels: list[int], warm_up: float, seconds: float) -> None:
    """Measure the server's share of the latency and what a talking session costs, at each load."""
    found = []
    for sessions in levels:
        report.progress(f"{sessions} talking sessions for {warm_up + seconds:g} s")
        with floor() as target:
            bare = run_load(target, sessions, "--warm-up", "1", "--seconds", str(min(3.0, seconds)))
        with server(sessions) as target:
            result = run_load(target, sessions, "--warm-up", str(warm_up), "--seconds", str(seconds))
        found.append(Level(sessions, result, bare))
    _show_shares(report, found)
    _show_clocks(report, found)
    _show_costs(report, found)


def _show_shares(report: Report, levels: list[Level]) -> None:
    rows: list[Row] = []
    for level in levels:
        turns = spoken(level.result)
        share = between(turns, "stopped", "answered")
        late = [value for turn in turns for value in turn["late_ms"]]
        tail = percentile(late, 50), percentile(late, 99), max(late, default=None)
        rows.append((level.sessions, f"{len(share)}/{len(turns)}", *spread(share), *tail))
    title = "Server's share of the latency, ms: end of turn decided -> first audio, as the client sees both"
    columns = ("sessions", "answered", "p50", "p95", "p99", "delta late p50", "delta late p99", "max")
    note = (
        f"Speech: {speech()[1]}. Engines cost nothing; voice activity detection is on. Late: how much later "
        "than its schedule an audio delta came."
    )
    report.add("latency", Figures(title, columns, tuple(rows), note))


def _show_clocks(report: Report, levels: list[Level]) -> None:
    rows: list[Row] = []
    for level in levels:
        turns = spoken(level.result)
        stages = [turn["stages"] for turn in turns if "first_audio" in turn["stages"]]
        inside = [stage["first_audio"] - stage.get("end_of_turn", 0.0) for stage in stages]
        frame, voice = between(turns, "decided", "answered"), between(turns, "ended", "answered")
        rows.append((level.sessions, *spread(inside), *spread(frame), *spread(voice)[:2]))
    columns = (
        *("sessions", "server p50", "server p95", "server p99"),
        *("frame p50", "frame p95", "frame p99", "speech p50", "speech p95"),
    )
    note = (
        "server: the server's own clock (stage_times, end_of_turn -> first_audio). frame: sending the 20 ms "
        "with which the silence was long enough -> first audio (adds network, decoding, detection). "
        "speech: sending the last voiced frame -> first audio (adds the silence that ends a turn)."
    )
    report.add("latency", Figures("The same turns, other clocks, ms", columns, tuple(rows), note))


def _show_costs(report: Report, levels: list[Level]) -> None:
    columns = (
        *("sessions", "CPU ms/session-s", "floor", "ratio", "core", "waited"),
        *("KB talking", "KB idle", "generator", "sent late p99 ms"),
    )
    note = (
        "floor: the same stack and JSON without a conversation (bench.floor), measured just before. core: "
        "share of one core. waited: share of the time for which others kept the server from its core: a "
        "disturbed run. KB: growth of resident memory per session, after talking and after connecting. "
        "generator: its share of the other core; the last column tells if it kept pace."
    )
    rows = tuple(_costs(level) for level in levels)
    report.add("latency", Figures("What a talking session costs the server", columns, rows, note))


def _costs(level: Level) -> Row:
    result, sessions = level.result, level.sessions
    talked, nothing = result.spent("begin", "end"), level.bare.spent("begin", "end")
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
