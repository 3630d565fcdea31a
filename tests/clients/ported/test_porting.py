"""The rule by which the examples are ported: their imports change, and nothing else."""

from __future__ import annotations

import ast
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

import vivavoce

if TYPE_CHECKING:
    from collections.abc import Callable

    Ported = Callable[[str], str]

pytestmark = pytest.mark.clients

EXAMPLES = ["cli/demo.py", "app/server.py", "app/agent.py", "twilio/twilio_handler.py"]


def without_imports(source: str) -> str:
    """Return what a program does, without its imports from other packages."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body: list[Any] = getattr(node, "body", None) or []
        if isinstance(body, list):
            body[:] = [one for one in body if not isinstance(one, ast.Import | ast.ImportFrom)]
    return ast.unparse(tree)


@pytest.mark.parametrize("example", EXAMPLES)
def test_only_imports_change(originals: Path, ported: Ported, example: str) -> None:
    source = (originals / example).read_text()
    after = ported(source)
    assert after != source
    assert without_imports(after) == without_imports(source)
    modules = {node.module for node in ast.walk(ast.parse(after)) if isinstance(node, ast.ImportFrom)}
    assert not [module for module in modules if (module or "").split(".")[0] == "agents"]


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_name_is_there(originals: Path, ported: Ported, face: ModuleType, example: str) -> None:
    homes = {"vivavoce": vivavoce, face.__name__: face}
    imported = [
        (homes[node.module], alias.name)
        for node in ast.walk(ast.parse(ported((originals / example).read_text())))
        if isinstance(node, ast.ImportFrom) and node.module in homes
        for alias in node.names
    ]
    assert imported
    assert [name for home, name in imported if not hasattr(home, name)] == []


def test_imports_of_several_lines_and_from_deep_modules(ported: Ported) -> None:
    source = (
        "from agents.realtime import (\n"
        "    RealtimeAgent,\n"
        "    RealtimeRunner,\n"
        ")\n"
        "from agents.decorators import tool\n"
        "\n"
        "x = tool\n"
    )
    assert ported(source) == (
        "from vivavoce import RealtimeAgent; from openai_agents import RealtimeRunner\n"
        "from vivavoce import function_tool as tool\n"
        "\n"
        "x = tool\n"
    )
