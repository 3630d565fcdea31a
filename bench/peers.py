"""This server next to another one, speech-to-speech, in one run: the same callers, cores and engines."""

from __future__ import annotations

import contextlib
import importlib.metadata
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.caller import Caller
from bench.load import PERIOD_S, cycle
from bench.process import LOAD_CORE, ROOT, Server, running, running_at, usage_of
from bench.report import Cell, Figures, Report, percentile
from bench.speech import speech
from bench.talking import Result, between, run_load, spoken
from bench.wire import connect, update_frame

PEER = "speech-to-speech"
SILENCE_MS = 500
FIRST_TURN_S = 60.0

Start = Callable[[str, int], contextlib.AbstractContextManager[Server]]
"""Starts a server: base URL of the engines, how many sessions."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A server to measure.

    Attributes:
        name: in the table.
        start: runs it.
        levels: at how many sessions it is measured; `None` for all.
    """

    name: str
    start: Start
    levels: tuple[int, ...] | None = None


def peers(report: Report, levels: list[int], warm_up: float, seconds: float, peer_python: str | None) -> None:
    """Measure this server and, where it is installed, the peer.

    Args:
        report: where the table goes.
        levels: numbers of sessions.
        warm_up: seconds of load before each window.
        seconds: length of each window.
        peer_python: interpreter of an environment with speech-to-speech; `None` looks in this one.
    """
    contenders = [Contender(f"vivavoce {importlib.metadata.version('vivavoce')}", own)]
    python = peer_python or sys.executable
    left_out = ""
    try:
        name = f"{PEER} {version_of(python)}"
    except LookupError as error:
        left_out = str(error)
    else:
        contenders.append(Contender(name, peer(python, reopen_ms=0)))
        contenders.append(Contender(f"{name}, with its hold", peer(python, reopen_ms=800), (levels[0],)))
    compare(report, contenders, levels, warm_up, seconds, left_out)


@contextlib.contextmanager
def own(engines: str, sessions: int) -> Iterator[Server]:
    """Run `vivavoce serve` on engines behind HTTP.

    Raises:
        RuntimeError: it did not start.
    """
    config = f"""\
[server]
port = 0
[limits]
max_sessions = {sessions}
[engines]
stt = {{ name = "transcriptions", base_url = "{engines}" }}
llm = {{ name = "chat-completions", base_url = "{engines}", model = "bench" }}
tts = {{ name = "speech", base_url = "{engines}" }}
"""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "vivavoce.toml"
        path.write_text(config)
        with running("vivavoce", "serve", "--config", str(path), "--log-level", "error") as target:
            yield target


def peer(python: str, reopen_ms: int) -> Start:
    """Return what runs speech-to-speech on engines behind HTTP.

    Args:
        python: interpreter of its environment.
        reopen_ms: how long it holds an answer back, as the turn might go on; its default is 800.
    """

    def start(engines: str, sessions: int) -> contextlib.AbstractContextManager[Server]:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        options = {
            "port": port,
            "num_pipelines": sessions,
            "min_silence_ms": SILENCE_MS,
            "thresh": 0.5,
            "speculative_reopen_ms": reopen_ms,
            "unanswered_reopen_ms": reopen_ms,
            "stt": "openai",
            "openai_stt_base_url": engines,
            "llm_backend": "chat-completions",
            "responses_api_base_url": engines,
            "responses_api_api_key": "bench",
            "model_name": "bench",
            "tts": "openai",
            "openai_tts_base_url": engines,
            "log_level": "error",
        }
        # Its model of turn ends would be fetched. Partial transcripts are requests that ours does not make.
        switches = ["--no_smart_turn", "--no_enable_live_transcription", "--responses_api_stream"]
        said = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        return running_at(port, [python, "-m", "bench.peer_main", "serve", *said, *switches])

    return start


