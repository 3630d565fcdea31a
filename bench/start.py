"""Measurements of what comes before the first line of work: importing, and the size of an installation."""

from __future__ import annotations

import importlib.metadata
import statistics
import subprocess
import sys
import time
from pathlib import Path

from packaging.requirements import Requirement

from bench.report import Cell, Figures, Report

IMPORTS = (
    ("import vivavoce", "import vivavoce"),
    ("the SDK's names", "from vivavoce import RealtimeAgent, RealtimeRunner, function_tool"),
    ("websockets and json, for comparison", "import asyncio, json, websockets.asyncio.client"),
)
_TIMES = 7


def imports(report: Report) -> None:
    """Measure how long importing takes, beyond the start of Python itself."""
    report.progress("imports")
    empty = _median_ms("pass")
    rows: list[tuple[Cell, ...]] = []
    for name, code in IMPORTS:
        taken = _median_ms(code)
        rows.append((name, taken - empty, taken / empty))
    columns = ("what", "ms beyond an empty Python", "ratio to it")
    note = (
        f"An empty Python takes {empty:.0f} ms here. Median of {_TIMES} fresh processes, files in the cache."
    )
    report.add("imports", Figures("Import time", columns, tuple(rows), note))
    sizes = sorted(
        ((name, _installed_mb(name)) for name in _needed("vivavoce")), key=lambda row: row[1], reverse=True
    )
    total: tuple[Cell, ...] = (f"all {len(sizes)} packages", sum(size for _, size in sizes))
    report.add(
        "imports",
        Figures(
            "Size of a plain install, MB", ("package", "MB"), (total, *sizes[:6]), "Without extras and pip."
        ),
    )


def _median_ms(code: str) -> float:
    times = []
    for _ in range(_TIMES):
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True)
        times.append((time.perf_counter() - begin) * 1000)
    return statistics.median(times)


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
