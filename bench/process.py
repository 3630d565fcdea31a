"""The server as a process of its own, and what the kernel says it used. Needs Linux' /proc."""

from __future__ import annotations

import contextlib
import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[1]
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process had used at one moment.

    Attributes:
        at: the moment, in seconds of the monotonic clock, which all processes share.
        cpu_s: processor time since it began, of all its threads.
        waited_s: time for which its threads, of those that it has now, could have run but had no core.
        rss_kb: resident memory.
        switches: how often one of those threads went to sleep by itself.
    """

    at: float
    cpu_s: float
    waited_s: float
    rss_kb: int
    switches: int


def usage_of(pid: int) -> Usage:
    """Read what a process has used so far."""
    # The second field is the program's name in parentheses, which may hold spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    switches = waited_ns = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread may end meanwhile
            slept, waited = _status(thread)["voluntary_ctxt_switches"], _waited_ns(thread)
            switches += slept
            waited_ns += waited
    return Usage(
        at=time.monotonic(),
        cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS_PER_S,
        waited_s=waited_ns / 1e9,
        rss_kb=_status(Path(f"/proc/{pid}"))["VmRSS"],
        switches=switches,
    )


def _waited_ns(thread: Path) -> int:
    return int((thread / "schedstat").read_text().split()[1])


def _status(process: Path) -> dict[str, int]:
    lines = (line.split() for line in (process / "status").read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) for words in lines if len(words) > 1 and words[1].isdigit()}


@contextlib.contextmanager
def pinned(core: int) -> Iterator[None]:
    """Run on one core, and start processes that do."""
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, CORES)


@dataclass(frozen=True, slots=True)
class Server:
    """A running server.

    Attributes:
        pid: its process.
        port: where it listens.
        said: what it prints from now on.
    """

    pid: int
    port: int
    said: IO[str]


def server(max_sessions: int) -> contextlib.AbstractContextManager[Server]:
    """Run `vivavoce serve` with engines that cost nothing, alone on its core.

    Raises:
        RuntimeError: it did not start.
    """
    options = ["--engines", "bench", "--port", "0", "--log-level", "error"]
    return running("vivavoce", "serve", *options, "--max-sessions", str(max_sessions))


def floor() -> contextlib.AbstractContextManager[Server]:
    """Run `bench.floor` in its place.

    Raises:
        RuntimeError: it did not start.
    """
    return running("bench.floor")


def wire() -> contextlib.AbstractContextManager[Server]:
    """Run `bench.sdk_wire`, for clients.

    Raises:
        RuntimeError: it did not start.
    """
    return running("bench.sdk_wire")


@contextlib.contextmanager
def running(module: str, *options: str, core: int = SERVER_CORE) -> Iterator[Server]:
    """Run a module of ours that says where it listens.

    Args:
        module: as for `python -m`.
        options: its arguments.
        core: where it runs.

    Raises:
        RuntimeError: it did not start.
    """
    command = [sys.executable, "-m", module, *options]
    with _process(command, core, subprocess.PIPE) as process:
        assert process.stdout is not None
        with process.stdout:
            line = process.stdout.readline()
            if not line.startswith("vivavoce: listening on "):
                raise RuntimeError(f"the server did not start; try: {' '.join(command)}")
            yield Server(process.pid, int(line.rpartition(":")[2].partition("/")[0]), process.stdout)


@contextlib.contextmanager
def running_at(port: int, command: Sequence[str], wait_s: float = 180.0) -> Iterator[Server]:
    """Run a server that does not say when it listens, on the server's core.

    Args:
        port: where it will.
        command: program and arguments.
        wait_s: how long it may take.

    Raises:
        RuntimeError: it did not start.
    """
    with _process(command, SERVER_CORE, subprocess.DEVNULL) as process:
        end = time.monotonic() + wait_s
        while process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                break
            time.sleep(0.1)
        else:
            raise RuntimeError(f"the server did not start; try: {' '.join(command)}")
        yield Server(process.pid, port, io.StringIO())


@contextlib.contextmanager
def _process(command: Sequence[str], core: int, stdout: int) -> Iterator[subprocess.Popen[str]]:
    with pinned(core):
        process = subprocess.Popen(command, cwd=ROOT, stdout=stdout, stderr=subprocess.DEVNULL, text=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