def compare(
    report: Report,
    contenders: list[Contender],
    levels: list[int],
    warm_up: float,
    seconds: float,
    left_out: str = "",
) -> None:
    """Load each server in turn at each level, and show them side by side.

    Args:
        report: where the table goes.
        contenders: the servers.
        levels: numbers of sessions.
        warm_up: seconds of load before each window.
        seconds: length of each window.
        left_out: why there is no peer among them.
    """
    rows: list[tuple[Cell, ...]] = []
    for sessions in levels:
        for contender in contenders:
            if contender.levels is None or sessions in contender.levels:
                report.progress(f"{contender.name}: {sessions} sessions for {warm_up + seconds:g} s")
                rows.append(_measured(contender, sessions, warm_up, seconds))
    columns = (
        *("sessions", "server", "answered", "speech p50", "speech p95"),
        *("CPU ms/session-s", "core", "waited", "MB", "MB/session", "threads"),
    )
    note = (
        "speech: sending the last voiced frame -> first audio, ms; all wait for 500 ms of silence. answered: "
        "turns that got audio before the next one. Engines: HTTP endpoints that answer at once "
        f"(bench.endpoints), on the generator's core. {PEER}: without its model of turn ends, its partial "
        "transcripts and, but for the row that says so, the 800 ms for which it holds an answer back. "
        "waited: above 100% where a server's own threads wait for each other's core."
    )
    if left_out:
        note += f" {PEER} was left out: {left_out}."
    report.add("peers", Figures("Servers side by side", columns, tuple(rows), note))


def _measured(contender: Contender, sessions: int, warm_up: float, seconds: float) -> tuple[Cell, ...]:
    try:
        with (
            running("bench.endpoints", core=LOAD_CORE) as engines,
            contender.start(f"http://127.0.0.1:{engines.port}/v1", sessions) as target,
        ):
            return sessions, contender.name, *_loaded(target, sessions, warm_up, seconds)
    except (RuntimeError, ConnectionError) as error:
        # A server that breaks down under a load is a result as well; the row says what happened.
        return sessions, contender.name, str(error), *[None] * 8


def _loaded(target: Server, sessions: int, warm_up: float, seconds: float) -> tuple[Cell, ...]:
    _first_turn(target)
    empty_kb = usage_of(target.pid).rss_kb
    asked = {"warm-up": warm_up, "seconds": seconds, "pause": 1500, "silence": SILENCE_MS}
    options = [word for name, value in asked.items() for word in (f"--{name}", str(value))]
    result = run_load(target, sessions, *options)
    threads = len(list(Path(f"/proc/{target.pid}/task").iterdir()))
    return *_row(result, sessions, empty_kb), threads


def _row(result: Result, sessions: int, empty_kb: int) -> tuple[Cell, ...]:
    turns = spoken(result)
    voice = between(turns, "ended", "answered")
    spent = result.spent("begin", "end")
    end_kb = result.usage["end"].rss_kb
    return (
        f"{len(voice)}/{len(turns)}",
        percentile(voice, 50),
        percentile(voice, 95),
        spent.cpu_s / spent.at / sessions * 1000,
        f"{spent.cpu_s / spent.at:.0%}",
        f"{spent.waited_s / spent.at:.0%}",
        end_kb / 1024,
        (end_kb - empty_kb) / 1024 / sessions,
    )


def _first_turn(target: Server) -> None:
    """Have one turn, so that what a first turn loads is loaded.

    Raises:
        RuntimeError: it was not answered.
        ConnectionError: there was no session.
    """
    pcm, _ = speech()
    frames, voiced = cycle(pcm, barge_in=False)
    frames += frames[-1:] * int(FIRST_TURN_S / PERIOD_S)
    sock, begun = connect(target.port)
    with sock:
        sock.send(update_frame(SILENCE_MS))
        caller = Caller(sock, begun, frames=frames, voiced=voiced)
        for _ in range(len(frames) - 1):
            caller.speak()
            time.sleep(PERIOD_S)
            caller.hear()
            if caller.closed or (caller.turns and caller.turns[-1].done):
                break
    if not caller.turns[-1].done:
        raise RuntimeError(f"a first turn was not answered within {FIRST_TURN_S:g} s")
    time.sleep(1.0)  # The place has to be free again.


def version_of(python: str) -> str:
    """Return the version of the peer that an interpreter has.

    Raises:
        LookupError: it has none.
    """
    code = f"import importlib.metadata; print(importlib.metadata.version('{PEER}'))"
    try:
        done = subprocess.run(
            [python, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
        )
    except OSError as error:
        raise LookupError(f"{python} cannot be run ({error.strerror})") from error
    if done.returncode:
        raise LookupError(f"{python} has none; --peer-python names an interpreter that has")
    return done.stdout.strip()
