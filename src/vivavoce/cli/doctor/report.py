"""The findings in words: coloured on a terminal where rich is installed, plain everywhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from importlib.util import find_spec
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from vivavoce.cli.doctor.findings import Choice, Findings

STYLES = {"✓": "green", "✗": "bold red", "–": "dim"}


def as_json(findings: Findings) -> str:
    """Return the findings as JSON."""
    form = asdict(findings)
    form["extras"] = [
        {**asdict(extra), "packages": dict(extra.packages), "installed": extra.installed}
        for extra in findings.extras
    ]
    form["advice"] = [{"run": command, "for": purpose} for command, purpose in findings.advice]
    return json.dumps({"ok": findings.ok, **form}, indent=2, ensure_ascii=False)


def report_lines(findings: Findings) -> Iterator[str]:
    """Return the report line by line; headings end in a colon, items begin with two spaces."""
    yield f"vivavoce {findings.vivavoce} on Python {findings.python}, {findings.system}"
    yield ""
    yield "Built-in engines:"
    for trial in findings.engines:
        mark = "✓" if trial.works else "✗"
        yield f"  {mark} {trial.part:<15} {trial.engine:<15} {trial.seconds * 1000:>6.0f} ms  {trial.detail}"
    if findings.choices:
        yield ""
        yield "Engines to choose from:"
        for choice in findings.choices:
            yield f"  {_mark(choice.installed)} {choice.engine:<22} {choice.summary}{_lacks(choice)}"
    yield ""
    yield "Packages:"
    yield f"  {_mark(all(findings.packages.values()))} {'always needed':<15} {_packages(findings.packages)}"
    for extra in findings.extras:
        yield f"  {_mark(extra.installed)} {f'[{extra.name}]':<15} {_packages(extra.packages)}"
    yield ""
    yield "Keys:"
    for key in findings.keys:
        state = "set" if key.present else "not set"
        yield f"  {_mark(key.present)} {key.name:<21} {state:<8} {key.purpose}"
    if findings.advice:
        yield ""
        yield "What you can do:"
        width = max(len(command) for command, _ in findings.advice)
        for command, purpose in findings.advice:
            yield f"    {command:<{width}}  # {purpose}"
    yield ""
    yield "The built-in engines work." if findings.ok else "The built-in engines do not all work."


def show(findings: Findings, out: TextIO) -> None:
    """Print the report."""
    lines = list(report_lines(findings))
    if find_spec("rich") is None or not out.isatty():
        out.write("".join(f"{line}\n" for line in lines))
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=out, highlight=False)
    for number, line in enumerate(lines, 1):
        text = Text(line)
        mark = line[2:3]
        if line.endswith(":") or number == 1:
            text.stylize("bold")
        elif mark in STYLES:
            text.stylize(STYLES[mark], 2, 3)
        elif line.startswith("    "):
            text.stylize("dim", line.index("  #"))
        elif number == len(lines):
            text.stylize("bold green" if findings.ok else "bold red")
        console.print(text, soft_wrap=True)


def _mark(present: bool) -> str:
    return "✓" if present else "–"


def _lacks(choice: Choice) -> str:
    """Return what an engine cannot do without and has not."""
    if not choice.installed:
        return f"; {choice.command or 'missing: ' + ', '.join(choice.missing)}"
    return f"; needs {choice.needs}" if choice.needs else ""


def _packages(packages: object) -> str:
    assert isinstance(packages, dict)
    return ", ".join(f"{name} {version or 'missing'}" for name, version in packages.items())
