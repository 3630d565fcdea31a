"""What a measurement leaves: tables on the terminal, and one JSON file with every figure."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"
Cell = str | int | float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """One table.

    Attributes:
        title: what was measured, with the unit where all columns share one.
        columns: their names.
        rows: cells; floats are shown with three significant digits.
        note: how to read it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""


@dataclass(slots=True)
class Report:
    """Collects the tables of a run and shows each as soon as it is there."""

    console: Console = field(default_factory=lambda: Console(width=140, highlight=False))
    sections: dict[str, Any] = field(default_factory=dict)

    def progress(self, text: str) -> None:
        """Show what is being done."""
        self.console.print(f"[dim]{time.strftime('%H:%M:%S')}  {text}[/dim]")

    def skip(self, section: str, reason: str) -> None:
        """Say that a section could not be measured here."""
        self.sections[section] = {"skipped": reason}
        self.console.print(f"\n[yellow]{section}: skipped, {reason}[/yellow]")

    def add(self, section: str, figures: Figures) -> None:
        """Show a table and keep it."""
        rows = [dict(zip(figures.columns, row, strict=True)) for row in figures.rows]
        self.sections.setdefault(section, []).append(
            {"title": figures.title, "rows": rows, "note": figures.note}
        )
        table = Table(title=figures.title, title_justify="left", title_style="bold", caption_justify="left")
        for name in figures.columns:
            table.add_column(name, justify="left" if name == figures.columns[0] else "right")
        for row in figures.rows:
            table.add_row(*map(_shown, row))
        self.console.print()
        self.console.print(table)
        if figures.note:
            self.console.print(f"[dim]{figures.note}[/dim]")

    def save(self, path: Path) -> None:
        """Write every figure, and what it was measured on, as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        machine = {
            "python": platform.python_version(),
            "platform": platform.platform(),
            "cpus": os.cpu_count(),
            "load_average_1m": os.getloadavg()[0],
            "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        }
        path.write_text(json.dumps({"machine": machine, "sections": self.sections}, indent=1) + "\n")
        self.console.print(f"\nEvery figure: {path}")


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Return the value below which `percent` of the values lie (nearest rank); `None` without values."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def _shown(cell: Cell) -> str:
    if cell is None:
        return "-"
    if isinstance(cell, float):
        return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return str(cell)
