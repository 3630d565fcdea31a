"""The examples of `openai-agents`, ported by a rule that knows nothing but imports.

Their text is not a part of this project: it is read from the source distribution of `openai-agents`, which
lies in ``.venv/share/openai-agents`` or where ``OPENAI_AGENTS_SDIST`` says.
"""

from __future__ import annotations

import ast
import importlib
import os
import shutil
import sys
import tarfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

import pytest

from vivavoce import session
from vivavoce.connections import RealtimeModel

ROOM = "vivavoce.openai_agents"
"""Takes the place of the module `agents`: every import stays as it is but for this name."""
FRONT_DOOR = "vivavoce"
"""Has the names that most programs need, whatever module they come from there."""
OTHER_NAMES = {"tool": "function_tool as tool"}
"""How names are imported at the front door that are called otherwise there."""
WANTED = "examples/realtime/"


def to_room(source: str) -> str:
    """Return a program that imports from `ROOM` what it imported from `agents`, and nothing else changed."""
    return _port(source, lambda line, _: line.replace("from agents", f"from {ROOM}", 1))


def to_front_door(source: str) -> str:
    """Return a program that imports from `FRONT_DOOR` what it imported from `agents`, whatever its module."""
    return _port(
        source,
        lambda _, names: "; ".join(
            f"from {FRONT_DOOR} import {OTHER_NAMES.get(name, name)}" for name in names
        ),
    )


WAYS: Mapping[str, Callable[[str], str]] = {"room": to_room, "front_door": to_front_door}


def _port(source: str, change: Callable[[str, list[str]], str]) -> str:
    """Change each import of `agents`, once it stands in one line.

    Args:
        source: the program.
        change: takes the import and the names in it, and returns what stands in its place.
    """
    lines: list[str | None] = list(source.splitlines())
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.ImportFrom)
            and not node.level
            and (node.module or "").split(".")[0] == "agents"
        ):
            indent = " " * node.col_offset
            lines[node.lineno - 1] = indent + change(ast.unparse(node), [alias.name for alias in node.names])
            lines[node.lineno : node.end_lineno] = [None] * ((node.end_lineno or 0) - node.lineno)
    return "\n".join(line for line in lines if line is not None) + "\n"


@pytest.fixture(scope="session")
def ways() -> Mapping[str, Callable[[str], str]]:
    """``ways["room"](source)`` and ``ways["front_door"](source)`` return a program, ported."""
    return WAYS


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder `examples/realtime` of `openai-agents`."""
    place = Path(os.environ.get("OPENAI_AGENTS_SDIST") or Path(sys.prefix) / "share" / "openai-agents")
    found = [place] if place.is_file() else sorted(place.glob("openai_agents-*.tar.gz"))
    if not found:
        command = f"pip download --no-deps --no-binary openai-agents --dest {place} openai-agents"
        pytest.skip(f"needs the examples of openai-agents: {command}")
    folder = tmp_path_factory.mktemp("originals")
    with tarfile.open(found[-1]) as archive:
        members = [member for member in archive if WANTED in member.name and member.isfile()]
        archive.extractall(folder, members, filter="data")
    return next(folder.glob(f"*/{WANTED}"))


@pytest.fixture(scope="session")
def programs(
    originals: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, str, str], ModuleType]]:
    """``programs("app", "server", "room")`` imports a program of an example, ported in one of the `WAYS`."""
    folder = tmp_path_factory.mktemp("ported")
    for way, port in WAYS.items():
        for example in ("app", "cli", "twilio", "twilio_sip"):
            copy = folder / f"{example}_{way}"
            shutil.copytree(originals / example, copy)
            for program in copy.glob("*.py"):
                program.write_text(port(program.read_text()))
    sys.path.insert(0, str(folder))

    def load(example: str, name: str, way: str = "room") -> ModuleType:
        return importlib.import_module(f"{example}_{way}.{name}")

    yield load
    sys.path.remove(str(folder))


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """Each of the `WAYS` in turn, for examples that run in both."""
    return str(request.param)


@pytest.fixture
def default_model(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], RealtimeModel]], None]:
    """``default_model(make)`` says what a program talks to that names no model."""

    def use(make: Callable[[], RealtimeModel]) -> None:
        monkeypatch.setattr(session.runner, "model_for", lambda *_, **__: make())

    return use
