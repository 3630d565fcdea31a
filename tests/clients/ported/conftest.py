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
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from vivavoce import session
from vivavoce.connections import RealtimeModel

HERE = Path(__file__).parent
FACE = "openai_agents"
"""Where names come from that are not the same at the front door of `vivavoce`."""
OTHER_NAMES = {"tool": "function_tool as tool"}
WANTED = "examples/realtime/"
NONE: frozenset[str] = frozenset()


def port(source: str, face: frozenset[str] = NONE) -> str:
    """Return a program with its imports of `agents` changed, and nothing else.

    Args:
        source: the program.
        face: names that are imported from `FACE`; all others come from `vivavoce`.
    """
    lines: list[str | None] = list(source.splitlines())
    for node in ast.walk(ast.parse(source)):
        if (
            not isinstance(node, ast.ImportFrom)
            or node.level
            or (node.module or "").split(".")[0] != "agents"
        ):
            continue
        names = [alias.name for alias in node.names]
        homes = {name: FACE if name in face else "vivavoce" for name in names}
        imports = [f"from {homes[name]} import {OTHER_NAMES.get(name, name)}" for name in names]
        lines[node.lineno - 1] = "; ".join(imports)
        lines[node.lineno : node.end_lineno] = [None] * ((node.end_lineno or 0) - node.lineno)
    return "\n".join(line for line in lines if line is not None) + "\n"


@pytest.fixture(scope="session")
def face() -> Iterator[ModuleType]:
    """The names that are not the same at the front door."""
    sys.path.insert(0, str(HERE))
    yield importlib.import_module(FACE)
    sys.path.remove(str(HERE))


@pytest.fixture(scope="session")
def ported(face: ModuleType) -> Callable[[str], str]:
    """``ported(source)`` returns a program with its imports changed."""
    return lambda source: port(source, frozenset(face.__all__))


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
    originals: Path, face: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, str], ModuleType]]:
    """``programs("app", "server")`` imports a ported example; all but the app by the front door alone."""
    folder = tmp_path_factory.mktemp("ported")
    for example in ("app", "cli", "twilio"):
        copy = folder / f"ported_{example}"
        shutil.copytree(originals / example, copy)
        for program in copy.glob("*.py"):
            program.write_text(
                port(program.read_text(), frozenset(face.__all__) if example == "app" else NONE)
            )
    sys.path.insert(0, str(folder))
    yield lambda example, name: importlib.import_module(f"ported_{example}.{name}")
    sys.path.remove(str(folder))


@pytest.fixture
def default_model(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], RealtimeModel]], None]:
    """``default_model(make)`` says what a program talks to that names no model."""

    def use(make: Callable[[], RealtimeModel]) -> None:
        monkeypatch.setattr(session.runner, "model_for", lambda *_, **__: make())

    return use
