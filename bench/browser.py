"""Calls from Chromium: what a person at a page waits for, the browser's own delays included."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path
from typing import Any

from bench.process import LOAD_CORE, ROOT, Server, pinned, server
from bench.report import Cell, Figures, Report, percentile
from bench.speech import RATE, speech
from bench.talking import spread

PAUSE_S = 3.5
"""Silence behind each utterance, in which the answer is heard."""
AUDIBLE = 0.01
"""A block of 5.3 ms is heard from this root mean square on, of 1."""
GAP_MS = 400
"""Silence that ends a span."""
FLAGS = (
    "--disable-gpu",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
)

Span = tuple[float, float]


def browser(report: Report, levels: list[int], turns: int) -> None:
    """Measure calls from Chromium, alone and beside other calls, with so many turns each."""
    path = os.environ.get("VIVAVOCE_CHROMIUM") or shutil.which("chromium")
    if path is None:
        report.progress("no Chromium here, so calls from a browser stay out")
        return
    rows: list[tuple[Cell, ...]] = []
    for count in levels:
        report.progress(f"Chromium among {count} calls, {turns} turns")
        with server(max(levels)) as target, tempfile.TemporaryDirectory() as folder:
            pcm, _ = speech()
            seconds = turns * (len(pcm) / 2 / RATE + PAUSE_S)
            microphone = _write(Path(folder) / "microphone.wav", pcm, turns)
            others = _others(target, count - 1, pcm, Path(folder), seconds + 4)
            try:
                found = _call(path, microphone, target, seconds)
            finally:
                if others is not None:
                    others.kill()
                    others.wait()
        rows.append(_row(count, found))
    report.add(
        "browser",
        Figures(
            "Calls from Chromium, ms: calling -> ready, and last voiced sample -> first audible one",
            (
                *("calls", "answered", "ready", "heard p50", "heard p95"),
                *("end of turn p50", "share p50", "share p95", "share p99"),
            ),
            tuple(rows),
            "One call is Chromium's, the others are peers without a browser. ready: from getUserMedia to "
            "session.updated. heard: both ends in the page's own recording, so that all of the browser's "
            "delays are in it. end of turn: until the page is told that the turn is over (speech_stopped): "
            "the browser's capture and echo cancellation, the way, the silence, its detection. share: from "
            "there to the first audible sample, with the browser's jitter buffer.",
        ),
    )


def _write(path: Path, pcm: bytes, turns: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(RATE * 2 * 2))  # while the call is being made
        for _ in range(turns):
            file.writeframes(pcm + bytes(int(PAUSE_S * RATE) * 2))
    return path


def _others(
    target: Server, count: int, pcm: bytes, folder: Path, seconds: float
) -> subprocess.Popen[bytes] | None:
    """Start calls beside the browser's, and wait until all of them talk."""
    if not count:
        return None
    path = folder / "speech.pcm"
    path.write_bytes(pcm)
    command = [sys.executable, "-m", "bench.call_load", "--port", str(target.port), "--speech", str(path)]
    command += ["--server-pid", str(target.pid), "--sessions", str(count), "--seconds", str(seconds)]
    with pinned(LOAD_CORE):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    time.sleep(0.5 + 0.2 * count)
    return process


def _call(path: str, microphone: Path, target: Server, seconds: float) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    script = (Path(__file__).parent / "browser.js").read_text(encoding="utf-8")
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=path,
            args=[*FLAGS, f"--use-file-for-fake-audio-capture={microphone}%noloop"],
            chromium_sandbox=False,
        )
        page = chromium.new_page()
        page.goto(f"http://127.0.0.1:{target.port}/healthz")
        found: dict[str, Any] = page.evaluate(script, {"seconds": seconds})
        chromium.close()
    return found


def spans(levels: list[float], block_ms: float) -> list[Span]:
    """Return where something is heard, in ms."""
    found: list[list[float]] = []
    for number, level in enumerate(levels):
        if level >= AUDIBLE:
            start, end = number * block_ms, (number + 1) * block_ms
            if found and start - found[-1][1] < GAP_MS:
                found[-1][1] = end
            else:
                found.append([start, end])
    return [(start, end) for start, end in found]


def _row(count: int, found: dict[str, Any]) -> tuple[Cell, ...]:
    said, heard = (spans(levels, found["blockMs"]) for levels in found["levels"])
    whole, waits = [], []
    for number, (_, end) in enumerate(said):
        until = said[number + 1][0] if number + 1 < len(said) else float("inf")
        decided = next((at for at in found["decidedMs"] if end < at < until), None)
        answered = next((start for start, _ in heard if end < start < until), None)
        if decided is not None and answered is not None:
            whole.append(answered - end)
            waits.append(decided - end)
    share = [total - wait for total, wait in zip(whole, waits, strict=True)]
    return (
        count,
        f"{len(whole)}/{len(said)}",
        found["readyMs"],
        *spread(whole)[:2],
        percentile(waits, 50),
        *spread(share),
    )
