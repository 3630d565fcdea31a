"""Reads what a tool and its parameters are for from a docstring: Google, NumPy or Sphinx style."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

_GOOGLE_SECTION = re.compile(r"^(Args|Arguments|Parameters|Params):\s*$")
_GOOGLE_ENTRY = re.compile(r"^\*{0,2}(\w+)\s*(?:\([^)]*\))?\s*:\s*(.*)$")
_ANY_GOOGLE_SECTION = re.compile(
    r"^(Args|Arguments|Parameters|Params|Returns?|Yields?|Raises|Examples?|Notes?|Attributes|Warns?|Todo):"
)
_NUMPY_RULE = re.compile(r"^-{3,}\s*$")
_NUMPY_ENTRY = re.compile(r"^(\w+(?:\s*,\s*\w+)*)\s*(?::.*)?$")
_SPHINX_FIELD = re.compile(r"^:(\w+)(?:\s+([^:]*))?:\s*(.*)$")
_SPHINX_PARAMETERS = frozenset({"param", "parameter", "arg", "argument", "key", "keyword"})


@dataclass(slots=True)
class Docstring:
    """What a docstring says.

    Attributes:
        description: everything before the first section.
        parameters: description of each parameter, by name.
    """

    description: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


def parse_docstring(text: str | None) -> Docstring:
    """Read a docstring. Never fails: what it does not understand is part of the description."""
    lines = inspect.cleandoc(text or "").splitlines()
    body = next((index for index in range(len(lines)) if _starts_section(lines, index)), len(lines))
    parsed = Docstring(description="\n".join(lines[:body]).strip())
    index = body
    while index < len(lines):
        if _GOOGLE_SECTION.match(lines[index]):
            index = _read_google(lines, index + 1, parsed)
        elif _is_numpy_heading(lines, index) and lines[index].strip() in {"Parameters", "Other Parameters"}:
            index = _read_numpy(lines, index + 2, parsed)
        else:
            index = _read_sphinx(lines, index, parsed)
    return parsed


def _starts_section(lines: list[str], index: int) -> bool:
    line = lines[index]
    return bool(
        _ANY_GOOGLE_SECTION.match(line) or _is_numpy_heading(lines, index) or _SPHINX_FIELD.match(line)
    )


def _is_numpy_heading(lines: list[str], index: int) -> bool:
    return bool(
        lines[index].strip()
        and not lines[index][0].isspace()
        and index + 1 < len(lines)
        and _NUMPY_RULE.match(lines[index + 1])
    )


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _read_google(lines: list[str], index: int, parsed: Docstring) -> int:
    """Read indented ``name (type): text`` entries; returns the index of the first line after them."""
    depth: int | None = None
    name = ""
    while index < len(lines) and (not lines[index].strip() or lines[index][0].isspace()):
        line = lines[index]
        index += 1
        if not line.strip():
            continue
        depth = _indent(line) if depth is None else depth
        entry = _GOOGLE_ENTRY.match(line.strip()) if _indent(line) <= depth else None
        if entry:
            name = entry[1]
            parsed.parameters[name] = entry[2]
        elif name:
            parsed.parameters[name] = f"{parsed.parameters[name]} {line.strip()}".strip()
    return index


def _read_numpy(lines: list[str], index: int, parsed: Docstring) -> int:
    """Read ``name : type`` lines with indented text; returns the index of the first line after them."""
    names: list[str] = []
    while index < len(lines) and not _is_numpy_heading(lines, index):
        line = lines[index]
        index += 1
        if not line.strip():
            continue
        entry = None if line[0].isspace() else _NUMPY_ENTRY.match(line)
        if entry:
            names = [name.strip() for name in entry[1].split(",")]
            for name in names:
                parsed.parameters[name] = ""
        else:
            for name in names:
                parsed.parameters[name] = f"{parsed.parameters[name]} {line.strip()}".strip()
    return index


def _read_sphinx(lines: list[str], index: int, parsed: Docstring) -> int:
    """Read one ``:param name: text`` field or skip one line; returns the index of the next line."""
    found = _SPHINX_FIELD.match(lines[index])
    index += 1
    if not found or found[1] not in _SPHINX_PARAMETERS or not found[2]:
        return index
    words = [found[3]]
    while index < len(lines) and lines[index].strip() and lines[index][0].isspace():
        words.append(lines[index].strip())
        index += 1
    parsed.parameters[found[2].split()[-1]] = " ".join(words).strip()
    return index
