"""Measurements of what comes before the first line of work: importing, and the size of an installation."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

from packaging.requirements import Requirement

from bench.report import Cell, Figures, Report

_PROGRAM = """
from {0} import function_tool
from {1} import RealtimeAgent, RealtimeRunner

@function_tool
def add(a: int, b: int) -> int:
    "Add two numbers."
    return a + b

RealtimeRunner(RealtimeAgent(name="Ada", tools=[add]))
"""
IMPORTS = (
    ("import vivavoce", "import vivavoce"),
    ("the SDK's names", "from vivavoce import RealtimeAgent, RealtimeRunner, function_tool"),
    ("a voice agent with a tool", _PROGRAM.format("vivavoce", "vivavoce")),
    ("websockets and json, for comparison", "import asyncio, json, websockets.asyncio.client"),
)
PEER = ("the same of openai-agents", _PROGRAM.format("agents", "agents.realtime"))


def imports(report: Report, times: int = 7) -> None:
    """Measure how long importing takes beyond the start of Python itself, and what is installed for it."""
    report.progress("imports")
    compared = importlib.util.find_spec("agents") is not None
    empty_cpu, empty_wall = _median_ms("pass", times)
    rows: list[tuple[Cell, ...]] = []
    for name, code in (*IMPORTS, PEER) if compared else IMPORTS:
        cpu, wall = _median_ms(code, times)
        rows.append((name, cpu - empty_cpu, wall - empty_wall))
    columns = ("what", "CPU ms", "ms")
    note = (
        f"Beyond an empty Python, which takes {empty_cpu:.0f} ms of CPU here. Median of {times} fresh "
        "processes, files in the cache."
    )
    report.add("imports", Figures("Import time", columns, tuple(rows), note))
    for distribution in ("vivavoce", "openai-agents") if compared else ("vivavoce",):
        report.add("imports", _size(distribution))


def _size(distribution: str) -> Figures:
    needed = ((name, _installed_mb(name)) for name in _needed(distribution))
    sizes = sorted(needed, key=lambda row: row[1], reverse=True)
    total: tuple[Cell, ...] = (f"all {len(sizes)} packages", sum(size for _, size in sizes))
    title = f"Size of a plain install of {distribution}, MB"
    return Figures(title, ("package", "MB"), (total, *sizes[:6]), "Without extras and pip.")


def _median_ms(code: str, times: int) -> tuple[float, float]:
    """Return milliseconds of processor time and of the clock."""
    taken = [_once_ms(code) for _ in range(times)]
    return statistics.median(cpu for cpu, _ in taken), statistics.median(wall for _, wall in taken)


def _once_ms(code: str) -> tuple[float, float]:
    begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu * 1000, (time.perf_counter() - begin) * 1000


def _needed(root: str) -> set[str]:
    """Return the package and everything that it requires without extras."""
    found: set[str] = set()
    waiting = [root]
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in found:
            continue
        found.add(name)
        for line in importlib.metadata.requires(name) or ():
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def _installed_mb(name: str) -> float:
    if name == "vivavoce":
        # An editable install has no files of its own.
        import vivavoce

        return _folder_mb(Path(vivavoce.__file__).parent)
    files = importlib.metadata.files(name) or ()
    return sum(size_of(Path(str(file.locate()))) for file in files) / 1e6


def _folder_mb(folder: Path) -> float:
    return sum(size_of(path) for path in folder.rglob("*") if "__pycache__" not in path.parts) / 1e6


def size_of(path: Path) -> int:
    """Return the size of a file, 0 when it is none."""
    return path.stat().st_size if path.is_file() else 0
