"""Calls over WebRTC: how long until one is ready, and until its answers are heard."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.process import LOAD_CORE, ROOT, Server, Usage, pinned, server
from bench.report import Cell, Figures, Report, percentile
from bench.speech import speech
from bench.talking import spread

Row = tuple[Cell, ...]


def calls(report: Report, levels: list[int], seconds: float) -> None:
    """Measure the server's and the transport's share of what somebody waits for, at so many calls each."""
    shares: list[Row] = []
    costs: list[Row] = []
    for count in levels:
        report.progress(f"{count} calls over WebRTC for {seconds:g} s")
        with server(max(levels)) as target:
            found = _run(target, count, seconds)
        shares.append(_share(count, found))
        costs.append(_cost(count, found))
    _, source = speech()
    report.add(
        "calls",
        Figures(
            "Calls over WebRTC, ms: calling -> ready, and last voiced sample -> first audible one",
            (
                *("calls", "answered", "ready p50", "ready p95"),
                *("heard p50", "heard p95", "end of turn p50", "share p50", "share p95", "share p99"),
            ),
            tuple(shares),
            f"Speech: {source}. ready: offer, HTTP, ICE, DTLS, SCTP, session.created, session.updated; "
            "calls come one by one. heard: handing the last voiced sample to the track -> decoding the first "
            "audible frame of the answer. end of turn: the silence that ends a turn, with what the detector "
            "takes for speech behind the last voiced sample: until the frame is handed over with which it "
            "has lasted long enough. share: from there to the first audible frame: codecs, network, server.",
        ),
    )
    report.add(
        "calls",
        Figures(
            "What a call costs the server",
            ("calls", "CPU ms/call-s", "core", "waited", "KB/call", "callers' core"),
            tuple(costs),
            "One call: 50 packets a second each way, Opus both ways, voice activity detection; ICE, DTLS and "
            "SCTP in Python.",
        ),
    )


def _run(target: Server, count: int, seconds: float) -> dict[str, Any]:
    pcm, _ = speech()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.pcm"
        path.write_bytes(pcm)
        command = [sys.executable, "-m", "bench.call_load", "--port", str(target.port), "--speech", str(path)]
        command += ["--server-pid", str(target.pid), "--sessions", str(count), "--seconds", str(seconds)]
        with pinned(LOAD_CORE):
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        why = done.stderr.strip().rpartition("\n")[2] or f"exit code {done.returncode}"
        raise RuntimeError(f"the callers failed: {why}")
    found: dict[str, Any] = json.loads(done.stdout)
    found["usage"] = {name: Usage(**fields) for name, fields in found["usage"].items()}
    return found


def _share(count: int, found: dict[str, Any]) -> Row:
    # The last turn of each caller may have ended too late to be answered in the window.
    turns = [turn for turn in found["turns"] if turn["ended"] < found["window"][1] - 2.5]
    answered = [turn for turn in turns if turn["answered"] and turn["decided"]]
    heard = [(turn["answered"] - turn["ended"]) * 1000 for turn in answered]
    waits = [(turn["decided"] - turn["ended"]) * 1000 for turn in answered]
    share = [whole - wait for whole, wait in zip(heard, waits, strict=True)]
    ready = [seconds * 1000 for seconds in found["ready_s"]]
    return (
        count,
        f"{len(answered)}/{len(turns)}",
        *spread(ready)[:2],
        *spread(heard)[:2],
        percentile(waits, 50),
        *spread(share),
    )


def _cost(count: int, found: dict[str, Any]) -> Row:
    before, begin, end = (found["usage"][name] for name in ("before", "begin", "end"))
    seconds = end.at - begin.at
    share = (end.cpu_s - begin.cpu_s) / seconds
    return (
        count,
        share / count * 1000,
        f"{share:.0%}",
        f"{(end.waited_s - begin.waited_s) / seconds:.0%}",
        (end.rss_kb - before.rss_kb) / count,
        f"{found['own_cpu_s'] / seconds:.0%}",
    )
