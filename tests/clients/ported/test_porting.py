"""The rule by which the examples are ported: their imports change, and nothing else."""

from __future__ import annotations

import ast
import importlib
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Ways = Mapping[str, Callable[[str], str]]

pytestmark = pytest.mark.clients

EXAMPLES = [
    "cli/demo.py",
    "app/server.py",
    "app/agent.py",
    "app/test_frontend.py",
    "twilio/twilio_handler.py",
    "twilio_sip/agents.py",
    "twilio_sip/server.py",
]
"""All programs of the examples that import `agents`."""
AT_THE_FRONT_DOOR = ["cli/demo.py", "twilio/twilio_handler.py"]
"""Those that find all their names at the front door, too."""


def imports(source: str, package: str) -> list[ast.ImportFrom]:
    """Return the imports from a package; a relative one is from none."""
    return [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ImportFrom)
        and not node.level
        and (node.module or "").split(".")[0] == package
    ]


def without_imports(source: str) -> str:
    """Return what a program does, without its imports from other packages."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body: list[Any] = getattr(node, "body", None) or []
        if isinstance(body, list):
            body[:] = [one for one in body if not isinstance(one, ast.Import | ast.ImportFrom)]
    return ast.unparse(tree)


def test_no_example_is_forgotten(originals: Path) -> None:
    using = {
        path.relative_to(originals).as_posix()
        for path in originals.rglob("*.py")
        if imports(path.read_text(), "agents")
    }
    assert using == set(EXAMPLES)


@pytest.mark.parametrize("way", ["room", "front_door"])
@pytest.mark.parametrize("example", EXAMPLES)
def test_only_imports_change(originals: Path, ways: Ways, example: str, way: str) -> None:
    source = (originals / example).read_text()
    after = ways[way](source)
    assert after != source
    assert without_imports(after) == without_imports(source)
    assert imports(after, "agents") == []


@pytest.mark.parametrize(
    ("example", "way"),
    [
        *((example, "room") for example in EXAMPLES),
        *((example, "front_door") for example in AT_THE_FRONT_DOOR),
    ],
)
def test_every_name_is_there(originals: Path, ways: Ways, example: str, way: str) -> None:
    after = ways[way]((originals / example).read_text())
    imported = [
        (node.module or "", alias.name) for node in imports(after, "vivavoce") for alias in node.names
    ]
    assert imported
    assert [pair for pair in imported if not hasattr(importlib.import_module(pair[0]), pair[1])] == []


SOURCE = (
    "from agents.realtime import (\n"
    "    RealtimeAgent,\n"
    "    RealtimeRunner,\n"
    ")\n"
    "if RealtimeAgent:\n"
    "    from agents.decorators import tool\n"
    "from .agents import mine\n"
)
PORTED = {
    "room": (
        "from vivavoce.openai_agents.realtime import RealtimeAgent, RealtimeRunner\n"
        "if RealtimeAgent:\n"
        "    from vivavoce.openai_agents.decorators import tool\n"
        "from .agents import mine\n"
    ),
    "front_door": (
        "from vivavoce import RealtimeAgent; from vivavoce import RealtimeRunner\n"
        "if RealtimeAgent:\n"
        "    from vivavoce import function_tool as tool\n"
        "from .agents import mine\n"
    ),
}


@pytest.mark.parametrize("way", PORTED)
def test_imports_of_several_lines_and_inside_of_others(ways: Ways, way: str) -> None:
    assert ways[way](SOURCE) == PORTED[way]
